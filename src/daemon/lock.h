// One process owns a spool, and one a database.
#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/unique_fd.h"

namespace navette::daemon {

// Another process holds the lock: `serve` runs, or a `run` has not ended.
class LockedError : public Error {
 public:
  using Error::Error;
};

// An flock on <spool>/.lock, from construction to destruction; the kernel frees it when the process dies, however it
// dies.
class SpoolLock {
 public:
  explicit SpoolLock(const std::filesystem::path& spool);

 private:
  UniqueFd fd_;
};

// The same on <database>.lock: two configurations may name different spools and one database, and each daemon would
// deliver what the other is delivering. Beside the database and not on it: closing any descriptor of the file would
// drop SQLite's own locks. Operators' commands do not take it, they go on beside the owner. The directory must exist.
class DatabaseLock {
 public:
  explicit DatabaseLock(const std::filesystem::path& database);

 private:
  UniqueFd fd_;
};

}  // namespace navette::daemon
