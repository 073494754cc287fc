#include "model/routing.h"

#include <algorithm>

namespace navette::model {
namespace {

// R13: a departure may close a habilitation under the same version; nothing else about persons may change.
bool same_or_departed(const Personne& before, const Personne& after) {
  Personne closed = before;
  closed.to = after.to;
  return closed == after && (!before.to || (after.to && *after.to <= *before.to));
}

bool same_persons(const std::vector<Personne>& before, const std::vector<Personne>& after) {
  return std::equal(before.begin(), before.end(), after.begin(), after.end(), same_or_departed);
}

// The order of a list says nothing: a flux may come from a database without one.
Annexe sorted(Annexe a) {
  std::sort(a.communes.begin(), a.communes.end());
  std::sort(a.personnes.begin(), a.personnes.end(),
            [](const Personne& x, const Personne& y) { return x.numero < y.numero; });
  for (Lieu& l : a.lieux) std::sort(l.communes.begin(), l.communes.end());
  std::sort(a.lieux.begin(), a.lieux.end(), [](const Lieu& x, const Lieu& y) { return x.identifiant < y.identifiant; });
  std::sort(a.etablissements.begin(), a.etablissements.end(),
            [](const Etablissement& x, const Etablissement& y) { return x.identifiant < y.identifiant; });
  return a;
}

bool same_contract(const Annexe& left, const Annexe& right) {
  const Annexe a = sorted(left);
  const Annexe b = sorted(right);
  return a.signed_on == b.signed_on && a.effective_from == b.effective_from && a.partenaire == b.partenaire &&
         a.communes == b.communes && a.lieux == b.lieux && a.etablissements == b.etablissements &&
         a.pickup_days == b.pickup_days && a.retention_months == b.retention_months && a.cadence == b.cadence &&
         same_persons(a.personnes, b.personnes);
}

bool ended_before(const Convention& version, Day day) {
  return version.termination && version.termination->last_day < day;
}

}  // namespace

Routed route(const std::map<std::string, std::vector<std::string>>& accepted_codes, const Coverage& coverage) {
  Routed out;
  for (const auto& [commune, codes] : accepted_codes) {
    bool found = false;
    for (const std::string& code : codes) {
      const auto at = coverage.find(code);
      if (at == coverage.end()) continue;
      for (const Opening& opening : at->second) {
        found = true;
        const bool already =
            std::any_of(out.lieux.begin(), out.lieux.end(), [&](const Opening& o) { return o.lieu == opening.lieu; });
        if (!already) out.lieux.push_back(opening);
      }
    }
    (found ? out.served : out.waiting).push_back(commune);
  }
  return out;
}

Amendment amend(const std::vector<Convention>& known, const Convention& incoming) {
  if (known.empty()) {
    if (incoming.version != 1) return Code::version_non_consecutive;
    return NewVersion{};
  }
  const Convention& latest = known.back();
  // Another partner (SIREN) or kind is another convention: what lies in the lieux' dépôts must not change hands.
  const auto siren = [](const Convention& c) { return c.annexe.partenaire.siret.substr(0, 9); };
  if (incoming.kind != latest.kind || siren(incoming) != siren(latest)) return Code::conflit;
  // What happened cannot un-happen: an end or an activation once recorded stays; a suspension may be lifted.
  if (latest.termination && incoming.termination != latest.termination) return Code::convention_terminee;
  // The notice counts from the signature of the convention, not of an avenant (R12).
  const bool ends = incoming.termination && !latest.termination;
  if (ends && !has_sufficient_notice(incoming.kind, known.front().annexe.signed_on, *incoming.termination)) {
    return Code::preavis_insuffisant;
  }
  if (incoming.version == latest.version + 1) {
    if (ended_before(latest, incoming.annexe.effective_from)) return Code::convention_terminee;
    // An avenant amends what is in force: it cannot take effect before the version it replaces.
    if (incoming.annexe.effective_from < latest.annexe.effective_from) return Code::dates_incoherentes;
    return NewVersion{};
  }
  if (incoming.version != latest.version) return Code::version_non_consecutive;
  if (!same_contract(latest.annexe, incoming.annexe)) return Code::avenant_requis;
  if (latest.activated_on && incoming.activated_on != latest.activated_on) return Code::dates_incoherentes;
  const bool changed = incoming.activated_on != latest.activated_on || incoming.suspension != latest.suspension ||
                       incoming.termination != latest.termination ||
                       sorted(incoming.annexe).personnes != sorted(latest.annexe).personnes;
  return SameVersion{changed};
}

}  // namespace navette::model
