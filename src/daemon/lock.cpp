#include "daemon/lock.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/text.h"

namespace navette::daemon {
namespace {

// The number that the owner wrote, for the message only: the lock is what counts.
std::string owner_of(int fd) {
  std::array<char, 32> buffer{};
  const ssize_t n = ::pread(fd, buffer.data(), buffer.size(), 0);
  return n > 0 ? std::string(text::trim({buffer.data(), static_cast<std::size_t>(n)})) : "?";
}

std::string account_name(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry != nullptr ? entry->pw_name : std::to_string(uid);
}

}  // namespace

SpoolLock::SpoolLock(const std::filesystem::path& spool) {
  const Directory directory = Directory::create(spool);
  // Root would leave files that the service cannot read afterwards.
  const FileStatus status = status_of(directory.fd());
  if (::geteuid() == 0 && status.owner != 0) {
    throw Error(fmt::format("{} belongs to {}: run this as that account (sudo -u {} navette …), not as root",
                            spool.string(), account_name(status.owner), account_name(status.owner)));
  }
  fd_ = directory.open_file(".lock", O_RDWR | O_CREAT, 0640);
  if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw_errno("lock " + (spool / ".lock").string());
    throw LockedError(
        fmt::format("{} belongs to another navette (process {}): `serve` is running, or a `run` has not ended",
                    spool.string(), owner_of(fd_.get())));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd_.get(), 0) != 0 || ::pwrite(fd_.get(), pid.data(), pid.size(), 0) < 0) throw_errno("write .lock");
}

}  // namespace navette::daemon
