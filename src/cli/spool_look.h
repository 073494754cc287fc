// What an operator's command sees of the spool without owning it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "store/store.h"

namespace navette::cli {

// The process that owns the spool now (daemon/lock.h); nothing when none does. Never takes the lock: a daemon that
// starts at this moment must not find it taken.
std::optional<pid_t> spool_owner(const std::filesystem::path& spool);

struct Waiting {
  std::string emetteur;
  std::size_t files = 0;  // that the next pass would look at
  std::optional<Instant> oldest;
};
// Deposits that no row tells of yet: in arrivee/, or claimed in travail/ by a pass that could not go on. Senders
// without any are left out, so are directories that we may not list.
std::vector<Waiting> deposits(const std::filesystem::path& spool, store::Store& store);

}  // namespace navette::cli
