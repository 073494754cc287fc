#include "daemon/lock.h"

#include <array>
#include <cerrno>
#include <exception>

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/error.h"
#include "base/fault.h"
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

// Locks the file `name`. `subject` is what it stands for, `advice` what to do when another has it.
UniqueFd lock(const Directory& directory, const std::string& name, const std::string& subject, const char* advice) {
  // Root would leave files that the service cannot read afterwards.
  const FileStatus status = status_of(directory.fd());
  if (::geteuid() == 0 && status.owner != 0) {
    throw Error(fmt::format("{} belongs to {}: run this as that account (sudo -u {} navette …), not as root",
                            directory.path().string(), account_name(status.owner), account_name(status.owner)));
  }
  UniqueFd fd = directory.open_file(name, O_RDWR | O_CREAT, 0640);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw_errno("lock " + (directory.path() / name).string());
    throw LockedError(
        fmt::format("{} belongs to another navette (process {}): {}", subject, owner_of(fd.get()), advice));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  const auto put = [&] { return ::ftruncate(fd.get(), 0) != 0 ? -1 : ::pwrite(fd.get(), pid.data(), pid.size(), 0); };
  if (fault::system_call("write", put) < 0) throw_errno("write " + name);
  return fd;
}

Directory directory_of(const std::filesystem::path& database) {
  try {
    return Directory::open(std::filesystem::absolute(database).parent_path());
  } catch (const std::system_error&) {
    std::throw_with_nested(Error("the database's directory must be there, navette's own; see `navette check`"));
  }
}

}  // namespace

SpoolLock::SpoolLock(const std::filesystem::path& spool)
    : fd_(lock(Directory::create(spool), ".lock", spool.string(), "`serve` is running, or a `run` has not ended")) {}

DatabaseLock::DatabaseLock(const std::filesystem::path& database)
    : fd_(lock(directory_of(database), database.filename().string() + ".lock", "the database " + database.string(),
               "`serve` is running, or a `run` has not ended; another configuration needs a [state] database of its "
               "own")) {}

}  // namespace navette::daemon
