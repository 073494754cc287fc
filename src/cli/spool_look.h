// What an operator's command sees of the spool without owning it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"

namespace navette::cli {

// The process that owns the spool now (daemon/lock.h); nothing when none does. Never takes the lock: a daemon that
// starts at this moment must not find it taken.
std::optional<pid_t> spool_owner(const std::filesystem::path& spool);

struct Waiting {
  std::string emetteur;
  std::size_t files = 0;  // that intake would look at
  std::optional<Instant> oldest;
};
// Deposits in arrivee/; senders without any are left out, so are directories that we may not list.
std::vector<Waiting> deposits(const std::filesystem::path& spool);

}  // namespace navette::cli
