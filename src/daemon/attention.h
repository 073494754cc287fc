// What needs a person, in words for the operator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/records.h"

namespace navette::daemon {

// What does not wait for anything in navette, but may have to be acted on.
struct Events {
  std::uint64_t refused_flux = 0;        // refused whole, in this pass or lately
  std::uint64_t withdrawn_demandes = 0;  // from all who had them: not finished yet, or lately
};
// One item a line; empty: nothing. For `run`'s exit code 1 and `status`.
std::vector<std::string> attention(const store::Counts& counts, const Events& events,
                                   const std::vector<store::Incident>& incidents);

}  // namespace navette::daemon
