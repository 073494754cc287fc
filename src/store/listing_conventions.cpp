// Lieux and conventions, with what is in force today.
#include <algorithm>

#include <fmt/format.h>

#include "store/listing.h"
#include "store/shared_sql.h"
#include "store/store.h"

namespace navette::store {
namespace {

std::optional<Instant> one_instant(sqlite::Connection& db, const char* sql, std::int64_t id) {
  auto q = db.query(sql);
  if (!q.bind(id).step() || q.is_null(0)) return std::nullopt;
  return instant_from(q.integer(0));
}

std::uint64_t one_count(sqlite::Connection& db, const char* sql, std::int64_t id) {
  auto q = db.query(sql);
  q.bind(id).step();
  return static_cast<std::uint64_t>(q.integer(0));
}

// Of the version in force today, else of the newest that names the lieu.
void load_convention_of(sqlite::Connection& db, std::int64_t id, const std::string& today, LieuRow& row) {
  std::int64_t version_id = 0;
  {
    auto q = db.query(
        "SELECT v.id, lv.nom, c.numero, v.version, lv.canal, v.en_vigueur_du IS NOT NULL AND v.en_vigueur_du <= ?2 AND "
        "(v.en_vigueur_au IS NULL OR v.en_vigueur_au >= ?2) AS open, " IN_DEPOT
        ", lv.profil FROM lieu_version lv JOIN version v ON v.id = "
        "lv.version_id JOIN convention c ON c.id = v.convention_id WHERE lv.lieu_id = ?1 ORDER BY open DESC, v.id DESC "
        "LIMIT 1");
    if (!q.bind(id, today).step()) return;
    version_id = q.integer(0);
    row.nom = q.text(1);
    row.convention = q.text(2);
    row.version = q.integer(3);
    row.canal = q.text(4);
    row.en_vigueur = q.integer(5) != 0;
    row.depot = q.integer(6) != 0;
    row.profil = q.text(7);
  }
  auto q = db.query("SELECT insee FROM lieu_commune WHERE version_id = ? AND lieu_id = ? ORDER BY insee");
  q.bind(version_id, id);
  while (q.step()) row.communes.push_back(q.text(0));
}

void load_traffic_of(sqlite::Connection& db, std::int64_t id, LieuRow& row) {
  row.en_attente = one_count(db, "SELECT count(*) FROM acheminement WHERE lieu_id = ? AND etat = 'a-remettre'", id);
  row.remises_en_attente = one_count(db, "SELECT count(*) FROM remise WHERE etat = 'prete' AND lieu_id = ?", id) +
                           one_count(db, "SELECT count(*) FROM remise WHERE etat = 'retenue' AND lieu_id = ?", id);
  row.prochain_essai =
      one_instant(db,
                  "SELECT min(max(r.prochaine, l.prochaine)) FROM remise r JOIN lieu l ON l.id = r.lieu_id "
                  "WHERE r.lieu_id = ? AND r.etat = 'prete'",
                  id);
  auto q = db.query(
      "SELECT motif FROM remise WHERE lieu_id = ? AND motif IS NOT NULL AND retenue_operateur = 0 "
      "AND etat IN ('prete', 'retenue') ORDER BY id LIMIT 1");
  if (row.dernier_motif.empty() && q.bind(id).step()) row.dernier_motif = q.text(0);
  auto looks = db.query("SELECT DISTINCT faute, echoue_le FROM regard WHERE lieu_id = ? ORDER BY faute");
  looks.bind(id);
  while (looks.step()) {
    row.regard.push_back(looks.text(0));
    row.regard_le = instant_from(looks.find_integer(1));
  }
  row.en_cours = one_count(db, "SELECT count(*) FROM remise WHERE etat = 'prete' AND en_cours = 1 AND lieu_id = ?", id);
}

LieuRow load_lieu(sqlite::Connection& db, std::int64_t id, const std::string& today) {
  LieuRow row;
  {
    auto q = db.query(
        "SELECT identifiant, caf, suspendu, CASE retenu WHEN 1 THEN erreur_le END, iif(echecs > 0, derniere_erreur, "
        "NULL), dernier_succes, derniere_erreur, erreur_le FROM lieu WHERE id = ?");
    q.bind(id).step();
    row.identifiant = q.text(0);
    row.caf = q.text(1);
    row.suspendu = q.find_text(2);
    row.retenu = instant_from(q.find_integer(3));
    row.dernier_motif = q.find_text(4).value_or("");
    row.derniere_remise = instant_from(q.find_integer(5));
    row.derniere_erreur = q.find_text(6).value_or("");
    row.erreur_le = instant_from(q.find_integer(7));
  }
  load_convention_of(db, id, today, row);
  load_traffic_of(db, id, row);
  if (row.suspendu || row.retenu) row.prochain_essai.reset();
  return row;
}

// The dates of a version, which is all that model::in_force asks for.
model::Convention dates_of(const sqlite::Query& q) {
  model::Convention v;
  v.version = static_cast<int>(q.integer(0));
  v.annexe.signed_on = *day_from(q.text(1));
  v.annexe.effective_from = *day_from(q.text(2));
  v.activated_on = day_from(q.find_text(3));
  if (const auto from = day_from(q.find_text(4))) v.suspension = model::Suspension{*from, q.text(5)};
  if (const auto end = day_from(q.find_text(6))) {
    v.termination = model::Termination{model::TerminationCause::commun_accord, *end, *end};
  }
  v.annexe.partenaire = {q.text(7), q.text(8), {}};
  return v;
}

ConventionRow load_convention(sqlite::Connection& db, std::int64_t id, model::Day today) {
  ConventionRow row;
  {
    auto q = db.query("SELECT caf, numero, type FROM convention WHERE id = ?");
    q.bind(id).step();
    row.caf = q.text(0);
    row.numero = q.text(1);
    row.type = q.text(2);
  }
  std::vector<model::Convention> versions;
  std::vector<std::int64_t> lieux;
  {
    auto q = db.query(
        "SELECT version, signee, effet, activee, suspendue, suspension_motif, fin, siret, partenaire, (SELECT count(*) "
        "FROM lieu_version lv WHERE lv.version_id = v.id) FROM version v WHERE convention_id = ? ORDER BY version");
    q.bind(id);
    while (q.step()) {
      versions.push_back(dates_of(q));
      lieux.push_back(q.integer(9));
    }
  }
  if (versions.empty()) return row;
  const auto in_force = in_force_of(versions, today);
  std::size_t k = versions.size() - 1;
  for (std::size_t i = 0; i < in_force.size(); ++i) {
    if (in_force[i].today) k = i;
  }
  const model::Convention& v = versions[k];
  row.version = v.version;
  row.versions = static_cast<std::int64_t>(versions.size());
  row.partenaire = v.annexe.partenaire.nom;
  row.siret = v.annexe.partenaire.siret;
  row.signee = model::to_iso(v.annexe.signed_on);
  row.activee = to_column(v.activated_on);
  if (v.termination) row.fin = model::to_iso(v.termination->last_day);
  row.en_vigueur = in_force[k].today;
  row.motif = in_force[k].motif;
  row.lieux = lieux[k];
  return row;
}

std::string why_not(const model::Convention& v, const std::optional<model::Interval>& interval, model::Day today,
                    const std::optional<model::Day>& replaced_on) {
  if (v.termination && v.termination->last_day < today) return "ended on " + model::to_iso(v.termination->last_day);
  if (v.suspension && v.suspension->from <= today) {
    return fmt::format("suspended since {}: {}", model::to_iso(v.suspension->from), v.suspension->motif);
  }
  if (!v.activated_on) return "not activated by the Caf";
  if (interval && today < interval->from) return "begins on " + model::to_iso(interval->from);
  if (replaced_on && *replaced_on <= today) return "replaced on " + model::to_iso(*replaced_on);
  return "never in force with these dates";
}

}  // namespace

std::vector<LieuRow> list_lieux(sqlite::Connection& db, model::Day today, std::int64_t limit) {
  std::vector<std::int64_t> ids;
  {
    auto q = db.query("SELECT id FROM lieu ORDER BY identifiant LIMIT ?");
    q.bind(limit);
    while (q.step()) ids.push_back(q.integer(0));
  }
  std::vector<LieuRow> out;
  out.reserve(ids.size());
  for (const std::int64_t id : ids) out.push_back(load_lieu(db, id, model::to_iso(today)));
  return out;
}

std::optional<LieuRow> find_lieu(sqlite::Connection& db, const std::string& identifiant, model::Day today) {
  std::int64_t id = 0;
  {
    auto q = db.query("SELECT id FROM lieu WHERE identifiant = ?");
    if (!q.bind(identifiant).step()) return std::nullopt;
    id = q.integer(0);
  }
  return load_lieu(db, id, model::to_iso(today));
}

std::vector<ServedLieu> lieux_served_elsewhere(sqlite::Connection& db, model::Day today) {
  std::vector<ServedLieu> out;
  auto q = db.query(
      "SELECT l.identifiant, l.caf, lv.canal, lv.profil, v.en_vigueur_du FROM lieu l JOIN lieu_version lv ON "
      "lv.lieu_id = l.id JOIN version v ON v.id = lv.version_id WHERE NOT (" IN_DEPOT
      ") AND ((v.en_vigueur_du IS NOT NULL AND (v.en_vigueur_au IS NULL OR v.en_vigueur_au >= ?1)) OR (v.activee IS "
      "NULL AND (v.fin IS NULL OR v.fin >= ?1) AND v.version = (SELECT max(w.version) FROM version w WHERE "
      "w.convention_id = v.convention_id))) ORDER BY l.identifiant, v.en_vigueur_du IS NULL, v.en_vigueur_du, v.id");
  q.bind(model::to_iso(today));
  while (q.step()) {
    ServedLieu one{q.text(0), q.text(1), q.text(2), q.text(3), day_from(q.find_text(4))};
    const bool same = !out.empty() && out.back().identifiant == one.identifiant && out.back().canal == one.canal &&
                      out.back().profil == one.profil;
    if (!same) out.push_back(std::move(one));
  }
  return out;
}

std::vector<std::string> lieux_of_same_access(sqlite::Connection& db, const std::string& identifiant,
                                              model::Day today) {
  std::int64_t id = 0;
  {
    auto q = db.query("SELECT id FROM lieu WHERE identifiant = ?");
    if (!q.bind(identifiant).step()) return {};
    id = q.integer(0);
  }
  std::vector<std::string> out;
  auto q = db.query("SELECT identifiant FROM lieu WHERE id <> ?1 AND id IN " SAME_ACCESS " ORDER BY identifiant");
  q.bind(id, model::to_iso(today));
  while (q.step()) out.push_back(q.text(0));
  return out;
}

std::vector<ConventionRow> list_conventions(sqlite::Connection& db, model::Day today, std::int64_t limit) {
  std::vector<std::int64_t> ids;
  {
    auto q = db.query("SELECT id FROM convention ORDER BY caf, numero LIMIT ?");
    q.bind(limit);
    while (q.step()) ids.push_back(q.integer(0));
  }
  std::vector<ConventionRow> out;
  out.reserve(ids.size());
  for (const std::int64_t id : ids) out.push_back(load_convention(db, id, today));
  return out;
}

std::vector<ConventionRow> find_conventions(sqlite::Connection& db, const std::string& numero, model::Day today) {
  const auto slash = numero.find('/');
  const std::string caf = slash == std::string::npos ? "" : numero.substr(0, slash);
  std::vector<std::int64_t> ids;
  {
    auto q = db.query("SELECT id FROM convention WHERE numero = ?1 AND (?2 = '' OR caf = ?2) ORDER BY caf");
    q.bind(slash == std::string::npos ? numero : numero.substr(slash + 1), caf);
    while (q.step()) ids.push_back(q.integer(0));
  }
  std::vector<ConventionRow> out;
  out.reserve(ids.size());
  for (const std::int64_t id : ids) out.push_back(load_convention(db, id, today));
  return out;
}

std::vector<InForce> in_force_of(const std::vector<model::Convention>& versions, model::Day today) {
  std::vector<InForce> out(versions.size());
  std::optional<model::Day> replaced_on;
  for (std::size_t i = versions.size(); i-- > 0;) {
    InForce& f = out[i];
    f.interval = model::in_force(versions[i], replaced_on);
    f.today = f.interval && f.interval->contains(today);
    if (!f.today) f.motif = why_not(versions[i], f.interval, today, replaced_on);
    if (const auto start = model::starts_on(versions[i])) {
      replaced_on = replaced_on ? std::min(*replaced_on, *start) : *start;
    }
  }
  return out;
}

}  // namespace navette::store
