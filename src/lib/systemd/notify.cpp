#include "lib/systemd/notify.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "base/error.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace navette::systemd {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// The protocol of sd_notify(3) by hand. libsystemd sends on a blocking socket: a manager that does not read (it is
// stopped, or its queue is full) would hold us up for as long, in the middle of a pass.
UniqueFd connect_manager() {
  const char* const name = std::getenv("NOTIFY_SOCKET");
  const std::string_view path = name == nullptr ? "" : name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) return {};
  std::copy(path.begin(), path.end(), address.sun_path);
  if (path[0] == '@') address.sun_path[0] = '\0';  // abstract: its length says where it ends
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return {};
  return fd;
}

enum class Sent { yes, nobody_listens, queue_full };

// Waits for room at most `patience`.
Sent send(const std::string& message, milliseconds patience = milliseconds(0)) {
  const UniqueFd fd = connect_manager();
  if (!fd) return Sent::nobody_listens;
  const auto end = steady_clock::now() + patience;
  while (::send(fd.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    if (errno != EAGAIN && errno != EINTR) return Sent::nobody_listens;
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
    if (left <= milliseconds(0)) return Sent::queue_full;
    // On a connected socket: writable once the other end's queue has room.
    pollfd room{fd.get(), POLLOUT, 0};
    ::poll(&room, 1, static_cast<int>(left.count()));
  }
  return Sent::yes;
}

}  // namespace

bool ready(milliseconds patience) {
  const Sent sent = send("READY=1", patience);
  if (sent == Sent::queue_full) throw Error("the service manager takes no message (NOTIFY_SOCKET): its queue is full");
  return sent == Sent::yes;
}

bool stopping() {
  return send("STOPPING=1") == Sent::yes;
}

bool watchdog() {
  return send("WATCHDOG=1") == Sent::yes;
}

bool status(const std::string& line) {
  // A newline would begin another assignment.
  return send("STATUS=" + text::printable(line)) == Sent::yes;
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t microseconds = 0;
  constexpr int keep_environment = 0;
  if (::sd_watchdog_enabled(keep_environment, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(static_cast<std::int64_t>(microseconds));
}

}  // namespace navette::systemd
