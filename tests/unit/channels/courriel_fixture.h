// A lieu that gets its remises by e-mail: its box, its certificate or password, and a remise that waits in depart/.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "channels/courriel_sender.h"
#include "channels/smtp_sender.h"
#include "support/process.h"
#include "support/smtpd.h"
#include "support/times.h"
#include "unit/channels/depot_fixture.h"

namespace navette::test {

// One page, and `more` bytes that nobody can make smaller.
inline std::string small_pdf(std::size_t more) {
  std::string noise;
  for (std::uint32_t x = 1; noise.size() < more; x = x * 1664525U + 1013904223U) noise += static_cast<char>(x >> 24U);
  const std::string content = "BT ET %" + crypto::sha256_hex(noise) + "\n";
  return "%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
         "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
         "3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /X 5 0 R >> >>\n"
         "endobj\n4 0 obj\n<< /Length " +
         std::to_string(content.size()) + " >>\nstream\n" + content + "\nendstream\nendobj\n5 0 obj\n<< /Length " +
         std::to_string(noise.size()) + " >>\nstream\n" + noise + "\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n";
}

// What a lieu opens its mails with, and the credential that navette has of it.
class Keys {
 public:
  Keys(const std::filesystem::path& directory, model::Protection protection)
      : dir_(directory), protection_(protection) {
    std::filesystem::create_directories(dir_ / "credentials");
    if (protection == model::Protection::smime) make_certificate();
    if (protection == model::Protection::pdf) put_secret("chaise longue 7 !\n");
  }

  void make_certificate() const {
    run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "4000",
         "-subj", "/CN=rpe", "-keyout", path("key.pem"), "-out", path("cert.pem")});
    put_secret(slurped("cert.pem"));
  }
  void put_secret(const std::string& bytes) const {
    put("credentials/cle-rpe-pdf", bytes);
    std::filesystem::permissions(path("credentials/cle-rpe-pdf"), std::filesystem::perms::owner_all);
  }

  // A file of the remise as the lieu gets it out of `mail`.
  std::string opened(const std::string& mail, const std::string& name) const {
    put("mail.eml", mail);
    put("open.py", R"(import email, email.policy, subprocess, sys
where, name, kind = sys.argv[1:]
read = lambda data: email.message_from_bytes(data, policy=email.policy.default)
mail = read(open(where + "/mail.eml", "rb").read())
if kind == "smime":
    clear = subprocess.run(["openssl", "cms", "-decrypt", "-binary", "-in", where + "/mail.eml", "-inkey", where + "/key.pem",
                            "-recip", where + "/cert.pem"], capture_output=True, check=True).stdout
    [data] = [p.get_content() for p in read(clear).iter_attachments() if p.get_filename() == name]
else:
    [pdf] = mail.iter_attachments()
    open(where + "/remise.pdf", "wb").write(pdf.get_content())
    data = subprocess.run(["qpdf", "--password-file=" + where + "/credentials/cle-rpe-pdf", "--show-attachment=" + name,
                           where + "/remise.pdf"], capture_output=True, check=True).stdout
open(where + "/opened", "wb").write(data)
)");
    run({"/usr/bin/python3", path("open.py"), dir_.string(), name,
         protection_ == model::Protection::smime ? "smime" : "pdf"});
    return slurped("opened");
  }

 private:
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  void put(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  std::string slurped(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path dir_;
  model::Protection protection_;
};

class Box {
 public:
  static constexpr const char* address = "remises@pilat.example.org";

  Box(const Smtpd& smtpd, model::Protection protection, std::size_t pdf_size = 60000)
      : keys(dir.path(), protection), source(Directory::create(dir / "depart" / "rpe-pilat" / "R1")), smtpd_(smtpd) {
    clock.set(SystemClock().now() + std::chrono::hours(1));  // certificates are made now
    files.push_back(put_once(source, "DI_monenfant_A1.pdf", model::FileKind::pdf, small_pdf(pdf_size)));
    files.push_back(put_once(source, "DI_monenfant_A1.xml", model::FileKind::xml, "<nom>Vuillermet</nom>\n"));
    files.push_back(put_once(source, "manifeste.xml", model::FileKind::manifest, "<remise>R1</remise>"));
    profile = {address, protection, "cle-rpe-pdf", 10U << 20U};
  }

  channels::RemiseToSend remise() const { return {"R1", "rpe-pilat", source, files}; }
  // Each call is as another process would begin.
  std::unique_ptr<channels::FileSender> sender(const std::stop_token& stop = {}) const {
    if (!mail_) {
      mail_ = std::make_unique<channels::SmtpSender>(
          channels::SmtpSettings{"127.0.0.1", smtpd_.port(), curl::Tls::starttls, smtpd_.certificate(), "", ""},
          credentials_, patience);
    }
    return std::make_unique<channels::CourrielSender>(
        profile, channels::CourrielTools{*mail_, credentials_, clock, "navette@caf.example.org", short_text}, stop);
  }
  static channels::CourrielText short_text(const channels::RemiseToSend& r, model::Protection /*protection*/) {
    return {"Remise " + r.remise, "Bonjour\n"};
  }

  TempDir dir;
  Keys keys;
  mutable FakeClock clock{"2026-11-25T12:00:00Z"};
  Directory source;
  std::vector<model::RemiseFile> files;
  model::CourrielProfile profile;
  std::chrono::milliseconds patience = std::chrono::seconds(10);

 private:
  const Smtpd& smtpd_;
  channels::Credentials credentials_{dir / "credentials"};
  mutable std::unique_ptr<channels::MailSender> mail_;
};

}  // namespace navette::test
