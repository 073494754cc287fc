// Child processes and ports of this machine, for tests with real servers.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace navette::test {

// A child process, killed with its group at the end.
class Process {
 public:
  explicit Process(std::vector<std::string> command, const std::filesystem::path& log = "/dev/null") {
    std::fflush(nullptr);  // else the child says it once more
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
    signal(SIGKILL);  // of a stopped one too, which must not wake first: it would take what waits for it
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

}  // namespace navette::test
