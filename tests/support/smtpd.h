// A real mail server on a free port of this machine, with a certificate of its own, for one test.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/process.h"
#include "unit/base/temp_dir.h"

namespace navette::test {

class Smtpd {
 public:
  // Options of tests/support/smtpd.py.
  explicit Smtpd(std::vector<std::string> options = {}) : port_(free_port()) {
    make_certificate("server.pem");
    std::filesystem::create_directory(dir / "mails");
    start(std::move(options));
  }

  void start(std::vector<std::string> options = {}) {
    std::vector<std::string> command{"/usr/bin/python3",       "tests/support/smtpd.py", std::to_string(port_),
                                     (dir / "mails").string(), "--certificate",          certificate()};
    command.insert(command.end(), options.begin(), options.end());
    process_ = std::make_unique<Process>(std::move(command), dir / "smtpd.log");
    wait_until([this] { return answers(port_); }, "the mail server");
  }
  void stop() { process_.reset(); }
  void signal(int number) const { process_->signal(number); }

  std::uint16_t port() const { return port_; }
  // Also its CA.
  std::string certificate() const { return (dir / "server.pem").string(); }
  void make_certificate(const std::string& name) const {
    const std::string file = (dir / name).string();
    run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", file + ".key", "-out", file});
    run({"sh", "-c", "cat '" + file + ".key' >> '" + file + "'"});
  }

  // The n-th message taken, from 1.
  std::string mail(int n) const { return dir.get("mails/" + std::to_string(n) + ".eml"); }
  bool has(int n) const { return std::filesystem::exists(dir / ("mails/" + std::to_string(n) + ".eml")); }
  // How each message came, a line each.
  std::string log() const { return std::filesystem::exists(dir / "mails/log") ? dir.get("mails/log") : ""; }

  TempDir dir;

 private:
  std::uint16_t port_;
  std::unique_ptr<Process> process_;
};

}  // namespace navette::test
