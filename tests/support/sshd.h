// A real OpenSSH server on a free port of this machine, with keys of its own, for one test.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <pwd.h>
#include <unistd.h>

#include "support/process.h"
#include "unit/base/temp_dir.h"

namespace navette::test {

struct SshdOptions {
  std::vector<std::string> host_keys = {"ed25519"};  // kinds
  std::string subsystem = "internal-sftp";           // with its options
  std::string more;                                  // lines of sshd_config
};

class Sshd {
 public:
  using Options = SshdOptions;

  explicit Sshd(const Options& options = {}) : port_(free_port()) {
    std::string config = "Port " + std::to_string(port_) +
                         "\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n"
                         "MaxStartups 100\nMaxSessions 100\nPasswordAuthentication no\nAuthorizedKeysFile " +
                         (dir / "authorized_keys").string() + "\nSubsystem sftp " + options.subsystem + "\n";
    for (const std::string& kind : options.host_keys) {
      make_key("host_" + kind, kind);
      config += "HostKey " + (dir / ("host_" + kind)).string() + "\n";
    }
    make_key("client", "ed25519");
    authorise("client");
    dir.put("sshd_config", config + options.more);
    start();
  }

  void start() {
    if (::geteuid() == 0) std::filesystem::create_directories("/run/sshd");
    process_ = std::make_unique<Process>(std::vector<std::string>{
        "/usr/sbin/sshd", "-D", "-f", (dir / "sshd_config").string(), "-E", (dir / "sshd.log").string()});
    wait_until([this] { return answers(port_); }, "sshd");
  }
  // A child that it had just forked holds the port a moment longer.
  void stop() {
    process_.reset();
    wait_until([this] { return !answers(port_); }, "the end of sshd");
  }
  void signal(int number) const { process_->signal(number); }
  // To the processes that serve its connections, and to no other server's.
  void signal_sessions(int number) const {
    const std::string n = std::to_string(number);
    run({"sh", "-c",
         "for c in $(pgrep -P " + std::to_string(process_->pid()) + "); do pkill -" + n + " -P $c; kill -" + n +
             " $c; done; true"});
  }

  void make_key(const std::string& name, const std::string& kind, const std::string& passphrase = "") const {
    std::filesystem::remove(dir / name);
    run({"ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", (dir / name).string()});
    run({"sh", "-c",
         "ssh-keygen -lf '" + (dir / (name + ".pub")).string() + "' | cut -d' ' -f2 | tr -d '\\n' > '" +
             (dir / (name + ".print")).string() + "'"});
  }
  void authorise(const std::string& key) const {
    std::ofstream(dir / "authorized_keys", std::ios::app) << dir.get(key + ".pub");
  }
  // Threads may ask for it at the same time.
  std::string fingerprint(const std::string& kind = "ed25519") const { return dir.get("host_" + kind + ".print"); }
  // "kind key" of a host key, as in known_hosts.
  std::string public_key(const std::string& kind = "ed25519") const {
    const std::string line = dir.get("host_" + kind + ".pub");
    return line.substr(0, line.rfind(' '));
  }
  static std::string user() { return ::getpwuid(::geteuid())->pw_name; }
  std::uint16_t port() const { return port_; }

  TempDir dir;

 private:
  std::uint16_t port_;
  std::unique_ptr<Process> process_;
};

}  // namespace navette::test
