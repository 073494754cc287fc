// What an I/O error of a dépôt or a mail directory means for the attempt.
#pragma once

#include <system_error>

#include "model/delivery.h"

namespace navette::channels {

// Refused "droits-locaux" for a missing right, which no repetition brings; Retry for all else: a full disk or
// quota, a read-only or failing file system, and what is not known. The reason is the error's own text: operation, path
// and errno, nothing personal.
model::Outcome outcome_of(const std::system_error& error);

// Whether `name` is one component fit for a file or a directory: not empty, no '/', no NUL, no leading dot.
bool is_component(const std::string& name);

}  // namespace navette::channels
