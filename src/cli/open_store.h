// The database, as operators' commands open it: beside the daemon, never created.
#pragma once

#include <memory>

#include "cli/command.h"
#include "store/store.h"

namespace navette::cli {

// Throws Error saying why not and what to do.
std::unique_ptr<store::Store> open_for_reading(const config::Config& config);
// Trace rows are signed by the operator.
std::unique_ptr<store::Store> open_for_writing(const config::Config& config);

// R10: called before personal data of `object` are shown, with the action ("convention.lue"). Throws Error when the
// trace cannot be written: then nothing may be shown.
void trace_reading(const config::Config& config, const std::string& action, const std::string& object, Instant now);

}  // namespace navette::cli
