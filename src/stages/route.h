// Finds the lieux of demandes (R1, R11).
#pragma once

#include <stop_token>

#include "base/clock.h"
#include "model/reference_data.h"
#include "store/store.h"

namespace navette::stages {

struct RouteReport {
  std::size_t demandes = 0;
  std::size_t acheminements = 0;
  std::size_t sans_lieu = 0;  // demandes, of those looked at, for which no lieu was found
};

// Looks at every demande not routed yet and at those whose communes open today; applied in groups, each durable on its
// own.
RouteReport route(store::Store& store, const model::ReferenceData& reference, const Clock& clock,
                  const std::stop_token& stop);

}  // namespace navette::stages
