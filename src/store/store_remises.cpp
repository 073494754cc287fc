// Remises on their way: delivery, withdrawal, taking apart.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "model/civil_time.h"
#include "store/shared_sql.h"
#include "store/store.h"

namespace navette::store {
namespace {

using model::AcheminementEvent;
using model::RemiseEvent;

model::FileKind kind_from(const std::string& name) {
  if (name == "pdf") return model::FileKind::pdf;
  if (name == "xml") return model::FileKind::xml;
  return name == "bordereau" ? model::FileKind::cover_sheet : model::FileKind::manifest;
}

// Attempts, or failures, farther apart are of two series: a lieu was suspended, nothing was due, navette stood still.
// Between two of one series lies an hour, or the hours in which the partner lets nobody in.
constexpr auto longest_pause = std::chrono::days(2);

}  // namespace

std::string Store::remise_object(RowId remise) {
  auto q = db_.query("SELECT nom FROM remise WHERE id = ?");
  if (!q.bind(remise).step()) throw Error("no such remise");
  return "remise:" + q.text(0);
}

std::vector<DueRemise> Store::due_remises(Instant now, const DueFilter& filter) {
  std::vector<DueRemise> out;
  {
    auto q = db_.query(
        "SELECT r.id, r.nom, r.lieu_id, l.identifiant, iif(there.place <> lv.place, there.canal, lv.canal), "
        "iif(there.place <> lv.place, there.profil, lv.profil), r.tentatives, "
        "iif(r.derniere_tentative > ?3, r.premier_echec, NULL), l.echecs, "
        "iif(l.erreur_le > ?3, l.premier_echec, NULL), r.etat = 'a-rappeler', r.reemise_de, "
        "iif(there.place <> lv.place, there.version_id, lv.version_id), "
        "coalesce((SELECT p.nom FROM remise p WHERE p.id = r.reemise_de), ''), r.tentee_par IS NOT NULL, "
        "coalesce(there.place <> lv.place, 0), r.etat = 'a-rappeler' AND r.livree_le IS NOT NULL AND r.retiree_le "
        "IS NULL AND r.rappel_entame = 0 AND (there.canal <> 'sftp' OR instr(there.profil, '<creationRepertoire>true<') > "
        "0 OR NOT EXISTS (SELECT 1 FROM remise n WHERE n.lieu_id = r.lieu_id AND n.rappel_entame = 1 AND "
        "coalesce(n.reemise_de, n.id) = coalesce(r.reemise_de, r.id))) FROM "
        "(SELECT id FROM remise WHERE etat = 'prete' AND prochaine <= ?1 UNION ALL "
        "SELECT id FROM remise WHERE etat = 'a-rappeler' AND prochaine <= ?1) due JOIN remise r ON r.id = due.id "
        "JOIN lieu l ON l.id = r.lieu_id JOIN lieu_version lv ON lv.lieu_id = l.id AND lv.version_id = coalesce("
        VERSION_IN_FORCE("r.lieu_id", "?2") ", r.version_id) "
        "LEFT JOIN lieu_version there ON there.lieu_id = r.lieu_id AND there.version_id = "
        "coalesce(iif(r.etat = 'a-rappeler', r.livree_par, NULL), r.tentee_par) "
        "WHERE (l.suspendu IS NULL OR r.etat = 'a-rappeler') AND ((l.retenu = 0 AND l.prochaine <= ?1) "
        "OR " WITHDRAWN_MAIL
        ") "
        // Where little is tried at a time, what was tried often lets the others go first: it may fail for itself.
        "ORDER BY l.echecs > 0, iif(l.echecs > 0, r.tentatives, 0), r.prochaine, r.id");
    q.bind(to_column(now), model::to_iso(model::paris_day(now)), to_column(now - longest_pause));
    std::size_t local = 0;
    std::size_t remote = 0;
    while (local + remote < filter.local + filter.remote && q.step()) {
      const bool is_local = q.text(4) == model::kind_of(model::DepotChannel{});
      if (is_local ? local == filter.local : remote == filter.remote) continue;
      DueRemise r;
      r.id = q.integer(0);
      r.name = q.text(1);
      r.lieu = q.integer(2);
      r.lieu_identifiant = q.text(3);
      r.channel = channel_from(q.text(4), q.text(5));
      r.attempts = static_cast<int>(q.integer(6));
      r.failing_since = instant_from(q.find_integer(7));
      r.recall = q.integer(10) != 0;
      r.first_issue = q.find_integer(11).value_or(r.id);
      r.reissue_of = q.text(13);
      r.via = q.integer(12);
      r.tried = q.integer(14) != 0;
      r.moved = q.integer(15) != 0;
      r.untouched = q.integer(16) != 0;
      r.partner_failures = static_cast<int>(q.integer(8));
      r.partner_failing_since = instant_from(q.find_integer(9));
      if (filter.wanted && !filter.wanted(r)) continue;
      ++(is_local ? local : remote);
      out.push_back(std::move(r));
    }
  }
  for (DueRemise& r : out) {
    auto q = db_.query(
        "SELECT f.nom, f.genre, f.taille, f.sha256, coalesce(d.emetteur, ''), coalesce(d.reference, ''), "
        "f.arrive OR r.livree_le IS NOT NULL FROM remise_fichier f JOIN remise r ON r.id = f.remise_id "
        "LEFT JOIN demande d ON d.id = f.demande_id WHERE f.remise_id = ? ORDER BY f.rang");
    q.bind(r.id);
    while (q.step()) {
      r.files.push_back(
          {q.text(0), kind_from(q.text(1)), static_cast<std::uint64_t>(q.integer(2)), q.text(3), q.text(4), q.text(5)});
      if (q.integer(6) != 0) r.arrived.insert(q.text(0));
    }
  }
  return out;
}

void Store::put_off(RowId lieu, Instant until, Instant now) {
  sqlite::Transaction transaction(db_);
  db_.query("UPDATE lieu SET prochaine = ?3, attend_par = " VERSION_IN_FORCE("lieu.id", "?2") " WHERE id = ?1")
      .bind(lieu, model::to_iso(model::paris_day(now)), to_column(until))
      .run();
  transaction.commit();
}

void Store::free_lieu(RowId lieu) {
  db_.query("UPDATE lieu SET prochaine = 0, echecs = 0, premier_echec = NULL, retenu = 0, portee = 'lieu' WHERE id = ?")
      .bind(lieu)
      .run();
}

void Store::free_lieux_served_anew(Instant now) {
  std::vector<RowId> lieux;
  {
    auto q = db_.query(
        "SELECT id FROM lieu WHERE (retenu = 1 OR echecs > 0 OR prochaine > ?1) AND attend_par IS NOT "
        "coalesce(" VERSION_IN_FORCE("lieu.id", "?2") ", attend_par)");
    q.bind(to_column(now), model::to_iso(model::paris_day(now)));
    while (q.step()) lieux.push_back(q.integer(0));
  }
  if (lieux.empty()) return;
  sqlite::Transaction transaction(db_);
  for (const RowId lieu : lieux) free_lieu(lieu);
  transaction.commit();
}

void Store::end_former_attempts() {
  std::vector<RowId> remises;
  {
    auto q = db_.query("SELECT id FROM remise WHERE etat IN ('prete', 'retenue', 'a-rappeler') AND en_cours = 1");
    while (q.step()) remises.push_back(q.integer(0));
  }
  if (remises.empty()) return;
  sqlite::Transaction transaction(db_);
  for (const RowId id : remises) db_.query("UPDATE remise SET en_cours = 0 WHERE id = ?").bind(id).run();
  transaction.commit();
}

// And what else failed with its access. Lieux that failed for themselves go on waiting.
void Store::free_partner(RowId lieu, Instant now) {
  db_.query(
         "UPDATE lieu SET prochaine = 0, echecs = 0, premier_echec = NULL, retenu = 0, portee = 'lieu' "
         "WHERE portee = 'acces' AND id IN " SAME_ACCESS)
      .bind(lieu, model::to_iso(model::paris_day(now)))
      .run();
  free_lieu(lieu);
}

// Attempts that went on at the same time fail as one: none of them counts twice, shortens a wait or ends a hold.
void Store::partner_failed(RowId lieu, model::Scope scope, const DeliveryOutcome& o, const std::string& reason) {
  Instant began = o.at;  // it may have become another day since, and the version another
  if (o.begun) {
    auto q = db_.query("SELECT derniere_tentative FROM remise WHERE id = ?");
    if (q.bind(o.remise).step()) began = instant_from(q.find_integer(0)).value_or(o.at);
  }
  const bool access = scope == model::Scope::access || scope == model::Scope::mail_server;
  db_.query(
         "UPDATE lieu SET echecs = max(echecs, ?3), premier_echec = iif(erreur_le > ?9, coalesce(premier_echec, ?4), "
         "?4), "
         "derniere_erreur = ?5, erreur_le = ?4, portee = iif(retenu = 1, portee, ?6), retenu = max(retenu, ?7), "
         "prochaine = max(prochaine, ?8), attend_par = " VERSION_IN_FORCE("lieu.id", "?10") " "
         "WHERE id = ?1 OR (?6 = 'acces' AND id IN " SAME_ACCESS ")")
      .bind(lieu, model::to_iso(model::paris_day(o.at)), o.failures, to_column(o.at), reason)
      .bind(access ? "acces" : "lieu", std::int64_t{o.next_attempt ? 0 : 1},
            o.next_attempt ? to_column(*o.next_attempt) : std::int64_t{0}, to_column(o.at - longest_pause))
      .bind(model::to_iso(model::paris_day(began)))
      .run();
}

std::vector<DueAcheminement> Store::acheminements_of(RowId remise) {
  std::vector<DueAcheminement> out;
  {
    auto q = db_.query(
        "SELECT a.id, a.demande_id, d.emetteur, d.reference, d.retenue IS NOT NULL FROM acheminement a "
        "JOIN demande d ON d.id = a.demande_id WHERE a.remise_id = (SELECT coalesce(reemise_de, id) FROM remise WHERE "
        "id = ?) ORDER BY a.demande_id");
    q.bind(remise);
    while (q.step()) out.push_back({q.integer(0), q.integer(1), q.text(2), q.text(3), {}, q.integer(4) != 0});
  }
  for (DueAcheminement& a : out) a.communes = communes_of(a.demande);
  return out;
}

std::set<RowId> Store::begin_attempts(const std::vector<RowId>& remises, Instant now) {
  std::set<RowId> begun;
  sqlite::Transaction transaction(db_);
  for (const RowId id : remises) {
    db_.query(
           "UPDATE remise SET tentatives = tentatives + 1, premiere_tentative = coalesce(premiere_tentative, ?1), "
           "derniere_tentative = ?1, en_cours = 1, tentee_par = coalesce("
           VERSION_IN_FORCE("remise.lieu_id", "?3") ", version_id) WHERE id = ?2 AND etat = 'prete' AND NOT EXISTS "
           "(SELECT 1 FROM lieu l WHERE l.id = remise.lieu_id AND l.suspendu IS NOT NULL) AND NOT EXISTS "
           "(SELECT 1 FROM acheminement a JOIN demande d ON d.id = a.demande_id WHERE a.remise_id = "
           "coalesce(remise.reemise_de, remise.id) AND d.retenue IS NOT NULL)")
        .bind(to_column(now), id, model::to_iso(model::paris_day(now)))
        .run();
    if (db_.changes() == 0) continue;
    begun.insert(id);
    trace(now, "remise.tentative", remise_object(id));
  }
  transaction.commit();
  return begun;
}

void Store::abandon_attempt(RowId remise, bool tried, Instant now) {
  sqlite::Transaction transaction(db_);
  db_.query(
         "UPDATE remise SET tentatives = tentatives - 1, en_cours = 0, tentee_par = iif(?, tentee_par, NULL) WHERE id "
         "= ? AND en_cours = 1")
      .bind(std::int64_t{tried ? 1 : 0}, remise)
      .run();
  conclude_idle_recall(remise, now);
  transaction.commit();
}

void Store::set_arrived(RowId remise, const std::vector<std::string>& files) {
  for (const std::string& name : files)
    db_.query("UPDATE remise_fichier SET arrive = 1 WHERE remise_id = ? AND nom = ?").bind(remise, name).run();
}

void Store::note_arrived(RowId remise, const std::vector<std::string>& files) {
  if (files.empty()) return;
  sqlite::Transaction transaction(db_);
  set_arrived(remise, files);
  transaction.commit();
}

void Store::begin_taking_apart(const std::vector<RowId>& remises) {
  if (remises.empty()) return;
  sqlite::Transaction transaction(db_);
  for (const RowId id : remises) db_.query("UPDATE remise_fichier SET arrive = 0 WHERE remise_id = ?").bind(id).run();
  transaction.commit();
}

void Store::begin_recalls(const std::vector<RowId>& remises) {
  if (remises.empty()) return;
  sqlite::Transaction transaction(db_);
  for (const RowId id : remises)
    db_.query("UPDATE remise SET rappel_entame = 1 WHERE id = ? AND rappel_entame = 0").bind(id).run();
  transaction.commit();
}

void Store::forget_attempts_place(RowId remise, const std::string& why, Instant now) {
  db_.query(
         "UPDATE remise SET tentee_par = NULL, prochaine = ?, motif = iif(retenue_operateur = 1, motif, NULL) WHERE id "
         "= ?")
      .bind(to_column(now), remise)
      .run();
  db_.query("UPDATE remise_fichier SET arrive = 0 WHERE remise_id = ?").bind(remise).run();
  trace(now, "remise.reste-efface", remise_object(remise), why);
}

void Store::apply_cleared(RowId remise, Instant now) {
  sqlite::Transaction transaction(db_);
  if (!db_.query("SELECT 1 FROM remise WHERE id = ? AND tentee_par IS NOT NULL").bind(remise).step()) return;
  forget_attempts_place(remise, {}, now);
  transaction.commit();
}

// An event that does not apply changes nothing.
void Store::set_remise(RowId id, RemiseEvent event, const std::string& reason) {
  auto q = db_.query("SELECT etat FROM remise WHERE id = ?");
  if (!q.bind(id).step()) throw Error("no such remise");
  const auto state = model::next(model::parse_remise_state(q.text(0)), event);
  if (!state) return;
  db_.query("UPDATE remise SET etat = ?, motif = ? WHERE id = ?")
      .bind(to_string(*state), reason.empty() ? std::nullopt : std::optional(reason), id)
      .run();
}

// Whatever an operator changed meanwhile: the bytes are with the lieu, and that is what counts. Said twice, the first
// time counts, R6 runs from there: false.
bool Store::set_delivered(RowId remise, const std::string& facts, std::optional<RowId> via, Instant at, Instant now) {
  db_.query(
         "UPDATE remise SET etat = 'livree', motif = NULL, livree_le = ?, faits = ?, livree_par = ? WHERE id = ? AND "
         "etat <> 'livree'")
      .bind(to_column(at), facts, via, remise)
      .run();
  if (db_.changes() == 0) return false;
  const std::string object = remise_object(remise);
  for (const DueAcheminement& a : acheminements_of(remise)) {
    set_acheminement(a.id, AcheminementEvent::delivered);
    trace(now, "demande.remise", demande_object(a.demande), object);
  }
  db_.query("INSERT OR IGNORE INTO notification (remise_id, etat, prochaine) VALUES (?, 'a-envoyer', ?)")
      .bind(remise, to_column(now))
      .run();
  trace(now, "remise.livree", object, facts);
  return true;
}

void Store::apply_deliveries(const std::vector<DeliveryOutcome>& outcomes) {
  sqlite::Transaction transaction(db_);
  for (const DeliveryOutcome& o : outcomes) {
    const std::string object = remise_object(o.remise);
    db_.query("UPDATE remise SET en_cours = 0, tentee_par = iif(?1, NULL, tentee_par) WHERE id = ?2 AND en_cours >= ?3")
        .bind(std::int64_t{o.left_nothing ? 1 : 0}, o.remise, std::int64_t{o.begun ? 1 : 0})
        .run();
    if (db_.changes() == 0) continue;
    RowId lieu = 0;
    {
      auto q = db_.query("SELECT lieu_id FROM remise WHERE id = ?");
      q.bind(o.remise).step();
      lieu = q.integer(0);
    }
    set_arrived(o.remise, model::arrived_of(o.outcome));
    const auto* delivered = std::get_if<model::Delivered>(&o.outcome);
    if (delivered != nullptr && is_withdrawn(o.remise)) {
      // Withdrawn while it was leaving: the lieu has it, for a moment.
      db_.query("UPDATE remise SET livree_le = coalesce(livree_le, ?), faits = ? WHERE id = ?")
          .bind(to_column(o.at), delivered->facts, o.remise)
          .run();
      trace(o.at, "remise.livree", object, delivered->facts);
    } else if (delivered != nullptr) {
      free_partner(lieu, o.at);
      db_.query("UPDATE lieu SET dernier_succes = ? WHERE id = ?").bind(to_column(o.at), lieu).run();
      const auto via = o.via == 0 ? std::nullopt : std::optional(o.via);
      if (!set_delivered(o.remise, delivered->facts, via, o.at, o.at)) continue;
      conclude_reads(o.remise, o.at, o.at);  // of a lieu that was quicker than this row
    } else if (const auto* refused = std::get_if<model::Refused>(&o.outcome)) {
      const std::string reason = refused->code + ": " + refused->reason;
      const bool own = refused->scope == model::Scope::remise;
      if (!own) {
        partner_failed(lieu, refused->scope, o, reason);
        db_.query("UPDATE remise SET motif = ? WHERE id = ?").bind(reason, o.remise).run();
      } else {
        set_remise(o.remise, RemiseEvent::refused, reason);
      }
      trace(o.at, own ? "remise.refusee" : "partenaire.retenu", object, reason);
    } else {
      const auto& retry = std::get<model::Retry>(o.outcome);
      if (retry.scope != model::Scope::remise) {
        partner_failed(lieu, retry.scope, o, retry.reason);
        // Behind the others that wait for the same: it may be the only one that fails there.
        db_.query("UPDATE remise SET motif = ?, prochaine = ? WHERE id = ?")
            .bind(retry.reason, to_column(o.at), o.remise)
            .run();
        trace(o.at, o.next_attempt ? "remise.differee" : "partenaire.retenu", object, retry.reason);
        continue;
      }
      if (o.next_attempt) {
        db_.query("UPDATE remise SET prochaine = ?, motif = ?, premier_echec = ? WHERE id = ? AND etat = 'prete'")
            .bind(to_column(*o.next_attempt), retry.reason, to_column(o.failing_since.value_or(o.at)), o.remise)
            .run();
      } else {
        set_remise(o.remise, RemiseEvent::held, std::string(not_for_five_days) + retry.reason);
      }
      trace(o.at, o.next_attempt ? "remise.differee" : "remise.retenue", object, retry.reason);
    }
  }
  for (const DeliveryOutcome& o : outcomes) conclude_idle_recall(o.remise, o.at);
  transaction.commit();
}

bool Store::is_withdrawn(RowId remise) {
  return db_.query("SELECT 1 FROM remise WHERE id = ? AND etat IN ('a-rappeler', 'a-detruire', 'rappelee')")
      .bind(remise)
      .step();
}

// Withdrawn while it was to leave, and nothing of it did: nothing need be removed, nor may what another put there under
// its names.
void Store::conclude_idle_recall(RowId remise, Instant now) {
  const bool idle =
      db_.query(
             "SELECT 1 FROM remise WHERE id = ? AND etat = 'a-rappeler' AND en_cours = 0 AND tentee_par IS "
             "NULL AND livree_le IS NULL")
          .bind(remise)
          .step();
  if (idle) taken_back(remise, nothing_had_left, now);
}

void Store::apply_recall(const DeliveryOutcome& o) {
  sqlite::Transaction transaction(db_);
  if (!db_.query("SELECT 1 FROM remise WHERE id = ? AND etat = 'a-rappeler'").bind(o.remise).step()) return;
  const std::string object = remise_object(o.remise);
  RowId lieu = 0;
  {
    auto q = db_.query("SELECT lieu_id FROM remise WHERE id = ?");
    q.bind(o.remise).step();
    lieu = q.integer(0);
  }
  if (const auto* removed = std::get_if<model::Delivered>(&o.outcome)) {
    free_partner(lieu, o.at);
    db_.query("UPDATE remise SET en_cours = 0, rappel_faits = ? WHERE id = ?").bind(removed->facts, o.remise).run();
    auto picked_up = db_.query("SELECT retiree_le FROM remise WHERE id = ? AND retiree_le IS NOT NULL");
    if (picked_up.bind(o.remise).step()) {
      const std::string reason = fmt::format("retiree: the lieu picked it up on {}: ask it to destroy what it has ({})",
                                             model::to_iso_utc(instant_from(picked_up.integer(0))), removed->facts);
      set_remise(o.remise, RemiseEvent::not_removable, reason);
      trace(o.at, "rappel.a-detruire", object, reason);
    } else {
      taken_back(o.remise, removed->facts, o.at);
    }
  } else if (const auto* refused = std::get_if<model::Refused>(&o.outcome);
             refused != nullptr && refused->scope == model::Scope::remise) {
    db_.query("UPDATE remise SET en_cours = 0 WHERE id = ?").bind(o.remise).run();
    const std::string reason = refused->code + ": " + refused->reason;
    set_remise(o.remise, RemiseEvent::not_removable, reason);
    trace(o.at, "rappel.a-detruire", object, reason);
  } else {
    const std::string reason =
        refused != nullptr ? refused->code + ": " + refused->reason : std::get<model::Retry>(o.outcome).reason;
    const auto scope = refused != nullptr ? refused->scope : std::get<model::Retry>(o.outcome).scope;
    if (scope != model::Scope::remise) partner_failed(lieu, scope, o, reason);
    // It is never given up: the lieu would keep what it may not have.
    const Instant next = o.next_attempt.value_or(o.at + std::chrono::hours(1));
    db_.query("UPDATE remise SET en_cours = 0, motif = ?, prochaine = ? WHERE id = ?")
        .bind(reason, to_column(next), o.remise)
        .run();
    trace(o.at, "rappel.differe", object, reason);
  }
  transaction.commit();
}

void Store::taken_back(RowId remise, const std::string& facts, Instant now) {
  set_remise(remise, RemiseEvent::taken_back, {});
  db_.query("UPDATE remise SET rappelee_le = ?, rappel_faits = ? WHERE id = ?")
      .bind(to_column(now), facts, remise)
      .run();
  trace(now, "remise.rappelee", remise_object(remise), facts);
}

void Store::dissolve(RowId remise, const std::vector<DueAcheminement>& lost, Instant now) {
  sqlite::Transaction transaction(db_);
  if (db_.query("SELECT 1 FROM remise WHERE id = ? AND etat = 'dissoute'").bind(remise).step()) return;
  set_remise(remise, RemiseEvent::dissolved,
             lost.empty() ? "demande retenue avant la livraison" : "habilitation perdue avant la livraison");
  if (db_.query("SELECT 1 FROM remise WHERE id = ? AND reemise_de IS NOT NULL").bind(remise).step()) {
    // What is said of its demandes is said of the first issue.
    trace(now, "remise.dissoute", remise_object(remise));
    transaction.commit();
    return;
  }
  const auto lost_of = [&](RowId id) {
    return std::find_if(lost.begin(), lost.end(), [&](const DueAcheminement& l) { return l.id == id; });
  };
  for (const DueAcheminement& a : acheminements_of(remise)) {
    db_.query("UPDATE acheminement SET remise_id = NULL WHERE id = ?").bind(a.id).run();
    const auto right = lost_of(a.id);
    if (right == lost.end()) {
      set_acheminement(a.id, AcheminementEvent::unpacked);
      if (a.held) set_acheminement(a.id, AcheminementEvent::held, "demande retenue");
      continue;
    }
    set_acheminement(a.id, AcheminementEvent::rights_lost, "habilitation perdue");
    unroute(*right);
    trace(now, "acheminement.annule", demande_object(a.demande), "motif=habilitation-perdue");
  }
  trace(now, "remise.dissoute", remise_object(remise));
  transaction.commit();
}

std::vector<Store::Departed> Store::departed(std::size_t limit) {
  std::vector<Departed> out;
  auto q = db_.query(
      "SELECT r.id, r.nom, l.identifiant FROM remise r JOIN lieu l ON l.id = r.lieu_id "
      "WHERE r.depart_efface = 0 AND r.etat IN ('livree', 'dissoute', 'a-detruire', 'rappelee') LIMIT ?");
  q.bind(static_cast<std::int64_t>(limit));
  while (q.step()) out.push_back({q.integer(0), q.text(1), q.text(2)});
  return out;
}

void Store::depart_removed(RowId remise) {
  sqlite::Transaction transaction(db_);
  db_.query("UPDATE remise SET depart_efface = 1 WHERE id = ?").bind(remise).run();
  transaction.commit();
}

bool Store::knows_remise(const std::string& name) {
  return db_.query("SELECT 1 FROM remise WHERE nom = ?").bind(name).step();
}

}  // namespace navette::store
