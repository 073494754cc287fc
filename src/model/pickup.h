// The pickup (retrait) of a remise by its lieu, and what proves it.
#pragma once

#include <string>

#include "base/clock.h"

namespace navette::model {

// What a lieu tells of one remise in a `retrait` flux.
struct Pickup {
  std::string remise;
  std::string lieu;
  Instant at;
  std::string personne;  // its number in the convention
};

enum class PickupEvidence {
  disappearance,  // its documents are no longer where the lieu found them
  log,            // the server's log: every demande was read whole
  flux,           // the lieu's word, in a `retrait` flux
  operator_word,
};
std::string to_string(PickupEvidence evidence);  // "disparition", "journal", "retrait", "operateur"

}  // namespace navette::model
