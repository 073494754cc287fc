// A real OpenSSH server on a free port of this machine, with keys of its own, for one test.
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "unit/base/temp_dir.h"

namespace navette::test {

// A child process, killed with its group at the end.
class Process {
 public:
  explicit Process(std::vector<std::string> command, const std::filesystem::path& log = "/dev/null") {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      if (::freopen("/dev/null", "r", stdin) == nullptr || ::freopen(log.c_str(), "a", stdout) == nullptr ||
          ::freopen(log.c_str(), "a", stderr) == nullptr) {
        ::_exit(126);
      }
      std::vector<char*> argv;
      for (std::string& word : command) argv.push_back(word.data());
      argv.push_back(nullptr);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    ::setpgid(pid_, pid_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    signal(SIGCONT);
    signal(SIGKILL);
    wait();
  }
  void signal(int number) const {
    if (pid_ > 0) ::kill(-pid_, number);
  }
  int wait() {
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

inline std::uint16_t free_port() {
  const UniqueFd s(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in a = loopback(0);
  socklen_t size = sizeof a;
  if (::bind(s.get(), reinterpret_cast<sockaddr*>(&a), size) != 0 ||
      ::getsockname(s.get(), reinterpret_cast<sockaddr*>(&a), &size) != 0) {
    throw std::runtime_error("no free port");
  }
  return ntohs(a.sin_port);
}

inline bool answers(std::uint16_t port) {
  const UniqueFd s(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in a = loopback(port);
  return ::connect(s.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0;
}

template <typename Condition>
void wait_until(const Condition& condition, const char* what) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error(std::string("waited in vain for ") + what);
}

inline void run(const std::vector<std::string>& command) {
  if (Process(command).wait() != 0) throw std::runtime_error("failed: " + command[0]);
}

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
  void stop() { process_.reset(); }
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
  }
  void authorise(const std::string& key) const {
    std::ofstream(dir / "authorized_keys", std::ios::app) << dir.get(key + ".pub");
  }
  std::string fingerprint(const std::string& kind = "ed25519") const {
    run({"sh", "-c",
         "ssh-keygen -lf '" + (dir / ("host_" + kind + ".pub")).string() + "' | cut -d' ' -f2 | tr -d '\\n' > '" +
             (dir / "print").string() + "'"});
    return dir.get("print");
  }
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
