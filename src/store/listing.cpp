// Flux, échéances, traces, ages. Demandes, remises, lieux and conventions have files of their own.
#include "store/listing.h"

#include "store/shared_sql.h"
#include "store/store.h"

namespace navette::store {
namespace {

std::uint64_t count_at(const sqlite::Query& q, int column) {
  return static_cast<std::uint64_t>(q.integer(column));
}

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): one list of columns for literals that differ in their end
#define FLUX_COLUMNS                                                                                                  \
  "SELECT id, ticket, emetteur, nom, recu_le, taille, etat, type, identifiant, code, ligne, colonne, chemin, recus, " \
  "acceptes, doublons, refuses, traite_le, accuse FROM flux "

FluxRow flux_from(const sqlite::Query& q) {
  FluxRow r;
  r.id = q.integer(0);
  r.ticket = q.text(1);
  r.emetteur = q.text(2);
  r.nom = q.text(3);
  r.recu_le = instant_from(q.integer(4));
  r.taille = count_at(q, 5);
  r.etat = q.text(6);
  r.type = q.find_text(7);
  r.identifiant = q.find_text(8);
  r.code = q.find_text(9);
  r.ligne = q.integer(10);
  r.colonne = q.integer(11);
  r.chemin = q.text(12);
  r.recus = count_at(q, 13);
  r.acceptes = count_at(q, 14);
  r.doublons = count_at(q, 15);
  r.refuses = count_at(q, 16);
  r.traite_le = instant_from(q.find_integer(17));
  r.accuse = q.find_text(18);
  return r;
}

std::optional<Instant> one_instant(sqlite::Connection& db, const char* sql) {
  auto q = db.query(sql);
  return q.step() ? instant_from(q.find_integer(0)) : std::nullopt;
}

}  // namespace

// Backwards by id until `limit` fit: a filter that few rows pass reads the whole table, which holds one row a deposit.
std::vector<FluxRow> list_flux(sqlite::Connection& db, const FluxFilter& filter, std::int64_t limit) {
  std::vector<FluxRow> out;
  auto q =
      db.query(FLUX_COLUMNS "WHERE (?1 = '' OR etat = ?1) AND (?2 = '' OR emetteur = ?2) ORDER BY id DESC LIMIT ?3");
  q.bind(filter.etat, filter.emetteur, limit);
  while (q.step()) out.push_back(flux_from(q));
  return out;
}

std::optional<FluxRow> find_flux(sqlite::Connection& db, const std::string& id) {
  const auto slash = id.find('/');
  if (slash == std::string::npos) {
    auto q = db.query(FLUX_COLUMNS "WHERE ticket = ?");
    return q.bind(id).step() ? std::optional(flux_from(q)) : std::nullopt;
  }
  auto q = db.query(FLUX_COLUMNS "WHERE emetteur = ? AND identifiant = ? AND etat IN ('accepte', 'partiel')");
  return q.bind(id.substr(0, slash), id.substr(slash + 1)).step() ? std::optional(flux_from(q)) : std::nullopt;
}

std::uint64_t refused_records(sqlite::Connection& db, Instant since) {
  auto q = db.query("SELECT coalesce(sum(refuses), 0) FROM flux WHERE traite_le >= ? AND etat = 'partiel'");
  q.bind(to_column(since)).step();
  return count_at(q, 0);
}

std::vector<RefusRow> list_refus(sqlite::Connection& db, std::int64_t flux, std::int64_t limit) {
  std::vector<RefusRow> out;
  auto q = db.query(
      "SELECT rang, genre = 'doublon', reference, code, ligne, colonne, chemin FROM refus WHERE flux_id = ? "
      "ORDER BY rang LIMIT ?");
  q.bind(flux, limit);
  while (q.step()) {
    out.push_back({q.integer(0), q.integer(1) != 0, q.text(2), q.text(3), q.integer(4), q.integer(5), q.text(6)});
  }
  return out;
}

