#include "stages/rights.h"

#include <algorithm>

namespace navette::stages {

Rights sort_by_rights(std::vector<store::DueAcheminement> acheminements, const std::optional<store::LieuInForce>& lieu,
                      const model::ReferenceData& reference) {
  const auto entitled = [&](const store::DueAcheminement& a) {
    return lieu && std::any_of(a.communes.begin(), a.communes.end(), [&](const std::string& commune) {
             const auto codes = reference.accepted_for(commune);
             return std::any_of(codes.begin(), codes.end(),
                                [&](const std::string& code) { return lieu->communes.contains(code); });
           });
  };
  Rights out;
  for (auto& a : acheminements) {
    const bool kept = entitled(a);
    if (!kept) {
      for (const std::string& commune : a.communes) a.accepted[commune] = reference.accepted_for(commune);
    }
    (kept ? out.kept : out.lost).push_back(std::move(a));
  }
  return out;
}

}  // namespace navette::stages
