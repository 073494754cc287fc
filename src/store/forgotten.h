// What an operator declared forgotten: the database was lost, or only an older copy of it was left.
#pragma once

#include <optional>

#include "base/clock.h"
#include "lib/sqlite/connection.h"

namespace navette::store {

// The traces of that.
constexpr const char* begun_anew = "base.nouvelle";  // there was no copy
constexpr const char* older_copy = "base.ancienne";

// When that was last said: what navette did before may be unknown to this database. Nothing: never.
std::optional<Instant> forgotten_until(sqlite::Connection& db);

}  // namespace navette::store
