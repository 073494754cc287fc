// Which lieux a demande goes to (R1, R11), and what changes when a convention is amended (R12, R13).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "model/convention.h"
#include "model/refusal.h"

namespace navette::model {

using LieuId = std::int64_t;  // row ids of the store: opaque here
using VersionId = std::int64_t;

// The lieux that may receive demandes for a commune on one day: INSEE code → lieu and the convention version that opens
// it.
struct Opening {
  LieuId lieu = 0;
  VersionId version = 0;
  Cadence cadence;
};
using Coverage = std::map<std::string, std::vector<Opening>>;

struct Routed {
  std::vector<Opening> lieux;        // each lieu once
  std::vector<std::string> served;   // communes for which a lieu was found
  std::vector<std::string> waiting;  // communes that wait for a lieu (R11)
};
// `accepted_codes`: for each commune wanted, the codes under which a lieu may list it (ReferenceData::accepted_for).
Routed route(const std::map<std::string, std::vector<std::string>>& accepted_codes, const Coverage& coverage);

// What a habilitations record does to what is known of its convention. `known`: the versions held, in order, none for a
// new convention. Same version: only the activation, a suspension, a termination and persons' departures may differ,
// the rest is AVENANT_REQUIS (R12, R13), told with the first element that differs; the next version: an avenant; any
// other: VERSION_NON_CONSECUTIVE, but for departures from an older one (R13: at once, whatever avenant is still to
// come).
struct NewVersion {};
struct SameVersion {
  bool changed = false;
};
using Amendment = std::variant<NewVersion, SameVersion, Objection>;
Amendment amend(const std::vector<Convention>& known, const Convention& incoming);

}  // namespace navette::model
