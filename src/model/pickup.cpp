#include "model/pickup.h"

namespace navette::model {

std::string to_string(PickupEvidence evidence) {
  switch (evidence) {
    case PickupEvidence::disappearance:
      return "disparition";
    case PickupEvidence::log:
      return "journal";
    case PickupEvidence::flux:
      return "retrait";
    case PickupEvidence::operator_word:
      return "operateur";
  }
  return {};
}

}  // namespace navette::model
