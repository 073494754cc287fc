#include "daemon/inbox_watch.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include <sys/inotify.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/error.h"

namespace navette::daemon {

InboxWatch::InboxWatch(std::string arrivee)
    : arrivee_(std::move(arrivee)), fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!fd_) throw_errno("inotify");
  // Its own move or removal too: the pass that follows finds another directory in its place, or none.
  root_ = ::inotify_add_watch(fd_.get(), arrivee_.c_str(),
                              IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR);
  if (root_ < 0) throw_errno("watch " + arrivee_);
  watch_senders();
}

// Adding a watch that is there already gives the same descriptor: called again whenever arrivee/ changes.
void InboxWatch::watch_senders() {
  std::vector<std::string> names;
  try {
    names = Directory::open(arrivee_).names();
  } catch (const std::system_error&) {
    return;  // moved away: the pass that follows says so
  }
  for (const std::string& name : names) {
    const std::string path = arrivee_ + "/" + name;
    const int wd =
        ::inotify_add_watch(fd_.get(), path.c_str(),
                            IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK);
    if (wd >= 0) senders_[wd] = name;
  }
}

namespace {

void note(const std::string& deposit, std::uint32_t event, stages::SeenDeposits& seen) {
  auto& from = (event & IN_MODIFY) != 0 ? seen.closed : seen.written;
  auto& to = (event & IN_MODIFY) != 0 ? seen.written : seen.closed;
  from.erase(deposit);
  to.insert(deposit);
}

}  // namespace

bool InboxWatch::take(stages::SeenDeposits& seen) {
  // Aligned as inotify(7) asks.
  alignas(inotify_event) std::array<char, 1U << 14U> buffer{};
  bool any = false;
  bool senders_changed = false;
  while (true) {
    const ssize_t n = ::read(fd_.get(), buffer.data(), buffer.size());
    if (n <= 0) {
      if (n < 0 && errno == EINTR) continue;
      break;
    }
    for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = buffer.data() + at + sizeof event;
      at += sizeof event + event.len;
      any = any || (event.mask & IN_MODIFY) == 0;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {  // the scan finds what was lost
        seen.written.clear();
      } else if (event.wd == root_) {
        senders_changed = true;
      } else if ((event.mask & IN_IGNORED) != 0) {
        senders_.erase(event.wd);
      } else if (event.len > 0 && senders_.contains(event.wd)) {
        note(senders_[event.wd] + "/" + name, event.mask, seen);
      }
    }
  }
  if (senders_changed) watch_senders();
  return any;
}

}  // namespace navette::daemon
