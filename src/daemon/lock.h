// One process owns a spool.
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

}  // namespace navette::daemon
