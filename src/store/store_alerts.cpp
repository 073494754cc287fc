// What needs a person, for the daily mail to each Caf.
#include <fmt/format.h>

#include "model/civil_time.h"
#include "store/shared_sql.h"
#include "store/store.h"

namespace navette::store {
namespace {

constexpr auto told_after = std::chrono::hours(1);

std::vector<AlertItem> items(sqlite::Query q) {
  std::vector<AlertItem> out;
  while (q.step()) out.push_back({q.text(0), q.text(1)});
  return out;
}

}  // namespace

std::vector<DueAlert> Store::alerts_due(Instant now) {
  std::vector<DueAlert> out;
  auto q = db_.query(
      "SELECT k.caf, k.courriel, coalesce(a.tentatives, 0) FROM contact_caf k "
      "LEFT JOIN alerte a ON a.caf = k.caf AND a.jour = ?1 "
      "WHERE a.caf IS NULL OR (a.acceptee_le IS NULL AND a.prochaine <= ?2) ORDER BY k.caf, k.courriel");
  q.bind(model::to_iso(model::paris_day(now)), to_column(now));
  while (q.step()) {
    if (out.empty() || out.back().caf != q.text(0)) {
      out.push_back({q.text(0), {}, static_cast<int>(q.integer(2))});
    }
    out.back().contacts.push_back(q.text(1));
  }
  return out;
}

AlertFacts Store::alert_facts(const std::string& caf, Instant now) {
  const auto of_caf = [&](const char* sql) {
    auto q = db_.query(sql);
    q.bind(caf);
    return items(std::move(q));
  };
  // What an operator wrote (--why) stays here: an e-mail is no place for it, whatever it says (R9).
  AlertFacts f;
  f.held_partners = of_caf(
      "SELECT identifiant, coalesce(derniere_erreur, '') FROM lieu WHERE retenu = 1 AND caf = ? ORDER BY identifiant");
  f.suspended_lieux =
      of_caf("SELECT identifiant, '' FROM lieu WHERE suspendu IS NOT NULL AND caf = ? ORDER BY identifiant");
  f.held_remises = of_caf(
      "SELECT r.nom, CASE r.retenue_operateur WHEN 1 THEN 'operateur: ' ELSE coalesce(r.motif, '') END "
      "FROM remise r JOIN lieu l ON l.id = r.lieu_id WHERE r.etat = 'retenue' AND l.caf = ? ORDER BY r.id");
  // What fails for a moment and then goes would use up the day's mail.
  const auto of_caf_for_an_hour = [&](const char* sql) {
    auto q = db_.query(sql);
    q.bind(caf, to_column(now - told_after));
    return items(std::move(q));
  };
  f.remises_in_trouble = of_caf_for_an_hour("SELECT r.nom, coalesce(" LAST_FAILURE
                                            ", '') FROM remise r CROSS JOIN lieu l ON l.id = r.lieu_id "
                                            "WHERE " IN_TROUBLE
                                            " AND l.caf = ?1 AND coalesce(r.premiere_tentative, l.premier_echec) <= ?2 "
                                            "ORDER BY r.id");
  // It is first tried when the remise is delivered.
  f.notifications_in_trouble = of_caf_for_an_hour(
      "SELECT r.nom, coalesce(n.motif, '') FROM notification n CROSS JOIN remise r ON r.id = n.remise_id "
      "JOIN lieu l ON l.id = r.lieu_id WHERE n.etat = 'a-envoyer' AND n.tentatives > 0 AND n.retenue = 0 AND "
      "l.caf = ?1 AND r.livree_le <= ?2 ORDER BY r.id");
  f.held_notifications = of_caf(
      "SELECT r.nom, coalesce(n.motif, '') FROM notification n CROSS JOIN remise r ON r.id = n.remise_id "
      "JOIN lieu l ON l.id = r.lieu_id WHERE n.etat = 'a-envoyer' AND n.retenue = 1 AND l.caf = ? ORDER BY r.id");
  f.recalls_waiting = of_caf("SELECT r.nom, coalesce(" LAST_FAILURE
                             ", '') FROM remise r CROSS JOIN lieu l ON l.id = r.lieu_id "
                             "WHERE r.etat = 'a-rappeler' AND l.retenu = 0 AND l.caf = ? ORDER BY r.id");
  f.recalls_held = of_caf("SELECT r.nom, coalesce(" LAST_FAILURE
                          ", '') FROM remise r CROSS JOIN lieu l ON l.id = r.lieu_id "
                          "WHERE r.etat = 'a-rappeler' AND l.retenu = 1 AND l.caf = ? ORDER BY r.id");
  f.destructions_waiting = of_caf(
      "SELECT r.nom, coalesce(r.motif, '') FROM remise r CROSS JOIN lieu l ON l.id = r.lieu_id "
      "WHERE r.etat = 'a-detruire' AND l.caf = ? ORDER BY r.id");
  f.held_demandes = of_caf(
      "SELECT d.emetteur || '/' || d.reference, CASE WHEN d.retenue IS NULL THEN coalesce(min(a.motif), '') ELSE "
      "'operateur: ' END FROM (SELECT demande_id AS id FROM acheminement WHERE etat = 'retenu' UNION SELECT id FROM "
      "demande WHERE retenue IS NOT NULL) h JOIN demande d ON d.id = h.id JOIN acheminement a ON a.demande_id = d.id "
      "JOIN lieu l ON l.id = a.lieu_id "
      "WHERE (a.etat = 'retenu' OR d.retenue IS NOT NULL) AND l.caf = ? GROUP BY d.id ORDER BY d.id");
  const auto yesterday = to_column(now - std::chrono::days(1));
  auto withdrawn =
      db_.query("SELECT d.emetteur || '/' || d.reference, '' FROM " WITHDRAWN_DEMANDES " AND " LATELY_WITHDRAWN
                " AND EXISTS (SELECT 1 FROM acheminement a JOIN lieu l ON l.id = a.lieu_id WHERE "
                "a.demande_id = d.id AND a.etat = 'retire' AND l.caf = ?2) ORDER BY d.id");
  withdrawn.bind(yesterday, caf);
  f.withdrawn_demandes = items(std::move(withdrawn));
  // What another Caf, or a lieu of its, sent is not this one's business.
  auto flux = db_.query(
      "SELECT emetteur || '/' || ticket, coalesce(code, '') FROM flux "
      "WHERE traite_le >= ?1 AND etat = 'refuse' AND (emetteur = 'caf-' || ?2 OR (emetteur NOT LIKE 'caf-%' "
      "AND coalesce((SELECT l.caf FROM lieu l WHERE l.identifiant = emetteur), ?2) = ?2)) ORDER BY id");
  flux.bind(yesterday, caf);
  f.refused_flux = items(std::move(flux));
  return f;
}

std::vector<CommuneWaiting> Store::communes_waiting() {
  std::vector<CommuneWaiting> out;
  auto q = db_.query(
      "SELECT insee, count(*) FROM demande_commune INDEXED BY commune_attente WHERE etat = 'attente' GROUP BY insee");
  while (q.step()) out.push_back({q.text(0), static_cast<std::uint64_t>(q.integer(1))});
  return out;
}

void Store::apply_alert(const AlertOutcome& o) {
  sqlite::Transaction transaction(db_);
  db_.query(
         "INSERT INTO alerte (caf, jour, tentatives, prochaine, motif, acceptee_le) VALUES (?1, ?2, 1, ?3, ?4, ?5) "
         "ON CONFLICT DO UPDATE SET tentatives = tentatives + 1, prochaine = ?3, motif = ?4, acceptee_le = ?5")
      .bind(o.caf, model::to_iso(o.day), to_column(o.next_attempt))
      .bind(o.accepted ? std::nullopt : std::optional(o.reason))
      .bind(o.accepted ? std::optional(to_column(o.at)) : std::nullopt)
      .run();
  trace(o.at, o.accepted ? "alerte.acceptee" : "alerte.differee", "caf:" + o.caf,
        o.accepted ? fmt::format("destinataires={}", o.recipients) : o.reason);
  transaction.commit();
}

}  // namespace navette::store
