// The tables, and the migrations that lead to them.
#pragma once

#include "lib/sqlite/connection.h"

namespace navette::store {

// Brings the database to the version of this program, one transaction a migration (PRAGMA user_version). Throws Error
// when the database is newer than the program.
void migrate(sqlite::Connection& connection);

// The version this program works with; throws Error when the database is at another one (for readers, who do not
// migrate).
void require_current(sqlite::Connection& connection);

}  // namespace navette::store
