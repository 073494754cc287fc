// Demandes with their derived state, and remises.
#include <algorithm>

#include "model/states.h"
#include "store/listing.h"
#include "store/shared_sql.h"
#include "store/store.h"

namespace navette::store {
namespace {

// Nothing for one that is staged only: its flux is still being read.
std::optional<DemandeRow> load_demande(sqlite::Connection& db, std::int64_t id) {
  DemandeRow r;
  {
    auto q = db.query(
        "SELECT d.id, d.emetteur, d.reference, d.jour, f.recu_le, f.ticket, d.retenue FROM demande d "
        "JOIN flux f ON f.id = d.flux_id WHERE d.id = ? AND d.admise = 1");
    if (!q.bind(id).step()) return std::nullopt;
    r.id = q.integer(0);
    r.emetteur = q.text(1);
    r.reference = q.text(2);
    r.jour = *day_from(q.text(3));
    r.recue_le = instant_from(q.integer(4));
    r.flux = q.text(5);
    r.retenue = q.find_text(6);
  }
  {
    auto q = db.query("SELECT insee, etat FROM demande_commune WHERE demande_id = ? ORDER BY insee");
    q.bind(id);
    while (q.step()) r.communes.push_back({q.text(0), q.text(1)});
  }
  auto q = db.query(
      "SELECT l.identifiant, a.etat, a.du, r.nom, a.motif, r.livree_le FROM acheminement a JOIN lieu l ON l.id = "
      "a.lieu_id "
      "LEFT JOIN remise r ON r.id = a.remise_id WHERE a.demande_id = ? ORDER BY l.identifiant");
  q.bind(id);
  std::vector<model::AcheminementState> states;
  while (q.step()) {
    r.lieux.push_back(
        {q.text(0), q.text(1), instant_from(q.integer(2)), q.find_text(3), q.text(4), instant_from(q.find_integer(5))});
    states.push_back(model::parse_acheminement_state(q.text(1)));
  }
  const bool unrouted =
      std::any_of(r.communes.begin(), r.communes.end(), [](const DemandeCommune& c) { return c.etat == "nouvelle"; });
  r.etat = model::demande_state(r.retenue.has_value(), unrouted, states);
  return r;
}

bool is_served_in_part(const DemandeRow& row) {
  return row.etat != "sans-lieu" && std::any_of(row.communes.begin(), row.communes.end(),
                                                [](const DemandeCommune& c) { return c.etat == "attente"; });
}

// Ids, newest first, among which are all demandes of that state: by an index where that state has one (named,
// since the planner would rather walk the whole table in order). The model has
// the last word on each.
const char* candidates(const DemandeFilter& filter) {
  if (!filter.lieu.empty()) {
    return "SELECT demande_id FROM acheminement a JOIN lieu l ON l.id = a.lieu_id WHERE l.identifiant = ?1 "
           "AND a.etat = 'a-remettre' "
           "UNION SELECT a.demande_id FROM lieu l JOIN remise r ON r.lieu_id = l.id JOIN acheminement a ON "
           "a.remise_id = r.id WHERE l.identifiant = ?1 "
           "UNION SELECT a.demande_id FROM acheminement a JOIN lieu l ON l.id = a.lieu_id WHERE a.etat = 'retenu' AND "
           "l.identifiant = ?1 ORDER BY 1 DESC";
  }
  if (filter.etat == "retenue") {
    return "SELECT id FROM demande WHERE retenue IS NOT NULL "
           "UNION SELECT demande_id FROM acheminement WHERE etat = 'retenu' ORDER BY 1 DESC";
  }
  if (filter.etat == "a-router") {
    return "SELECT DISTINCT demande_id FROM demande_commune INDEXED BY commune_nouvelle WHERE etat = 'nouvelle' ORDER "
           "BY 1 DESC";
  }
  if (filter.etat == "sans-lieu" || filter.en_partie) {
    return "SELECT DISTINCT demande_id FROM demande_commune INDEXED BY commune_attente WHERE etat = 'attente' ORDER BY "
           "1 DESC";
  }
  if (filter.etat == "en-cours") {
    return "SELECT a.demande_id FROM lieu l JOIN acheminement a ON a.lieu_id = l.id WHERE a.etat = 'a-remettre' "
           "UNION SELECT a.demande_id FROM remise r JOIN acheminement a ON a.remise_id = r.id WHERE r.etat = 'prete' "
           "UNION SELECT a.demande_id FROM remise r JOIN acheminement a ON a.remise_id = r.id WHERE r.etat = 'retenue' "
           "ORDER BY 1 DESC";
  }
  if (filter.etat == "retiree") {
    return "SELECT DISTINCT demande_id FROM acheminement INDEXED BY acheminement_retire WHERE etat = 'retire' ORDER BY "
           "1 DESC";
  }
  return "SELECT id FROM demande WHERE admise = 1 ORDER BY id DESC";
}

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): one list of columns for literals that differ in their end
#define REMISE_COLUMNS                                                                                               \
  "SELECT r.id, r.nom, l.identifiant, c.numero, v.version, r.etat, r.composee_le, r.nombre, r.tentatives, "          \
  "iif(" WITHDRAWN_MAIL                                                                                              \
  ", r.prochaine, max(r.prochaine, l.prochaine)), "                                                                  \
  "iif(r.etat IN ('prete', 'a-rappeler'), " LAST_FAILURE                                                             \
  ", r.motif), r.livree_le, r.faits, n.etat, n.tentatives, n.motif, n.acceptee_le, n.destinataires, "                \
  "(SELECT e.jour FROM echeance e WHERE e.remise_id = r.id AND e.genre = 'retrait' AND r.etat = 'livree' LIMIT 1), " \
  "n.prochaine, "                                                                                                    \
  "coalesce((SELECT p.nom FROM remise p WHERE p.id = r.reemise_de), ''), coalesce(r.rappel, ''), r.rappelee_le, "    \
  "coalesce(r.rappel_faits, ''), r.retiree_le, r.retrait_preuve, r.retrait_personne, "                               \
  "l.suspendu IS NOT NULL, iif(l.retenu = 1 AND NOT " WITHDRAWN_MAIL                                                 \
  ", l.erreur_le, NULL), n.retenue, r.en_cours, l.echecs > 0, "                                                      \
  "r.tentee_par IS NOT NULL OR r.livree_le IS NOT NULL, EXISTS (SELECT 1 FROM lieu_version o WHERE o.lieu_id = "     \
  "r.lieu_id AND o.version_id = r.tentee_par AND o.place = 'courriel'), "                                            \
  "coalesce((SELECT group_concat(t.destinataire, ', ') FROM notification_recue t WHERE t.remise_id = r.id AND "      \
  "t.refus IS NULL), ''), "                                                                                          \
  "coalesce((SELECT group_concat(t.destinataire || ' (' || t.refus || ')', ', ') FROM notification_recue t WHERE "   \
  "t.remise_id = r.id AND t.refus IS NOT NULL), ''), "                                                               \
  "coalesce((SELECT x.motif FROM reemission x WHERE x.remise_id = coalesce(r.reemise_de, r.id)), '') "               \
  "FROM remise r JOIN lieu l ON l.id = r.lieu_id JOIN version v ON v.id = r.version_id "                             \
  "JOIN convention c ON c.id = v.convention_id LEFT JOIN notification n ON n.remise_id = r.id "

RemiseRow remise_from(const sqlite::Query& q) {
  RemiseRow r;
  r.id = q.integer(0);
  r.nom = q.text(1);
  r.lieu = q.text(2);
  r.convention = q.text(3);
  r.version = q.integer(4);
  r.etat = q.text(5);
  r.composee_le = instant_from(q.integer(6));
  r.nombre = q.integer(7);
  r.tentatives = q.integer(8);
  r.motif = q.text(10);
  r.livree_le = instant_from(q.find_integer(11));
  r.faits = q.text(12);
  r.notification = q.find_text(13);
  if (r.notification) {
    r.notification_tentatives = q.integer(14);
    r.notification_motif = q.text(15);
    r.notifiee_le = instant_from(q.find_integer(16));
    r.destinataires = q.integer(17);
    r.joints = q.text(34);
    r.non_joints = q.text(35);
  }
  r.reemission = q.text(36);
  r.retrait_avant = day_from(q.find_text(18));
  r.reemise_de = q.text(20);
  r.rappel = q.text(21);
  r.rappelee_le = instant_from(q.find_integer(22));
  r.rappel_faits = q.text(23);
  r.retiree_le = instant_from(q.find_integer(24));
  r.retrait_preuve = q.text(25);
  r.retrait_personne = q.text(26);
  r.en_cours = q.integer(30) != 0;
  r.partenaire_en_echec = q.integer(31) != 0;
  r.partie = q.integer(32) != 0;
  r.par_courriel = q.integer(33) != 0;
  if (r.etat == "prete" || r.etat == "a-rappeler") {
    r.lieu_suspendu = r.etat == "prete" && q.integer(27) != 0;  // what is withdrawn is removed all the same
    r.partenaire_retenu = instant_from(q.find_integer(28));
    if (!r.lieu_suspendu && !r.partenaire_retenu) r.prochaine = instant_from(q.find_integer(9));
  }
  r.notification_retenue = r.notification == "a-envoyer" && q.integer(29) != 0;
  if (r.notification == "a-envoyer" && !r.notification_retenue) r.prochaine = instant_from(q.find_integer(19));
  return r;
}

}  // namespace

