#include "model/routing.h"

#include <algorithm>
#include <functional>
#include <optional>

namespace navette::model {
namespace {

// R13: a departure may close a habilitation under the same version; nothing else about persons may change.
bool same_or_departed(const Personne& before, const Personne& after) {
  Personne closed = before;
  closed.to = after.to;
  return closed == after && (!before.to || (after.to && *after.to <= *before.to));
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

// What the second of two sorted lists has that the first has not; failing that, `list` itself if something is missing.
template <typename Item, typename Same, typename Name>
std::optional<Objection> list_differs(const std::vector<Item>& before, const std::vector<Item>& after, Same same,
                                      Name name, std::string_view element, std::string_view list) {
  for (const Item& item : after) {
    const bool known = std::any_of(before.begin(), before.end(), [&](const Item& b) { return same(b, item); });
    if (!known) return Objection{Code::avenant_requis, element, name(item)};
  }
  if (before.size() != after.size()) return Objection{Code::avenant_requis, list, {}};
  return std::nullopt;
}

// The first element that only an avenant may change.
std::optional<Objection> contract_differs(const Annexe& left, const Annexe& right) {
  const Annexe a = sorted(left);
  const Annexe b = sorted(right);
  const auto named = [](std::string_view element) { return Objection{Code::avenant_requis, element, {}}; };
  const auto numero = [](const Personne& p) { return p.numero; };
  const auto identifiant = [](const auto& item) { return item.identifiant; };
  const auto itself = [](const std::string& code) { return code; };
  if (a.signed_on != b.signed_on) return named("dateSignature");
  if (a.effective_from != b.effective_from) return named("dateEffet");
  if (a.partenaire != b.partenaire) return named("partenaire");
  if (auto o = list_differs(a.personnes, b.personnes, same_or_departed, numero, "personne", "personnes")) return o;
  if (a.pickup_days != b.pickup_days) return named("delaiRetrait");
  if (a.retention_months != b.retention_months) return named("conservation");
  if (a.cadence != b.cadence) return named("cadence");
  if (auto o = list_differs(a.lieux, b.lieux, std::equal_to<>(), identifiant, "lieu", "lieux")) return o;
  // After the lieux: a convention without communes of its own has theirs.
  if (auto o = list_differs(a.communes, b.communes, std::equal_to<>(), itself, "codeInsee", "communes")) return o;
  return list_differs(a.etablissements, b.etablissements, std::equal_to<>(), identifiant, "etablissement",
                      "etablissements");
}

bool same_persons(const Annexe& a, const Annexe& b) {
  return sorted(a).personnes == sorted(b).personnes;
}

// R13: while an avenant waits for its day, the version in force is still the one from which a person departs; nothing
// else of it may be told again.
bool departs_from_older(const std::vector<Convention>& known, const Convention& incoming) {
  const auto older =
      std::find_if(known.begin(), known.end(), [&](const Convention& c) { return c.version == incoming.version; });
  return older != known.end() && !contract_differs(older->annexe, incoming.annexe) &&
         incoming.activated_on == older->activated_on && incoming.suspension == known.back().suspension &&
         incoming.termination == known.back().termination && !same_persons(older->annexe, incoming.annexe);
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
    if (incoming.version != 1) return Objection{Code::version_non_consecutive, "version"};
    return NewVersion{};
  }
  const Convention& latest = known.back();
  // Another partner (SIREN) or kind is another convention: what lies in the lieux' dépôts must not change hands.
  const auto siren = [](const Convention& c) { return c.annexe.partenaire.siret.substr(0, 9); };
  if (incoming.kind != latest.kind) return Objection{Code::conflit, "type"};
  if (siren(incoming) != siren(latest)) return Objection{Code::conflit, "siret"};
  // What happened cannot un-happen: an end or an activation once recorded stays; a suspension may be lifted.
  if (latest.termination && incoming.termination != latest.termination)
    return Objection{Code::convention_terminee, "resiliation"};
  // The notice counts from the signature of the convention, not of an avenant (R12).
  const bool ends = incoming.termination && !latest.termination;
  if (ends && !has_sufficient_notice(incoming.kind, known.front().annexe.signed_on, *incoming.termination)) {
    return Objection{Code::preavis_insuffisant, "resiliation"};
  }
  if (incoming.version == latest.version + 1) {
    if (ended_before(latest, incoming.annexe.effective_from)) return Objection{Code::convention_terminee, "dateEffet"};
    // An avenant amends what is in force: it cannot take effect before the version it replaces.
    if (incoming.annexe.effective_from < latest.annexe.effective_from) {
      return Objection{Code::dates_incoherentes, "dateEffet"};
    }
    return NewVersion{};
  }
  if (incoming.version != latest.version) {
    return departs_from_older(known, incoming) ? Amendment(SameVersion{true})
                                               : Objection{Code::version_non_consecutive, "version"};
  }
  if (auto objection = contract_differs(latest.annexe, incoming.annexe)) return *objection;
  if (latest.activated_on && incoming.activated_on != latest.activated_on) {
    return Objection{Code::dates_incoherentes, "dateActivation"};
  }
  const bool changed = incoming.activated_on != latest.activated_on || incoming.suspension != latest.suspension ||
                       incoming.termination != latest.termination || !same_persons(incoming.annexe, latest.annexe);
  return SameVersion{changed};
}

}  // namespace navette::model