std::vector<EcheanceRow> list_echeances(sqlite::Connection& db, bool all_states, std::int64_t limit) {
  std::vector<EcheanceRow> out;
  const auto read = [&](sqlite::Query q) {
    q.bind(limit);
    while (q.step()) {
      const std::string remise = q.text(1);
      out.push_back({q.text(0), remise.empty() ? "" : "remise:" + remise, q.text(2), *day_from(q.text(3)), q.text(4)});
    }
  };
  if (all_states) {
    read(
        db.query("SELECT e.genre, r.nom, l.identifiant, e.jour, e.etat FROM echeance e LEFT JOIN remise r ON r.id = "
                 "e.remise_id LEFT JOIN lieu l ON l.id = r.lieu_id ORDER BY e.jour, e.id LIMIT ?"));
  } else {
    read(
        db.query("SELECT e.genre, r.nom, l.identifiant, e.jour, e.etat FROM echeance e LEFT JOIN remise r ON r.id = "
                 "e.remise_id LEFT JOIN lieu l ON l.id = r.lieu_id WHERE e.etat = 'ouverte' ORDER BY e.jour, e.id "
                 "LIMIT ?"));
  }
  return out;
}

std::vector<TraceRow> list_traces(sqlite::Connection& db, const std::string& objet, std::int64_t limit) {
  std::vector<TraceRow> out;
  const auto read = [&](sqlite::Query& q) {
    while (q.step()) {
      out.push_back({q.integer(0), instant_from(q.integer(1)), q.text(2), q.text(3), q.text(4), q.find_text(5)});
    }
  };
  if (objet.empty()) {
    auto q = db.query(
        "SELECT t.seq, t.le, t.acteur, t.action, t.objet, d.detail FROM trace t "
        "LEFT JOIN trace_detail d ON d.seq = t.seq ORDER BY t.seq DESC LIMIT ?");
    q.bind(limit);
    read(q);
  } else {
    auto q = db.query(
        "SELECT t.seq, t.le, t.acteur, t.action, t.objet, d.detail FROM trace t "
        "LEFT JOIN trace_detail d ON d.seq = t.seq WHERE t.objet = ? ORDER BY t.seq DESC LIMIT ?");
    q.bind(objet, limit);
    read(q);
  }
  return out;
}

Ages ages(sqlite::Connection& db, Instant now) {
  Ages a;
  a.flux_recu = one_instant(db, "SELECT recu_le FROM flux WHERE etat = 'recu' ORDER BY id LIMIT 1");
  a.sans_lieu = one_instant(
      db, "SELECT recu_le FROM flux WHERE id = (SELECT flux_id FROM demande WHERE sans_lieu = 1 ORDER BY id LIMIT 1)");
  a.prochain_depart = one_instant(
      db,
      "SELECT min((SELECT min(du) FROM acheminement a WHERE a.lieu_id = l.id AND a.etat = 'a-remettre')) FROM lieu l");
  a.remise_prete = one_instant(db, "SELECT min(composee_le) FROM remise WHERE etat = 'prete'");
  a.remise_retenue = one_instant(db, "SELECT min(composee_le) FROM remise WHERE id IN " HELD_REMISES);
  a.notification = one_instant(
      db, "SELECT min(r.livree_le) FROM notification n JOIN remise r ON r.id = n.remise_id WHERE n.etat = 'a-envoyer'");
  a.dernier_flux = one_instant(db, "SELECT recu_le FROM flux ORDER BY id DESC LIMIT 1");
  a.derniere_livraison = one_instant(db, "SELECT max(dernier_succes) FROM lieu");
  auto refused = db.query("SELECT count(*) FROM flux WHERE traite_le >= ? AND etat = 'refuse'");
  refused.bind(to_column(now - lately)).step();
  a.flux_refuses = refused.integer(0);
  auto awaited = db.query("SELECT count(*) FROM remise WHERE etat = 'livree' AND retiree_le IS NULL");
  awaited.step();
  a.remises_a_retirer = awaited.integer(0);
  auto partly = db.query(
      "SELECT count(DISTINCT w.demande_id) FROM demande_commune w INDEXED BY commune_attente "
      "JOIN demande d ON d.id = w.demande_id WHERE w.etat = 'attente' AND d.sans_lieu = 0 AND d.admise = 1");
  partly.step();
  a.servies_en_partie = partly.integer(0);
  auto withdrawn = db.query("SELECT count(*) FROM " WITHDRAWN_DEMANDES);
  withdrawn.step();
  a.retirees = withdrawn.integer(0);
  return a;
}

std::uint64_t withdrawn_demandes(sqlite::Connection& db, Instant since) {
  auto q = db.query("SELECT count(*) FROM " WITHDRAWN_DEMANDES " AND " LATELY_WITHDRAWN);
  q.bind(to_column(since)).step();
  return count_at(q, 0);
}

}  // namespace navette::store
