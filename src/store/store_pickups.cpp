// Pickup (retrait) of remises by their lieux: what proves it, and what is still waited for.
#include <algorithm>

#include <fmt/format.h>

#include "model/civil_time.h"
#include "store/store.h"

namespace navette::store {
namespace {

// As long as a lieu may keep anything (R6). What is gone later was destroyed, not picked up.
constexpr auto longest_kept = std::chrono::days(184);
// So long after a pickup was seen an acknowledgement that says by whom is still looked for.
constexpr auto named_within = std::chrono::days(30);
// Of one lieu that are looked for at a time.
constexpr std::int64_t most_demandes = 10'000;

}  // namespace

std::optional<PickupSubject> Store::pickup_subject(const std::string& remise_name) {
  auto q = db_.query(
      "SELECT r.id, l.identifiant, l.caf, r.etat = 'livree', r.retrait_personne IS NOT NULL, r.premiere_tentative "
      "FROM remise r JOIN lieu l ON l.id = r.lieu_id WHERE r.nom = ?");
  if (!q.bind(remise_name).step()) return std::nullopt;
  PickupSubject s{q.integer(0), q.text(1), q.text(2), q.integer(3) != 0, q.integer(4) != 0, std::nullopt};
  s.first_attempt = instant_from(q.find_integer(5));
  return s;
}

// As for notifications: persons of the version in force that day, of the one that it was delivered by when none is
// (R8).
bool Store::is_habilitated(RowId remise, const std::string& personne, model::Day day) {
  auto q = db_.query(
      "SELECT 1 FROM remise r JOIN version v ON v.id = coalesce(r.livree_par, r.version_id) "
      "JOIN personne p ON p.version_id = "
      "coalesce((SELECT w.id FROM version w WHERE w.convention_id = v.convention_id AND w.en_vigueur_du <= ?3 AND "
      "(w.en_vigueur_au IS NULL OR w.en_vigueur_au >= ?3) ORDER BY w.version DESC LIMIT 1), v.id) "
      "WHERE r.id = ?1 AND p.numero = ?2 AND p.du <= ?3 AND (p.au IS NULL OR p.au >= ?3)");
  return q.bind(remise, personne, model::to_iso(day)).step();
}

bool Store::knows_lieu(const std::string& identifiant) {
  return db_.query("SELECT 1 FROM lieu WHERE identifiant = ?").bind(identifiant).step();
}

std::vector<AwaitingLieu> Store::awaiting_lieux(Instant now, Instant before) {
  std::vector<AwaitingLieu> out;
  auto q = db_.query(
      "SELECT l.id, l.identifiant, lv.version_id, lv.canal, lv.profil, max(r.sans_personne), lv.profil <> "
      "coalesce((SELECT o.profil FROM lieu_version o JOIN version v ON v.id = o.version_id WHERE o.lieu_id = l.id AND "
      "v.en_vigueur_du <= ?5 AND (v.en_vigueur_au IS NULL OR v.en_vigueur_au >= ?5) ORDER BY v.id DESC LIMIT 1), ''), "
      "(SELECT max(g.echoue_le) FROM regard g WHERE g.lieu_id = l.id AND g.version_id = r.via), "
      "l.relance_le "
      "FROM "
      "(SELECT lieu_id, coalesce(livree_par, version_id) AS via, 0 AS sans_personne FROM remise WHERE etat = 'livree' "
      "AND retiree_le IS NULL AND livree_le > ?1 AND livree_le <= ?2 UNION SELECT lieu_id, coalesce(livree_par, "
      "version_id), 1 FROM remise WHERE etat = 'livree' AND retrait_personne IS NULL AND retiree_le > ?4) r "
      "JOIN lieu l ON l.id = r.lieu_id JOIN lieu_version lv ON lv.version_id = r.via AND lv.lieu_id = l.id "
      "WHERE (r.sans_personne = 0 OR instr(lv.profil, '<repertoireRetour>') > 0) "
      "AND l.suspendu IS NULL AND l.retenu = 0 AND l.prochaine <= ?3 GROUP BY l.id, lv.version_id "
      "ORDER BY l.id, lv.version_id");
  q.bind(to_column(now - longest_kept), to_column(before), to_column(now), to_column(now - named_within),
         model::to_iso(model::paris_day(now)));
  while (q.step()) {
    out.push_back({q.integer(0), q.text(1), q.integer(2), channel_from(q.text(3), q.text(4)), q.integer(5) != 0,
                   q.integer(6) != 0, instant_from(q.find_integer(7)), instant_from(q.find_integer(8))});
  }
  return out;
}

// Delivered and not picked up, withdrawn, or begun by an attempt.
std::vector<Store::SftpLieu> Store::sftp_lieux_with_remises(Instant now) {
  std::vector<SftpLieu> out;
  auto q = db_.query(
      "SELECT DISTINCT l.identifiant, l.caf, lv.profil FROM remise r JOIN lieu l ON l.id = r.lieu_id "
      "JOIN lieu_version lv ON lv.lieu_id = l.id AND lv.version_id = coalesce(r.livree_par, r.tentee_par) "
      "WHERE lv.canal = 'sftp' AND (r.etat = 'a-rappeler' OR (r.etat IN ('prete', 'retenue') AND r.tentee_par IS NOT "
      "NULL) OR (r.etat = 'livree' AND r.retiree_le IS NULL AND r.livree_le > ?1)) ORDER BY l.identifiant");
  q.bind(to_column(now - longest_kept));
  while (q.step()) out.push_back({q.text(0), q.text(1), {}, {q.text(2)}});
  return out;
}

std::vector<AwaitedRemise> Store::awaited_remises(const AwaitingLieu& lieu, bool flat, Instant now, Instant before) {
  std::vector<AwaitedRemise> out;
  {
    auto q = db_.query(
        "SELECT r.id, r.nom, r.nombre FROM remise r JOIN lieu l ON l.id = r.lieu_id WHERE r.lieu_id = ?1 AND r.etat = "
        "'livree' AND r.retiree_le IS NULL AND r.livree_le > ?2 AND r.livree_le <= ?3 "
        "AND coalesce(r.livree_par, r.version_id) = ?4 AND l.suspendu IS NULL AND l.retenu = 0 AND l.prochaine <= ?5 "
        // A further issue of it that has begun to leave may replace its files, in a directory of all remises.
        "AND (?6 = 0 OR NOT EXISTS (SELECT 1 FROM remise n WHERE n.lieu_id = r.lieu_id AND n.etat IN ('prete', "
        "'retenue') AND "
        "n.tentee_par IS NOT NULL AND n.reemise_de = coalesce(r.reemise_de, r.id))) "
        "ORDER BY r.livree_le DESC");
    q.bind(lieu.lieu, to_column(now - longest_kept), to_column(before), lieu.via, to_column(now), flat);
    std::int64_t demandes = 0;
    while (demandes < most_demandes && q.step()) {
      out.push_back({q.integer(0), q.text(1), {}});
      demandes += q.integer(2);
    }
  }
  for (AwaitedRemise& r : out) {
    auto q = db_.query(
        "SELECT nom, genre, taille FROM remise_fichier WHERE remise_id = ? AND genre IN ('pdf', 'xml') ORDER BY rang");
    q.bind(r.id);
    while (q.step()) {
      const auto kind = q.text(1) == "pdf" ? model::FileKind::pdf : model::FileKind::xml;
      r.documents.push_back({q.text(0), kind, static_cast<std::uint64_t>(q.integer(2)), {}, {}, {}});
    }
  }
  return out;
}

void Store::note_look(const AwaitingLieu& lieu, const std::string& place, const std::vector<std::string>& faults,
                      const model::ReturnMarks& marks, std::optional<Instant> failed) {
  const bool failed_before =
      db_.query("SELECT 1 FROM regard WHERE lieu_id = ? AND version_id = ?").bind(lieu.lieu, lieu.via).step();
  if (faults.empty() && !failed_before && marks == return_marks(lieu.lieu, place)) return;  // most looks write nothing
  sqlite::Transaction transaction(db_);
  db_.query("DELETE FROM regard WHERE lieu_id = ? AND version_id = ?").bind(lieu.lieu, lieu.via).run();
  for (const std::string& fault : faults) {
    db_.query("INSERT OR IGNORE INTO regard VALUES (?, ?, ?, ?)")
        .bind(lieu.lieu, lieu.via, fault, failed ? std::optional(to_column(*failed)) : std::nullopt)
        .run();
  }
  db_.query("DELETE FROM retour WHERE lieu_id = ? AND endroit = ?").bind(lieu.lieu, place).run();
  const auto keep = [&](const std::set<std::string>& some, bool brought) {
    for (const std::string& mark : some) {
      db_.query("INSERT OR REPLACE INTO retour VALUES (?, ?, ?, ?)").bind(lieu.lieu, place, mark, brought).run();
    }
  };
  keep(marks.failed, false);
  keep(marks.brought, true);
  transaction.commit();
}

model::ReturnMarks Store::return_marks(RowId lieu, const std::string& place) {
  model::ReturnMarks marks;
  auto q = db_.query("SELECT marque, apporte FROM retour WHERE lieu_id = ? AND endroit = ?");
  q.bind(lieu, place);
  while (q.step()) (q.integer(1) != 0 ? marks.brought : marks.failed).insert(q.text(0));
  return marks;
}

void Store::forget_other_looks(const std::vector<AwaitingLieu>& lieux) {
  std::vector<std::pair<RowId, RowId>> others;
  {
    auto q = db_.query("SELECT DISTINCT lieu_id, version_id FROM regard");
    while (q.step()) {
      const std::pair<RowId, RowId> place{q.integer(0), q.integer(1)};
      if (std::none_of(lieux.begin(), lieux.end(),
                       [&](const AwaitingLieu& l) { return std::pair(l.lieu, l.via) == place; }))
        others.push_back(place);
    }
  }
  if (others.empty()) return;
  sqlite::Transaction transaction(db_);
  for (const auto& [lieu, via] : others) {
    db_.query("DELETE FROM regard WHERE lieu_id = ? AND version_id = ?").bind(lieu, via).run();
  }
  transaction.commit();
}

std::vector<std::string> Store::look_faults() {
  std::vector<std::string> out;
  auto q = db_.query(
      "SELECT DISTINCT 'pickups of ' || l.identifiant || ': ' || g.faute FROM regard g JOIN lieu l ON l.id = g.lieu_id "
      "ORDER BY 1");
  while (q.step()) out.push_back(q.text(0));
  return out;
}

void Store::apply_pickups(const std::vector<PickedUp>& pickups, Instant now) {
  sqlite::Transaction transaction(db_);
  for (const PickedUp& p : pickups) set_picked_up(p, now);
  transaction.commit();
}

void Store::set_picked_up(const PickedUp& p, Instant now) {
  const auto personne = p.personne.empty() ? std::nullopt : std::optional(p.personne);
  const std::string evidence = to_string(p.evidence);
  db_.query(
         "UPDATE remise SET retiree_le = ?, retrait_preuve = ?, retrait_personne = ? WHERE id = ? AND etat = 'livree' "
         "AND retiree_le IS NULL")
      .bind(to_column(p.at), evidence, personne, p.remise)
      .run();
  const bool first = db_.changes() > 0;
  if (!first) {
    if (!personne) return;
    db_.query("UPDATE remise SET retrait_personne = ? WHERE id = ? AND etat = 'livree' AND retrait_personne IS NULL")
        .bind(personne, p.remise)
        .run();
    if (db_.changes() == 0) return;
  } else {
    db_.query(
           "UPDATE echeance SET etat = CASE WHEN jour >= ? THEN 'tenue' ELSE 'depassee' END WHERE remise_id = ? AND "
           "genre = 'retrait' AND etat IN ('ouverte', 'sans-preuve')")
        .bind(model::to_iso(model::paris_day(p.at)), p.remise)
        .run();
  }
  trace(now, first ? "remise.retiree" : "remise.retrait-accuse", remise_object(p.remise),
        fmt::format("preuve={} le={}{}{}{}{}", evidence, model::to_iso_utc(p.at), personne ? " personne=" : "",
                    personne.value_or(""), p.detail.empty() ? "" : " ", p.detail));
}

LogPosition Store::log_position(const std::string& file) {
  auto q = db_.query("SELECT inode, position FROM journal WHERE fichier = ?");
  if (!q.bind(file).step()) return {file, 0, 0};
  return {file, static_cast<std::uint64_t>(q.integer(0)), static_cast<std::uint64_t>(q.integer(1))};
}

void Store::apply_log(const LogPosition& position, const std::vector<LogEvent>& events, Instant now) {
  sqlite::Transaction transaction(db_);
  for (const LogEvent& event : events) {
    if (const auto* opened = std::get_if<SessionOpened>(&event)) {
      db_.query("INSERT OR REPLACE INTO journal_session (pid, compte) VALUES (?, ?)")
          .bind(opened->pid, opened->account)
          .run();
    } else if (const auto* closed = std::get_if<SessionClosed>(&event)) {
      db_.query("DELETE FROM journal_session WHERE pid = ?").bind(closed->pid).run();
    } else {
      apply_read(std::get<FileRead>(event), now);
    }
  }
  db_.query(
         "INSERT INTO journal (fichier, inode, position) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET inode = "
         "excluded.inode, position = excluded.position")
      .bind(position.file, static_cast<std::int64_t>(position.inode), static_cast<std::int64_t>(position.offset))
      .run();
  transaction.commit();
}

// Counts only what the account of the remise's own lieu read, and read to its last byte.
void Store::apply_read(const FileRead& read, Instant now) {
  RowId remise = 0;
  std::optional<Instant> delivered;
  {
    auto q = db_.query(
        "SELECT r.id, r.livree_le FROM journal_session s JOIN lieu l ON l.identifiant = s.compte JOIN remise r ON "
        "r.lieu_id = l.id WHERE s.pid = ? AND r.nom = ?");
    if (!q.bind(read.pid, read.remise).step()) return;
    remise = q.integer(0);
    delivered = instant_from(q.find_integer(1));
  }
  db_.query(
         "UPDATE remise_fichier SET lu = 1 WHERE remise_id = ? AND nom = ? AND taille = ? AND genre IN ('pdf', "
         "'xml') AND lu = 0")
      .bind(remise, read.file, static_cast<std::int64_t>(read.bytes))
      .run();
  if (db_.changes() == 0) return;
  const Instant at = std::min(read.at.value_or(now), now);
  conclude_reads(remise, delivered ? std::max(at, *delivered) : at, now);
}

// Picked up once of every demande the PDF or the XML was read whole: both say the same (R2).
void Store::conclude_reads(RowId remise, Instant at, Instant now) {
  const auto some = [&](const char* sql) { return db_.query(sql).bind(remise).step(); };
  const bool complete =
      some("SELECT 1 FROM remise_fichier WHERE remise_id = ? AND lu = 1") &&
      !some(
          "SELECT 1 FROM remise_fichier f WHERE f.remise_id = ? AND f.genre = 'pdf' AND NOT EXISTS (SELECT 1 FROM "
          "remise_fichier g WHERE g.remise_id = f.remise_id AND g.demande_id = f.demande_id AND g.lu = 1)");
  if (complete) set_picked_up({remise, model::PickupEvidence::log, at, {}, {}}, now);
}

}  // namespace navette::store
