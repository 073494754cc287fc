// Which demandes look for a lieu, and what was found (R1, R11).
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "model/civil_time.h"
#include "store/store.h"

namespace navette::store {

using model::AcheminementEvent;

std::vector<std::string> Store::communes_of(RowId demande) {
  std::vector<std::string> out;
  auto q = db_.query("SELECT insee FROM demande_commune WHERE demande_id = ? ORDER BY insee");
  q.bind(demande);
  while (q.step()) out.push_back(q.text(0));
  return out;
}

std::string Store::demande_object(RowId demande) {
  auto q = db_.query("SELECT emetteur, reference FROM demande WHERE id = ?");
  if (!q.bind(demande).step()) throw Error("no such demande");
  return "demande:" + q.text(0) + "/" + q.text(1);
}

// Every commune is looked up again; a lieu that has the demande already does not get it twice.
void Store::look_again(RowId demande) {
  db_.query("UPDATE demande_commune SET etat = 'nouvelle' WHERE demande_id = ? AND etat = 'attente'")
      .bind(demande)
      .run();
}

// Looks again for lieux of the communes that no other lieu of the demande covers. One that is served stays served: a
// lieu that opened since then must not get the family's data because of what befell another (R9).
void Store::unroute(const DueAcheminement& lost) {
  const auto covered = [&](const std::string& code) {
    auto q = db_.query(
        "SELECT 1 FROM acheminement a JOIN lieu_commune c ON c.version_id = a.version_id AND c.lieu_id = a.lieu_id "
        "WHERE a.demande_id = ?1 AND a.etat <> 'annule' AND c.insee = ?2");
    return q.bind(lost.demande, code).step();
  };
  for (const std::string& commune : lost.communes) {
    const auto known = lost.accepted.find(commune);
    const auto codes = known == lost.accepted.end() ? std::vector{commune} : known->second;
    if (std::any_of(codes.begin(), codes.end(), covered)) continue;
    db_.query("UPDATE demande_commune SET etat = 'nouvelle' WHERE demande_id = ? AND insee = ?")
        .bind(lost.demande, commune)
        .run();
  }
}

bool Store::reopen_communes(model::Day today) {
  const std::string day = model::to_iso(today);
  if (!db_.query("SELECT 1 FROM reexamen WHERE jour <= ? LIMIT 1").bind(day).step()) return false;
  sqlite::Transaction transaction(db_);
  db_.query(
         "UPDATE demande_commune SET etat = 'nouvelle' WHERE etat = 'attente' "
         "AND insee IN (SELECT insee FROM reexamen WHERE jour <= ?)")
      .bind(day)
      .run();
  db_.query("DELETE FROM reexamen WHERE jour <= ?").bind(day).run();
  transaction.commit();
  return true;
}

std::vector<UnroutedDemande> Store::unrouted(std::size_t limit) {
  std::vector<UnroutedDemande> out;
  auto q = db_.query(
      "SELECT w.demande_id, w.insee FROM demande_commune w JOIN demande d ON d.id = w.demande_id "
      "WHERE w.etat = 'nouvelle' AND d.admise = 1 AND d.retenue IS NULL ORDER BY w.demande_id");
  while (q.step()) {
    if (out.empty() || out.back().id != q.integer(0)) {
      if (out.size() == limit) break;
      out.push_back({q.integer(0), {}});
    }
    out.back().communes.push_back(q.text(1));
  }
  return out;
}

model::Coverage Store::coverage(const std::set<std::string>& codes, model::Day day) {
  model::Coverage out;
  const std::string today = model::to_iso(day);
  for (const std::string& code : codes) {
    auto q = db_.query(
        "SELECT c.lieu_id, c.version_id, v.cadence FROM lieu_commune c JOIN version v ON v.id = c.version_id "
        "WHERE c.insee = ?1 AND v.en_vigueur_du <= ?2 AND (v.en_vigueur_au IS NULL OR v.en_vigueur_au >= ?2) "
        "ORDER BY c.lieu_id");
    q.bind(code, today);
    while (q.step()) {
      out[code].push_back({q.integer(0), q.integer(1), cadence_from(q.text(2))});
    }
  }
  return out;
}

void Store::apply_routes(const std::vector<RouteOutcome>& outcomes, Instant now) {
  sqlite::Transaction transaction(db_);
  for (const RouteOutcome& o : outcomes) {
    // An operator may have held it since it was looked at.
    if (db_.query("SELECT 1 FROM demande WHERE id = ? AND retenue IS NOT NULL").bind(o.demande).step()) continue;
    for (const auto& to : o.lieux) {
      RowId existing = 0;
      {
        auto q = db_.query("SELECT id, etat FROM acheminement WHERE demande_id = ? AND lieu_id = ?");
        q.bind(o.demande, to.lieu);
        if (q.step()) {
          existing = q.integer(0);
          if (q.text(1) != to_string(model::AcheminementState::annule)) continue;
        }
      }
      if (existing == 0) {
        db_.query(
               "INSERT INTO acheminement (demande_id, lieu_id, version_id, etat, du) VALUES (?, ?, ?, 'a-remettre', ?)")
            .bind(o.demande, to.lieu, to.version, to_column(to.due))
            .run();
      } else {
        set_acheminement(existing, AcheminementEvent::reopened);
        db_.query("UPDATE acheminement SET version_id = ?, du = ? WHERE id = ?")
            .bind(to.version, to_column(to.due), existing)
            .run();
      }
      auto lieu = db_.query("SELECT identifiant FROM lieu WHERE id = ?");
      lieu.bind(to.lieu).step();
      trace(now, "demande.acheminee", demande_object(o.demande), "lieu=" + lieu.text(0));
    }
    for (const auto& [communes, state] : {std::pair(&o.served, "servie"), std::pair(&o.waiting, "attente")}) {
      for (const std::string& insee : *communes) {
        db_.query("UPDATE demande_commune SET etat = ? WHERE demande_id = ? AND insee = ?")
            .bind(state, o.demande, insee)
            .run();
      }
    }
    db_.query(
           "UPDATE demande SET sans_lieu = EXISTS (SELECT 1 FROM demande_commune w WHERE w.demande_id = ?1 AND w.etat "
           "= "
           "'attente') AND NOT EXISTS (SELECT 1 FROM acheminement a WHERE a.demande_id = ?1 AND a.etat <> 'annule') "
           "WHERE id = ?1")
        .bind(o.demande)
        .run();
    if (db_.query("SELECT 1 FROM demande WHERE id = ? AND sans_lieu = 1").bind(o.demande).step()) {
      trace(now, "demande.sans-lieu", demande_object(o.demande));
    }
  }
  transaction.commit();
}

model::AcheminementState Store::acheminement_state(RowId id) {
  auto q = db_.query("SELECT etat FROM acheminement WHERE id = ?");
  if (!q.bind(id).step()) throw Error("no such acheminement");
  return model::parse_acheminement_state(q.text(0));
}

// An event that does not apply changes nothing: the operator or another pass was first.
void Store::set_acheminement(RowId id, AcheminementEvent event, const std::string& reason) {
  const auto state = model::next(acheminement_state(id), event);
  if (!state) return;
  db_.query("UPDATE acheminement SET etat = ?, motif = ? WHERE id = ?")
      .bind(to_string(*state), reason.empty() ? std::nullopt : std::optional(reason), id)
      .run();
}

}  // namespace navette::store
