#include "stages/conventions_intake.h"

#include <algorithm>

#include "model/civil_time.h"
#include "model/routing.h"

namespace navette::stages {

using model::Code;
using model::Convention;

std::optional<Code> ConventionsIntake::add(Convention convention) {
  convention.caf = sender_.caf;
  if (numbers_.contains(convention.numero)) return Code::reference_en_double;
  if (const auto code = check_sender(convention)) return code;
  const auto known = tools_.store.convention_versions(convention.caf, convention.numero);
  if (!created_.empty() && created_ < tools_.store.convention_told_at(convention.caf, convention.numero)) {
    return Code::flux_anterieur;
  }
  const model::Amendment amendment = model::amend(known, convention);
  if (const auto* code = std::get_if<Code>(&amendment)) return *code;
  if (const auto code = check_lieux(convention)) return code;
  numbers_.insert(convention.numero);
  for (const model::Lieu& lieu : convention.annexe.lieux) lieux_.emplace(lieu.identifiant, convention.numero);
  const auto* same = std::get_if<model::SameVersion>(&amendment);
  if (same != nullptr && !same->changed) {
    changes_.push_back({std::move(convention), false, created_, true, {}});
    return std::nullopt;
  }
  // A suspension lifted, or an end, changes every version: what any of them opens is looked at again.
  std::set<std::string> opened = opened_by(convention);
  for (const Convention& version : known) opened.merge(opened_by(version));
  changes_.push_back({std::move(convention), same == nullptr, created_, false, {opened.begin(), opened.end()}});
  return std::nullopt;
}

// A Caf speaks for itself: its own communes, channels that exist here.
std::optional<Code> ConventionsIntake::check_sender(const Convention& convention) const {
  const auto elsewhere = [&](const std::string& insee) {
    const model::Commune* commune = tools_.reference.find(insee);
    return commune == nullptr || !sender_.departements.contains(commune->departement);
  };
  const auto& communes = convention.annexe.communes;
  if (!sender_.departements.empty() && std::any_of(communes.begin(), communes.end(), elsewhere)) {
    return Code::commune_hors_caf;
  }
  const auto& lieux = convention.annexe.lieux;
  const bool served = std::all_of(lieux.begin(), lieux.end(),
                                  [&](const model::Lieu& l) { return tools_.channels.contains(kind_of(l.channel)); });
  return served ? std::nullopt : std::optional(Code::canal_indisponible);
}

// A lieu belongs to one partner for ever (its dépôt holds that partner's remises) and to one convention at a time.
std::optional<Code> ConventionsIntake::check_lieux(const Convention& convention) const {
  const std::string siren = convention.annexe.partenaire.siret.substr(0, 9);
  const model::Day from = convention.annexe.effective_from;
  for (const model::Lieu& lieu : convention.annexe.lieux) {
    if (lieux_.contains(lieu.identifiant)) return Code::lieu_rattache_ailleurs;
    const auto owner = tools_.store.lieu_owner(lieu.identifiant, convention.numero, from);
    if (!owner) continue;
    if (owner->caf != convention.caf || owner->siren != siren || owner->convention) return Code::lieu_rattache_ailleurs;
  }
  return std::nullopt;
}

std::set<std::string> ConventionsIntake::opened_by(const Convention& convention) const {
  std::set<std::string> codes;
  for (const model::Lieu& lieu : convention.annexe.lieux) {
    for (const std::string& insee : lieu.communes) {
      codes.insert(insee);
      const auto inner = tools_.reference.arrondissements_of(insee);
      codes.insert(inner.begin(), inner.end());
    }
  }
  return codes;
}

}  // namespace navette::stages
