#include "model/demande.h"

#include <algorithm>

namespace navette::model {

bool is_eligible(const Demande& demande) {
  return std::any_of(demande.enfants.begin(), demande.enfants.end(),
                     [&](const Enfant& e) { return e.expected || demande.date < plus_months(e.day, 6 * 12); });
}

}  // namespace navette::model
