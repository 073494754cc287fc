// Whether navette has worked here before: a spool or dépôt that holds what only a database can explain, or only a later
// one than this.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "store/store.h"

namespace navette::daemon {

// Where traces of former work lie, in words ("3 files in …/accuses"); empty: none. Deposits in arrivee/ are no trace:
// senders may be first. Names no file: one may be a sender's, hence a family's (R9). What we may not list counts for
// nothing.
std::vector<std::string> traces_of_work(const config::Config& config);

// Whether the database is missing or an empty file. Throws std::system_error when that cannot be told.
bool lacks_database(const config::Config& config);

// A database that vanished must not be replaced in silence: identities would be forgotten, demandes be delivered twice
// and names of remises be used again (R11). Throws Error naming what was found, unless `anew` says that the operator
// wants it.
void require_known_state(const config::Config& config, bool anew);

// Signs that the database is an older copy, in words: of each sender the latest accusé, of each dépôt the latest
// remise, where the database does not know them and no operator has said since that they are forgotten; empty: none.
// Cheap: it reads names, and asks for one row each.
std::vector<std::string> unknown_work(const config::Config& config, store::Store& store);

// With an older copy, what was taken in and delivered since it was made would be done a second time (R11). Throws Error
// naming what was found.
void require_latest_state(const config::Config& config, store::Store& store);

}  // namespace navette::daemon
