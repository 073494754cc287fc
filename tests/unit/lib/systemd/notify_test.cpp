#include "lib/systemd/notify.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "unit/base/temp_dir.h"

using namespace navette;
using navette::test::TempDir;

namespace {

// The service manager's end: a datagram socket named by NOTIFY_SOCKET.
class Manager {
 public:
  Manager() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = (temp_ / "notify").string();
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size());
    REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() { ::unsetenv("NOTIFY_SOCKET"); }

  // The next message, empty when there is none: a local datagram is there as soon as it was sent.
  std::string next() const {
    char buffer[512];
    const ssize_t n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    return {buffer, static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
  }
  // Reads nothing, as one that hangs: fills its own queue.
  static void fill() {
    int sent = 0;
    while (systemd::status("x")) REQUIRE(++sent < 100'000);
  }

 private:
  TempDir temp_;
  UniqueFd fd_;
};

}  // namespace

TEST_CASE("without a service manager nothing is sent and nothing fails") {
  ::unsetenv("NOTIFY_SOCKET");
  CHECK_FALSE(systemd::ready());
  CHECK_FALSE(systemd::status("3 flux"));
  ::setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
  CHECK_FALSE(systemd::watchdog());
  ::unsetenv("NOTIFY_SOCKET");
}

TEST_CASE("each message arrives as sd_notify(3) words it") {
  const Manager manager;
  CHECK(systemd::ready());
  CHECK(manager.next() == "READY=1");
  CHECK(systemd::watchdog());
  CHECK(manager.next() == "WATCHDOG=1");
  CHECK(systemd::stopping());
  CHECK(manager.next() == "STOPPING=1");
  CHECK(systemd::status("3 flux, 2 dépôts en attente"));
  CHECK(manager.next() == "STATUS=3 flux, 2 dépôts en attente");
  CHECK(manager.next().empty());
}

TEST_CASE("a manager whose queue is full holds nobody up") {
  const Manager manager;
  Manager::fill();
  const auto begun = std::chrono::steady_clock::now();
  CHECK_FALSE(systemd::watchdog());
  CHECK_FALSE(systemd::status("3 flux"));
  CHECK_FALSE(systemd::stopping());
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
}

TEST_CASE("that the daemon is ready waits for room in the queue, and is never lost in silence") {
  const Manager manager;
  Manager::fill();
  CHECK_THROWS_WITH(systemd::ready(std::chrono::milliseconds(1)), Catch::Contains("queue is full"));
  std::string last;
  std::thread reader([&] {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (last != "READY=1" && std::chrono::steady_clock::now() < end) last = manager.next();
  });
  CHECK(systemd::ready(std::chrono::seconds(20)));
  reader.join();
  CHECK(last == "READY=1");
}

TEST_CASE("an address that is no local socket's is nobody's") {
  const Manager manager;
  ::setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
  CHECK_FALSE(systemd::ready());
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  CHECK_FALSE(systemd::ready());
}

TEST_CASE("a status line cannot smuggle in another assignment") {
  const Manager manager;
  CHECK(systemd::status("x\nMAINPID=1"));
  CHECK(manager.next() == "STATUS=x\\x0aMAINPID=1");
}

TEST_CASE("the watchdog's interval is known when it is for this process") {
  ::unsetenv("WATCHDOG_USEC");
  ::unsetenv("WATCHDOG_PID");
  CHECK_FALSE(systemd::watchdog_interval());
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  CHECK(systemd::watchdog_interval() == std::chrono::seconds(30));
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  CHECK(systemd::watchdog_interval() == std::chrono::seconds(30));
  ::setenv("WATCHDOG_PID", "1", 1);
  CHECK_FALSE(systemd::watchdog_interval());
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("WATCHDOG_USEC", "soon", 1);
  CHECK_FALSE(systemd::watchdog_interval());
  ::unsetenv("WATCHDOG_USEC");
  ::unsetenv("WATCHDOG_PID");
}