std::vector<DemandeRow> list_demandes(sqlite::Connection& db, const DemandeFilter& filter, std::int64_t limit) {
  std::vector<DemandeRow> out;
  auto q = db.query(candidates(filter));
  if (!filter.lieu.empty()) q.bind(filter.lieu);
  while ((limit < 0 || static_cast<std::int64_t>(out.size()) < limit) && q.step()) {
    auto row = load_demande(db, q.integer(0));
    if (row && filter.en_partie && !is_served_in_part(*row)) continue;
    if (row && (filter.etat.empty() || row->etat == filter.etat)) out.push_back(*std::move(row));
  }
  return out;
}

std::vector<DemandeRow> find_demandes(sqlite::Connection& db, const std::string& reference) {
  const auto slash = reference.find('/');
  const std::string emetteur = slash == std::string::npos ? "" : reference.substr(0, slash);
  auto q =
      db.query("SELECT id FROM demande WHERE reference = ?1 AND admise = 1 AND (?2 = '' OR emetteur = ?2) ORDER BY id");
  q.bind(slash == std::string::npos ? reference : reference.substr(slash + 1), emetteur);
  std::vector<DemandeRow> out;
  while (q.step()) {
    if (auto row = load_demande(db, q.integer(0))) out.push_back(*std::move(row));
  }
  return out;
}

