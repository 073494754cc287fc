// A lieu that the command line names.
#pragma once

#include <string>

#include "cli/command.h"
#include "store/listing.h"
#include "store/store.h"

namespace navette::cli {

// Throws UsageError when there is no such lieu.
store::LieuRow the_lieu(store::Store& store, const std::string& identifiant, const Clock& clock);

// "; not now: …" while its partner's hours (fenetreEnvoi) are over, which every passage there keeps to; else nothing.
std::string closed_hours(const store::LieuRow& lieu, Instant now);

// The value of --lieu; empty when it was not given. A lieu that does not exist is an error, not an empty list.
std::string lieu_filter(const Invocation& call, store::Store& store);

}  // namespace navette::cli
