// What happened to one thing, from the trace.
#pragma once

#include <string>

#include "cli/output.h"
#include "store/store.h"

namespace navette::cli {

// The last 50 rows of that object, oldest first.
Json history_json(store::Store& store, const std::string& object);
// A blank line and a table; empty when nothing happened.
std::string history_block(store::Store& store, const std::string& object);

}  // namespace navette::cli
