// R1, checked again right before each delivery: may this lieu have this demande today?
#pragma once

#include <optional>
#include <vector>

#include "model/reference_data.h"
#include "store/records.h"

namespace navette::stages {

struct Rights {
  std::vector<store::DueAcheminement> kept;
  std::vector<store::DueAcheminement> lost;  // with the codes of their communes: the store looks for what is left
};

// `lieu`: as it is in force today; nothing when no convention of its is.
Rights sort_by_rights(std::vector<store::DueAcheminement> acheminements, const std::optional<store::LieuInForce>& lieu,
                      const model::ReferenceData& reference);

}  // namespace navette::stages