std::vector<RefuseeRow> find_refusees(sqlite::Connection& db, const std::string& reference) {
  const auto slash = reference.find('/');
  auto q = db.query(
      "SELECT f.emetteur, f.ticket, r.code FROM refus r JOIN flux f ON f.id = r.flux_id WHERE r.reference = ?1 "
      "AND r.genre = 'refus' AND (?2 = '' OR f.emetteur = ?2) ORDER BY f.id DESC, r.rang");
  q.bind(slash == std::string::npos ? reference : reference.substr(slash + 1),
         slash == std::string::npos ? "" : reference.substr(0, slash));
  std::vector<RefuseeRow> out;
  while (q.step()) out.push_back({q.text(0), q.text(1), q.text(2)});
  return out;
}

std::optional<std::string> known_demande(sqlite::Connection& db, const std::string& emetteur,
                                         const std::string& reference) {
  auto q = db.query("SELECT sha256 FROM demande WHERE emetteur = ? AND reference = ?");
  return q.bind(emetteur, reference).step() ? std::optional(q.text(0)) : std::nullopt;
}

std::vector<RemiseRow> list_remises(sqlite::Connection& db, const RemiseFilter& filter, std::int64_t limit) {
  std::vector<RemiseRow> out;
  const auto read = [&](sqlite::Query& q) {
    while (q.step()) out.push_back(remise_from(q));
  };
  if (filter.held) {
    auto q = db.query(REMISE_COLUMNS "WHERE r.id IN " HELD_REMISES
                                     " AND (?1 = '' OR l.identifiant = ?1) ORDER BY r.id DESC LIMIT ?2");
    q.bind(filter.lieu, limit);
    read(q);
  } else if (!filter.lieu.empty()) {
    auto q = db.query(REMISE_COLUMNS
                      "WHERE r.lieu_id = (SELECT id FROM lieu WHERE identifiant = ?1) AND (?2 = '' OR r.etat = ?2) "
                      "ORDER BY r.id DESC LIMIT ?3");
    q.bind(filter.lieu, filter.etat, limit);
    read(q);
  } else if (filter.etat == "retenue") {
    auto q = db.query(REMISE_COLUMNS "WHERE r.etat = 'retenue' ORDER BY r.id DESC LIMIT ?");
    q.bind(limit);
    read(q);
  } else if (filter.etat == "prete") {
    auto q = db.query(REMISE_COLUMNS "WHERE r.etat = 'prete' ORDER BY r.id DESC LIMIT ?");
    q.bind(limit);
    read(q);
  } else {
    auto q = db.query(REMISE_COLUMNS "WHERE (?1 = '' OR r.etat = ?1) ORDER BY r.id DESC LIMIT ?2");
    q.bind(filter.etat, limit);
    read(q);
  }
  return out;
}

std::optional<RemiseRow> find_remise(sqlite::Connection& db, const std::string& nom) {
  auto q = db.query(REMISE_COLUMNS "WHERE r.nom = ?");
  return q.bind(nom).step() ? std::optional(remise_from(q)) : std::nullopt;
}

std::vector<FichierRow> list_fichiers(sqlite::Connection& db, std::int64_t remise) {
  std::vector<FichierRow> out;
  auto q = db.query(
      "SELECT f.nom, f.genre, f.taille, f.sha256, coalesce(d.emetteur || '/' || d.reference, '') FROM remise_fichier f "
      "LEFT JOIN demande d ON d.id = f.demande_id WHERE f.remise_id = ? ORDER BY f.rang");
  q.bind(remise);
  while (q.step()) {
    out.push_back({q.text(0), q.text(1), static_cast<std::uint64_t>(q.integer(2)), q.text(3), q.text(4)});
  }
  return out;
}

}  // namespace navette::store
