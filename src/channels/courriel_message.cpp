#include "channels/courriel_message.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "lib/qpdf/sealed.h"

namespace navette::channels {
namespace {

using model::FileKind;
using model::Protection;

constexpr std::size_t longest_subject = 400;
constexpr std::size_t longest_text = 3072;
// Of the message's own headers, with addresses of 254 bytes and a subject all encoded.
constexpr std::uint64_t largest_head = 4096;
// The text as quoted-printable (three bytes for each, and soft line ends), its headers and boundaries.
constexpr std::uint64_t largest_text = 10240;

bool is_pdf(FileKind kind) {
  return kind == FileKind::pdf || kind == FileKind::cover_sheet;
}

const char* type_of(FileKind kind) {
  return is_pdf(kind) ? "application/pdf" : "application/xml";
}

std::string sealed_name(const std::string& remise) {
  return remise + ".pdf";
}

std::string seal(const std::string& remise, std::vector<RemiseContent> files, const std::string& password) {
  std::vector<qpdf::Enclosed> parts;
  parts.reserve(files.size());
  for (RemiseContent& f : files)
    parts.push_back({std::move(f.name), type_of(f.kind), std::move(f.bytes), is_pdf(f.kind)});
  return qpdf::seal(parts, "Remise " + remise, password);
}

std::vector<mime::Attachment> attachments_of(std::vector<RemiseContent> files) {
  std::vector<mime::Attachment> out;
  out.reserve(files.size());
  for (RemiseContent& f : files) out.push_back({std::move(f.name), type_of(f.kind), std::move(f.bytes)});
  return out;
}

// `setting`: the element of the profile that names the credential.
[[noreturn]] void throw_unfit(const char* setting, const model::CourrielProfile& profile, const std::string& why) {
  throw CredentialError(fmt::format("<{0}>{1}</{0}> of the lieu's profile: {2}", setting, profile.credential, why));
}

std::string read_password(const model::CourrielProfile& profile, const Credentials& credentials) {
  constexpr std::size_t least = 12;
  constexpr std::size_t most = 127;
  std::string password =
      one_line(credentials.read({profile.credential, model::CredentialUse::pdf_password}), profile.credential);
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (password.size() < least || password.size() > most || !std::all_of(password.begin(), password.end(), printable))
    throw CredentialError("a password of 12 to 127 characters, ASCII and printable, is wanted");
  if (password.front() == ' ' || password.back() == ' ')
    throw CredentialError("the password begins or ends with a blank, which nobody sees who types it");
  return password;
}

}  // namespace

CourrielSecret read_secret(const model::CourrielProfile& profile, const Credentials& credentials, Instant now) {
  const bool smime = profile.protection == Protection::smime;
  const char* setting = smime ? "certificat" : "motDePasse";
  try {
    if (!smime) return {std::nullopt, read_password(profile, credentials)};
    auto certificate =
        crypto::Certificate::parse(credentials.read({profile.credential, model::CredentialUse::certificate}));
    certificate.require_fit(now);
    return {std::move(certificate), {}};
  } catch (const CredentialError& e) {
    throw_unfit(setting, profile, e.what());
  } catch (const crypto::CertificateError& e) {
    throw_unfit(setting, profile, e.what());
  }
}

std::string compose_courriel(const model::CourrielProfile& profile, const CourrielSecret& secret, mime::Message head,
                             const CourrielText& text, const std::string& remise, std::vector<RemiseContent> files) {
  if (text.subject.size() > longest_subject || text.text.size() > longest_text)
    throw Error("the text of a mail with a remise is too long: remise.xsl");
  head.subject = text.subject;
  head.text = text.text;
  if (profile.protection == Protection::smime) {
    const std::string entity = mime::compose_entity(text.text, attachments_of(std::move(files)), head.message_id);
    return mime::compose_enveloped(head, secret.certificate.value().encrypt(entity));
  }
  return mime::compose(
      head, {{sealed_name(remise), type_of(FileKind::pdf), seal(remise, std::move(files), secret.password)}});
}

std::uint64_t largest_courriel(const model::CourrielProfile& profile, const std::string& remise,
                               const std::vector<model::RemiseFile>& files, const Directory& source) {
  if (profile.protection == Protection::smime) {
    std::uint64_t entity = largest_text;
    for (const model::RemiseFile& f : files) entity += mime::largest_attached(f.size, f.name.size());
    return largest_head + mime::largest_attached(crypto::largest_encrypted(entity), 0);
  }
  // What chance changes: how the encrypted strings are written (checksums of attachments, keys).
  constexpr std::uint64_t chance = 1024;
  constexpr std::uint64_t chance_a_file = 256;
  constexpr std::uint64_t largest_file = std::uint64_t{64} << 20U;
  std::vector<RemiseContent> contents;
  contents.reserve(files.size());
  for (const model::RemiseFile& f : files) contents.push_back({f.name, f.kind, source.read(f.name, largest_file)});
  const std::uint64_t sealed = seal(remise, std::move(contents), "whatever it is").size();
  return largest_head + largest_text +
         mime::largest_attached(sealed + chance + chance_a_file * files.size(), sealed_name(remise).size());
}

}  // namespace navette::channels
