// Conventions, their versions, lieux and persons.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "model/civil_time.h"
#include "store/store.h"

namespace navette::store {
namespace {

using model::AcheminementEvent;
using model::Convention;

std::int64_t rank_of(std::size_t i) {
  return static_cast<std::int64_t>(i);
}

std::string profile_of(const model::Channel& channel) {
  if (const auto* sftp = std::get_if<model::SftpChannel>(&channel)) return sftp->xml;
  if (const auto* mail = std::get_if<model::CourrielChannel>(&channel)) return mail->xml;
  return {};
}

// The latest version holds its lieux from its effect to its end: it may be suspended, or not activated yet. An older
// one holds them while it is in force. Columns: of tenure_from(), then lieu, caf, profile.
std::string tenures_where(std::string_view condition) {
  return fmt::format(
      "SELECT numero, version, iif(derniere, effet, en_vigueur_du) AS du, iif(derniere, fin, en_vigueur_au) AS au, "
      "identifiant, caf, profil FROM (SELECT c.numero, c.caf, l.identifiant, lv.profil, v.*, "
      "v.version = (SELECT max(w.version) FROM version w WHERE w.convention_id = c.id) AS derniere "
      "FROM lieu l JOIN lieu_version lv ON lv.lieu_id = l.id JOIN version v ON v.id = lv.version_id "
      "JOIN convention c ON c.id = v.convention_id WHERE {}) "
      "WHERE du IS NOT NULL AND (au IS NULL OR au >= du) ORDER BY identifiant, numero, version",
      condition);
}

Store::Tenure tenure_from(sqlite::Query& q) {
  return {q.text(0), static_cast<int>(q.integer(1)), {*day_from(q.text(2)), day_from(q.find_text(3))}};
}

std::string convention_object(const Convention& c) {
  return fmt::format("convention:{}/{}", c.caf, c.numero);
}

}  // namespace

std::vector<Convention> Store::convention_versions(const std::string& caf, const std::string& numero) {
  std::vector<RowId> ids;
  {
    auto q = db_.query(
        "SELECT v.id FROM version v JOIN convention c ON c.id = v.convention_id "
        "WHERE c.caf = ? AND c.numero = ? ORDER BY v.version");
    q.bind(caf, numero);
    while (q.step()) ids.push_back(q.integer(0));
  }
  std::vector<Convention> out;
  out.reserve(ids.size());
  for (const RowId id : ids) out.push_back(load_version(id));
  return out;
}

Convention Store::load_version(RowId version) {
  Convention c;
  {
    auto q = db_.query(
        "SELECT c.caf, c.numero, c.type, v.version, v.signee, v.effet, v.activee, v.suspendue, v.suspension_motif, "
        "v.fin_cause, v.fin_recue, v.fin, v.siret, v.partenaire, v.adresse, v.delai_retrait, v.conservation, v.cadence "
        "FROM version v JOIN convention c ON c.id = v.convention_id WHERE v.id = ?");
    if (!q.bind(version).step()) throw Error("no such version of a convention");
    c.caf = q.text(0);
    c.numero = q.text(1);
    c.kind = model::parse_convention_kind(q.text(2)).value_or(model::ConventionKind::lieu_information);
    c.version = static_cast<int>(q.integer(3));
    c.annexe.signed_on = *day_from(q.text(4));
    c.annexe.effective_from = *day_from(q.text(5));
    c.activated_on = day_from(q.find_text(6));
    if (const auto from = day_from(q.find_text(7))) c.suspension = model::Suspension{*from, q.text(8)};
    if (const auto cause = q.find_text(9)) {
      c.termination =
          model::Termination{model::parse_termination_cause(*cause).value_or(model::TerminationCause::commun_accord),
                             *day_from(q.text(10)), *day_from(q.text(11))};
    }
    c.annexe.partenaire = {q.text(12), q.text(13), q.text(14)};
    c.annexe.pickup_days = static_cast<int>(q.integer(15));
    c.annexe.retention_months = static_cast<int>(q.integer(16));
    c.annexe.cadence = cadence_from(q.text(17));
  }
  {
    auto q = db_.query("SELECT insee FROM annexe_commune WHERE version_id = ? ORDER BY rang");
    q.bind(version);
    while (q.step()) c.annexe.communes.push_back(q.text(0));
  }
  {
    auto q = db_.query(
        "SELECT numero, civilite, nom, prenom, courriel, role, du, au FROM personne WHERE version_id = ? ORDER BY "
        "rang");
    q.bind(version);
    while (q.step()) {
      c.annexe.personnes.push_back({q.text(0), q.text(1), q.text(2), q.text(3), q.text(4), q.text(5),
                                    *day_from(q.text(6)), day_from(q.find_text(7))});
    }
  }
  {
    auto q = db_.query(
        "SELECT identifiant, nom, type, commune, ouvertures FROM etablissement WHERE version_id = ? ORDER BY rang");
    q.bind(version);
    while (q.step()) {
      c.annexe.etablissements.push_back({q.text(0), q.text(1), q.text(2), q.text(3), text::split(q.text(4), ',')});
    }
  }
  {
    auto q = db_.query(
        "SELECT l.identifiant, v.nom, v.adresse, v.canal, v.profil, l.id FROM lieu_version v JOIN lieu l ON l.id = "
        "v.lieu_id "
        "WHERE v.version_id = ? ORDER BY v.rang");
    q.bind(version);
    while (q.step()) {
      model::Lieu lieu{q.text(0), q.text(1), q.text(2), {}, channel_from(q.text(3), q.text(4))};
      auto communes = db_.query("SELECT insee FROM lieu_commune WHERE version_id = ? AND lieu_id = ? ORDER BY rang");
      communes.bind(version, q.integer(5));
      while (communes.step()) lieu.communes.push_back(communes.text(0));
      c.annexe.lieux.push_back(std::move(lieu));
    }
  }
  return c;
}

std::string Store::convention_told_at(const std::string& caf, const std::string& numero) {
  auto q = db_.query("SELECT flux_cree FROM convention WHERE caf = ? AND numero = ?");
  return q.bind(caf, numero).step() ? q.text(0) : std::string{};
}

std::optional<Store::LieuOwner> Store::lieu_owner(const std::string& lieu, const std::string& except_convention) {
  LieuOwner owner;
  {
    auto q = db_.query("SELECT caf, siren FROM lieu WHERE identifiant = ?");
    if (!q.bind(lieu).step()) return std::nullopt;
    owner.caf = q.text(0);
    owner.siren = q.text(1);
  }
  static const std::string sql = tenures_where("l.identifiant = ?1 AND c.numero <> ?2");
  auto q = db_.query(sql.c_str());
  q.bind(lieu, except_convention);
  while (q.step()) {
    owner.tenures.push_back(tenure_from(q));
  }
  return owner;
}

std::vector<Store::SftpLieu> Store::sftp_lieux() {
  std::vector<SftpLieu> out;
  static const std::string sql = tenures_where("lv.canal = 'sftp'");
  auto q = db_.query(sql.c_str());
  while (q.step()) out.push_back({q.text(4), q.text(5), tenure_from(q), {q.text(6)}});
  return out;
}

RowId Store::lieu_id(const std::string& identifiant, const std::string& caf, const std::string& siren) {
  db_.query("INSERT OR IGNORE INTO lieu (identifiant, caf, siren) VALUES (?, ?, ?)")
      .bind(identifiant, caf, siren)
      .run();
  auto q = db_.query("SELECT id FROM lieu WHERE identifiant = ?");
  q.bind(identifiant).step();
  return q.integer(0);
}

RowId Store::insert_version(RowId convention, const Convention& c) {
  const model::Annexe& a = c.annexe;
  db_.query(
         "INSERT INTO version (convention_id, version, signee, effet, siret, partenaire, adresse, delai_retrait, "
         "conservation, "
         "cadence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(convention, c.version, model::to_iso(a.signed_on), model::to_iso(a.effective_from), a.partenaire.siret)
      .bind(a.partenaire.nom, a.partenaire.adresse, a.pickup_days, a.retention_months, to_string(a.cadence))
      .run();
  const RowId id = db_.last_insert_id();
  for (std::size_t i = 0; i < a.communes.size(); ++i) {
    db_.query("INSERT INTO annexe_commune (version_id, rang, insee) VALUES (?, ?, ?)")
        .bind(id, rank_of(i), a.communes[i])
        .run();
  }
  for (std::size_t i = 0; i < a.personnes.size(); ++i) {
    const model::Personne& p = a.personnes[i];
    db_.query(
           "INSERT INTO personne (version_id, rang, numero, civilite, nom, prenom, courriel, role, du, au) "
           "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(id, rank_of(i), p.numero, p.civilite, p.nom, p.prenom, p.courriel, p.role)
        .bind(model::to_iso(p.from), to_column(p.to))
        .run();
  }
  for (std::size_t i = 0; i < a.etablissements.size(); ++i) {
    const model::Etablissement& e = a.etablissements[i];
    db_.query(
           "INSERT INTO etablissement (version_id, rang, identifiant, nom, type, commune, ouvertures) VALUES (?, ?, ?, "
           "?, ?, ?, ?)")
        .bind(id, rank_of(i), e.identifiant, e.nom, e.type, e.commune, text::join(e.ouvertures, ","))
        .run();
  }
  for (std::size_t i = 0; i < a.lieux.size(); ++i) {
    const model::Lieu& l = a.lieux[i];
    const RowId lieu = lieu_id(l.identifiant, c.caf, a.partenaire.siret.substr(0, 9));
    db_.query(
           "INSERT INTO lieu_version (version_id, lieu_id, rang, nom, adresse, canal, profil) VALUES (?, ?, ?, ?, ?, "
           "?, ?)")
        .bind(id, lieu, rank_of(i), l.nom, l.adresse, kind_of(l.channel), profile_of(l.channel))
        .run();
    free_lieu(lieu);  // the avenant may be what mends its server's profile
    for (std::size_t k = 0; k < l.communes.size(); ++k) {
      db_.query("INSERT INTO lieu_commune (version_id, lieu_id, rang, insee) VALUES (?, ?, ?, ?)")
          .bind(id, lieu, rank_of(k), l.communes[k])
          .run();
    }
  }
  return id;
}

// R13: a departure closes the access in every version, whichever is in force.
void Store::close_departed(RowId convention, const std::vector<model::Personne>& personnes) {
  for (const model::Personne& p : personnes) {
    if (!p.to) continue;
    db_.query(
           "UPDATE personne SET au = ?1 WHERE numero = ?2 AND (au IS NULL OR au > ?1) "
           "AND version_id IN (SELECT id FROM version WHERE convention_id = ?3)")
        .bind(model::to_iso(*p.to), p.numero, convention)
        .run();
  }
}

void Store::apply_convention(const ConventionChange& change, Instant now) {
  const Convention& c = change.convention;
  db_.query("INSERT OR IGNORE INTO convention (caf, numero, type) VALUES (?, ?, ?)")
      .bind(c.caf, c.numero, model::to_string(c.kind))
      .run();
  RowId id = 0;
  {
    auto q = db_.query("SELECT id FROM convention WHERE caf = ? AND numero = ?");
    q.bind(c.caf, c.numero).step();
    id = q.integer(0);
  }
  db_.query("UPDATE convention SET flux_cree = ? WHERE id = ?").bind(change.created, id).run();
  if (change.unchanged) return;
  const bool was_suspended = is_suspended(id);
  if (change.new_version) insert_version(id, c);
  db_.query("UPDATE version SET activee = ? WHERE convention_id = ? AND version = ?")
      .bind(to_column(c.activated_on), id, c.version)
      .run();
  // A suspension and an end are the convention's, not one version's.
  const auto& s = c.suspension;
  const auto& t = c.termination;
  db_.query(
         "UPDATE version SET suspendue = ?, suspension_motif = ?, fin_cause = ?, fin_recue = ?, fin = ? WHERE "
         "convention_id = ?")
      .bind(s ? std::optional(model::to_iso(s->from)) : std::nullopt, s ? std::optional(s->motif) : std::nullopt,
            t ? std::optional(model::to_string(t->cause)) : std::nullopt)
      .bind(t ? std::optional(model::to_iso(t->received_on)) : std::nullopt,
            t ? std::optional(model::to_iso(t->last_day)) : std::nullopt, id)
      .run();
  close_departed(id, c.annexe.personnes);
  // A departure recorded before holds in an avenant that forgot it; a later beginning is a new habilitation.
  db_.query(
         "UPDATE personne SET au = (SELECT min(o.au) FROM personne o JOIN version v ON v.id = o.version_id "
         "WHERE v.convention_id = ?1 AND o.numero = personne.numero AND o.au >= personne.du) "
         "WHERE version_id = (SELECT id FROM version WHERE convention_id = ?1 AND version = ?2) AND EXISTS "
         "(SELECT 1 FROM personne o JOIN version v ON v.id = o.version_id "
         "WHERE v.convention_id = ?1 AND o.numero = personne.numero AND o.au >= personne.du)")
      .bind(id, c.version)
      .run();
  refresh_in_force(id);
  schedule_reopening(id, change.opened, model::paris_day(now));
  if (was_suspended && !s) revive_after_suspension(id);
  // Whom a notification did not reach may be reached now: persons and addresses come with a convention.
  db_.query(
         "UPDATE notification INDEXED BY notification_due SET retenue = 0, prochaine = ?2 "
         "WHERE etat = 'a-envoyer' AND retenue = 1 AND ?1 = "
         "(SELECT v.convention_id FROM remise r JOIN version v ON v.id = coalesce(r.livree_par, r.version_id) "
         "WHERE r.id = remise_id)")
      .bind(id, to_column(now))
      .run();
  trace(now, change.new_version ? "convention.version" : "convention.suivi", convention_object(c),
        fmt::format("version={} activee={} suspendue={} fin={}", c.version,
                    c.activated_on ? model::to_iso(*c.activated_on) : "-", s ? model::to_iso(s->from) : "-",
                    t ? model::to_iso(t->last_day) : "-"));
}

bool Store::is_suspended(RowId convention) {
  return db_.query("SELECT 1 FROM version WHERE convention_id = ? AND suspendue IS NOT NULL").bind(convention).step();
}

// The lieu was entitled when the demandes were routed to it: what its suspension cancelled leaves after all, unless
// something else has taken the right (looked at before each packing and delivery).
void Store::revive_after_suspension(RowId convention) {
  std::vector<RowId> cancelled;
  {
    auto q = db_.query(
        "SELECT a.id FROM version v JOIN acheminement a ON a.version_id = v.id WHERE v.convention_id = ? "
        "AND a.etat = 'annule'");
    q.bind(convention);
    while (q.step()) cancelled.push_back(q.integer(0));
  }
  for (const RowId id : cancelled) set_acheminement(id, AcheminementEvent::reopened);
}

void Store::refresh_in_force(RowId convention) {
  std::vector<RowId> ids;
  {
    auto q = db_.query("SELECT id FROM version WHERE convention_id = ? ORDER BY version DESC");
    q.bind(convention);
    while (q.step()) ids.push_back(q.integer(0));
  }
  std::optional<model::Day> replaced_on;
  for (const RowId id : ids) {
    const Convention version = load_version(id);
    const auto interval = model::in_force(version, replaced_on);
    db_.query("UPDATE version SET en_vigueur_du = ?, en_vigueur_au = ? WHERE id = ?")
        .bind(interval ? std::optional(model::to_iso(interval->from)) : std::nullopt,
              interval ? to_column(interval->to) : std::nullopt, id)
        .run();
    if (const auto start = model::starts_on(version))
      replaced_on = replaced_on ? std::min(*replaced_on, *start) : *start;
  }
}

void Store::schedule_reopening(RowId convention, const std::vector<std::string>& codes, model::Day today) {
  std::vector<std::string> days;
  {
    auto q = db_.query("SELECT en_vigueur_du FROM version WHERE convention_id = ? AND en_vigueur_du IS NOT NULL");
    q.bind(convention);
    while (q.step()) days.push_back(std::max(q.text(0), model::to_iso(today)));
  }
  for (const std::string& day : days) {
    for (const std::string& code : codes) {
      db_.query("INSERT OR IGNORE INTO reexamen (jour, insee) VALUES (?, ?)").bind(day, code).run();
    }
  }
}

}  // namespace navette::store
