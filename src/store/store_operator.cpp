// What an operator may change by hand; each act is traced under its login.
#include <fmt/format.h>

#include "base/error.h"
#include "model/civil_time.h"
#include "store/store.h"

namespace navette::store {

using model::AcheminementEvent;
using model::RemiseEvent;

namespace {

// Of an act that the end of the attempt would overtake.
constexpr const char* after_attempt =
    "; try again once that attempt has ended (if navette was killed in it: after the next pass)";

std::string why_detail(const std::string& why) {
  return "motif=" + why;
}

RowId first_issue_of(sqlite::Connection& db, RowId remise) {
  auto q = db.query("SELECT coalesce(reemise_de, id) FROM remise WHERE id = ?");
  q.bind(remise).step();
  return q.integer(0);
}

[[noreturn]] void throw_nothing_to_retry(sqlite::Connection& db, RowId demande, const std::string& reference) {
  auto q = db.query(
      "SELECT r.nom FROM acheminement a JOIN remise r ON r.id = a.remise_id WHERE a.demande_id = ? AND a.etat = "
      "'en-remise' ORDER BY r.id LIMIT 1");
  if (q.bind(demande).step()) {
    throw Error("nothing to retry: the demande " + reference + " is in the remise " + q.text(0) +
                "; see `navette remises retry " + q.text(0) + "`");
  }
  const auto any = [&](const char* sql) { return db.query(sql).bind(demande).step(); };
  if (any("SELECT 1 FROM acheminement WHERE demande_id = ? AND etat = 'retire'") &&
      !any("SELECT 1 FROM acheminement WHERE demande_id = ? AND etat = 'remis'")) {
    throw Error(
        "nothing to retry: the demande " + reference +
        " was withdrawn from every lieu that had it, and never goes there again; if it is to, have it sent again "
        "under a new reference");
  }
  throw Error("nothing to retry: the demande " + reference + " is delivered everywhere");
}

}  // namespace

// A reference alone will do while one émetteur uses it; else EMETTEUR/REFERENCE.
RowId Store::find_demande(const std::string& reference) {
  const auto slash = reference.find('/');
  const std::string emetteur = slash == std::string::npos ? "" : reference.substr(0, slash);
  const std::string ref = slash == std::string::npos ? reference : reference.substr(slash + 1);
  auto q = db_.query(
      "SELECT id FROM demande WHERE reference = ?1 AND admise = 1 AND (?2 = '' OR emetteur = ?2) ORDER BY id LIMIT 2");
  if (!q.bind(ref, emetteur).step()) throw Error("no demande " + reference + "; see `navette demandes list`");
  const RowId id = q.integer(0);
  if (q.step()) throw Error("several émetteurs use the reference " + ref + "; give EMETTEUR/REFERENCE");
  return id;
}

RowId Store::find_remise(const std::string& name) {
  auto q = db_.query("SELECT id FROM remise WHERE nom = ?");
  if (!q.bind(name).step()) throw Error("no remise " + name + "; see `navette remises list`");
  return q.integer(0);
}

// A demande that is packed but not delivered is held as well: its remise is taken apart before the next attempt, by the
// one who can look whether the lieu has it (stages/deliver).
void Store::hold_demande(const std::string& reference, const std::string& why, Instant now) {
  sqlite::Transaction transaction(db_);
  const RowId id = find_demande(reference);
  db_.query("UPDATE demande SET retenue = ? WHERE id = ?").bind(why, id).run();
  std::vector<RowId> acheminements;
  bool to_come = db_.query("SELECT 1 FROM demande_commune WHERE demande_id = ? AND etat <> 'servie'").bind(id).step();
  {
    auto q = db_.query(
        "SELECT a.id, a.etat, r.nom, r.en_cours FROM acheminement a LEFT JOIN remise r ON r.id = a.remise_id "
        "WHERE a.demande_id = ?");
    q.bind(id);
    while (q.step()) {
      using S = model::AcheminementState;
      const auto state = model::parse_acheminement_state(q.text(1));
      acheminements.push_back(q.integer(0));
      to_come = to_come || state == S::a_remettre || state == S::retenu || state == S::en_remise;
      if (state == S::en_remise && q.integer(3) != 0) {
        throw Error("the demande " + reference + " is leaving right now in the remise " + q.text(2) + after_attempt);
      }
    }
  }
  if (!to_come)
    throw Error("the demande " + reference + " is delivered everywhere, or withdrawn: there is nothing to hold");
  for (const RowId a : acheminements) set_acheminement(a, AcheminementEvent::held, why);
  db_.query(
         "UPDATE remise SET prochaine = min(prochaine, ?) WHERE etat = 'prete' AND id IN "
         "(SELECT remise_id FROM acheminement WHERE demande_id = ?)")
      .bind(to_column(now), id)
      .run();
  trace(now, "demande.retenue", demande_object(id), why_detail(why));
  transaction.commit();
}

void Store::release_demande(const std::string& reference, Instant now) {
  sqlite::Transaction transaction(db_);
  const RowId id = find_demande(reference);
  std::vector<RowId> held;
  {
    auto q = db_.query("SELECT id FROM acheminement WHERE demande_id = ? AND etat = 'retenu'");
    q.bind(id);
    while (q.step()) held.push_back(q.integer(0));
  }
  const bool was_held = db_.query("SELECT 1 FROM demande WHERE id = ? AND retenue IS NOT NULL").bind(id).step();
  if (held.empty() && !was_held) throw Error("the demande " + reference + " is not held");
  db_.query("UPDATE demande SET retenue = NULL WHERE id = ?").bind(id).run();
  for (const RowId a : held) set_acheminement(a, AcheminementEvent::released);
  look_again(id);
  trace(now, "demande.liberee", demande_object(id));
  transaction.commit();
}

// Tried again at once: what could not be rendered, what waits for its hour, what found no lieu.
void Store::retry_demande(const std::string& reference, Instant now) {
  sqlite::Transaction transaction(db_);
  const RowId id = find_demande(reference);
  if (db_.query("SELECT 1 FROM demande WHERE id = ? AND retenue IS NOT NULL").bind(id).step()) {
    throw Error("the demande " + reference + " is held by an operator; release it first");
  }
  std::vector<RowId> acheminements;
  {
    auto q = db_.query("SELECT id FROM acheminement WHERE demande_id = ? AND etat IN ('retenu', 'a-remettre')");
    q.bind(id);
    while (q.step()) acheminements.push_back(q.integer(0));
  }
  const bool unserved =
      db_.query("SELECT 1 FROM demande_commune WHERE demande_id = ? AND etat <> 'servie'").bind(id).step();
  if (acheminements.empty() && !unserved) throw_nothing_to_retry(db_, id, reference);
  for (const RowId a : acheminements) {
    set_acheminement(a, AcheminementEvent::released);
    db_.query("UPDATE acheminement SET du = ? WHERE id = ?").bind(to_column(now), a).run();
  }
  look_again(id);
  trace(now, "demande.relancee", demande_object(id));
  transaction.commit();
}

void Store::hold_remise(const std::string& name, const std::string& why, Instant now) {
  sqlite::Transaction transaction(db_);
  const RowId id = find_remise(name);
  if (!db_.query("SELECT 1 FROM remise WHERE id = ? AND etat = 'prete'").bind(id).step()) {
    throw Error("the remise " + name + " is not waiting for delivery; see `navette remises show " + name + "`");
  }
  set_remise(id, RemiseEvent::held, why);
  db_.query("UPDATE remise SET retenue_operateur = 1 WHERE id = ?").bind(id).run();
  trace(now, "remise.retenue", "remise:" + name, why_detail(why));
  transaction.commit();
}

// The five days of attempts begin anew: somebody has looked at it.
void Store::restart_attempts(RowId remise, Instant now) {
  db_.query(
         "UPDATE remise SET prochaine = ?, premiere_tentative = NULL, premier_echec = NULL, retenue_operateur = 0 "
         "WHERE id = ?")
      .bind(to_column(now), remise)
      .run();
}

void Store::release_remise(const std::string& name, Instant now) {
  sqlite::Transaction transaction(db_);
  const RowId id = find_remise(name);
  if (!db_.query("SELECT 1 FROM remise WHERE id = ? AND etat = 'retenue'").bind(id).step()) {
    throw Error("the remise " + name + " is not held");
  }
  set_remise(id, RemiseEvent::released, {});
  restart_attempts(id, now);
  trace(now, "remise.liberee", "remise:" + name);
  transaction.commit();
}

void Store::retry_remise(const std::string& name, Instant now) {
  sqlite::Transaction transaction(db_);
  const RowId id = find_remise(name);
  const std::int64_t at = to_column(now);
  // Held by its channel's refusal or by five days of failures: the fault is mended, says the operator.
  const auto stuck =
      db_.query("SELECT 1 FROM remise WHERE id = ? AND etat = 'retenue' AND retenue_operateur = 0").bind(id).step();
  if (stuck) {
    set_remise(id, RemiseEvent::released, {});
    restart_attempts(id, now);
  }
  db_.query("UPDATE remise SET prochaine = ? WHERE id = ? AND etat IN ('prete', 'a-rappeler')").bind(at, id).run();
  const bool undelivered = db_.changes() > 0;
  if (undelivered) {
    auto lieu = db_.query("SELECT lieu_id FROM remise WHERE id = ?");
    lieu.bind(id).step();
    free_partner(lieu.integer(0), now);
  }
  db_.query("UPDATE notification SET retenue = 0, prochaine = ? WHERE remise_id = ? AND etat = 'a-envoyer'")
      .bind(at, id)
      .run();
  if (!undelivered && db_.changes() == 0) {
    throw Error("nothing to retry: the remise " + name +
                " is held by an operator (release it), withdrawn, or delivered and notified");
  }
  db_.query(
         "DELETE FROM notification_recue WHERE remise_id = ?1 AND refus IS NOT NULL AND "
         "EXISTS (SELECT 1 FROM notification n WHERE n.remise_id = ?1 AND n.etat = 'a-envoyer')")
      .bind(id)
      .run();
  trace(now, "remise.relancee", "remise:" + name);
  transaction.commit();
}

// Whatever is issued again of it goes with it: the demandes are withdrawn, not a copy of them.
void Store::withdraw_remise(const std::string& name, const std::string& why, Instant now) {
  sqlite::Transaction transaction(db_);
  const RowId first = first_issue_of(db_, find_remise(name));
  struct Issue {
    RowId id;
    std::string name;
    bool left;
  };
  std::vector<Issue> issues;
  {
    auto q = db_.query(
        "SELECT id, nom, tentee_par IS NOT NULL OR livree_le IS NOT NULL, etat FROM remise WHERE id = ?1 OR reemise_de "
        "= ?1 ORDER BY id");
    q.bind(first);
    while (q.step()) {
      if (model::next(model::parse_remise_state(q.text(3)), RemiseEvent::withdrawn))
        issues.push_back({q.integer(0), q.text(1), q.integer(2) != 0});
    }
  }
  if (issues.empty()) throw Error("the remise " + name + " cannot be withdrawn: it is so already, or was taken apart");
  for (const DueAcheminement& a : acheminements_of(first)) {
    set_acheminement(a.id, AcheminementEvent::withdrawn, why);
    trace(now, "demande.retiree", demande_object(a.demande), "remise=" + name);
  }
  db_.query("DELETE FROM reemission WHERE remise_id = ?").bind(first).run();
  for (const Issue& issue : issues) {
    const std::string object = "remise:" + issue.name;
    set_remise(issue.id, RemiseEvent::withdrawn, {});
    db_.query("UPDATE remise SET rappel = ?, prochaine = ? WHERE id = ?").bind(why, to_column(now), issue.id).run();
    db_.query("DELETE FROM notification WHERE remise_id = ? AND etat = 'a-envoyer'").bind(issue.id).run();
    db_.query("UPDATE echeance SET etat = 'annulee' WHERE remise_id = ? AND etat IN ('ouverte', 'sans-preuve')")
        .bind(issue.id)
        .run();
    trace(now, "remise.rappel", object, why_detail(why));
    if (issue.left) continue;
    // There is nothing to remove.
    taken_back(issue.id, nothing_had_left, now);
  }
  transaction.commit();
}

void Store::reissue_remise(const std::string& name, const std::string& why, Instant now) {
  sqlite::Transaction transaction(db_);
  const RowId first = first_issue_of(db_, find_remise(name));
  RowId lieu = 0;
  {
    auto q = db_.query(
        "SELECT r.etat, r.livree_le, v.conservation, r.lieu_id FROM remise r JOIN version v ON v.id = r.version_id "
        "WHERE r.id = "
        "?");
    q.bind(first).step();
    if (model::parse_remise_state(q.text(0)) != model::RemiseState::livree) {
      throw Error("the remise " + name + " cannot be issued again: it is not delivered, or was withdrawn");
    }
    lieu = q.integer(3);
    const model::Day last =
        model::plus_months(model::paris_day(instant_from(q.integer(1))), static_cast<int>(q.integer(2)));
    if (model::paris_day(now) > last) {
      throw Error("the remise " + name + " cannot be issued again: its retention ended on " + model::to_iso(last));
    }
  }
  if (reissuable(first).empty()) {
    throw Error("the remise " + name + " cannot be issued again: the data of its demandes were destroyed or withdrawn");
  }
  if (!lieu_in_force(lieu, model::paris_day(now))) {
    throw Error("the remise " + name + " cannot be issued again: no convention in force opens its lieu today (R8)");
  }
  db_.query("INSERT OR IGNORE INTO reemission (remise_id, motif) VALUES (?, ?)").bind(first, why).run();
  if (db_.changes() == 0) throw Error("the remise " + name + " is to be issued again already: navette remises show");
  trace(now, "remise.reemission", remise_object(first), why_detail(why));
  transaction.commit();
}

std::vector<DueReissue> Store::reissues_due() {
  std::vector<DueReissue> out;
  auto q = db_.query(
      "SELECT r.id, r.nom, r.lieu_id FROM reemission e JOIN remise r ON r.id = e.remise_id "
      "JOIN lieu l ON l.id = r.lieu_id WHERE l.suspendu IS NULL ORDER BY r.id");
  while (q.step()) out.push_back({q.integer(0), q.text(1), q.integer(2)});
  return out;
}

std::vector<DueAcheminement> Store::reissuable(RowId first_issue) {
  std::vector<DueAcheminement> out;
  for (DueAcheminement& a : acheminements_of(first_issue)) {
    const bool there = db_.query("SELECT 1 FROM charge WHERE demande_id = ?").bind(a.demande).step();
    if (there && acheminement_state(a.id) == model::AcheminementState::remis) out.push_back(std::move(a));
  }
  return out;
}

void Store::give_up_reissue(const DueReissue& reissue, const std::string& reason, Instant now) {
  sqlite::Transaction transaction(db_);
  db_.query("DELETE FROM reemission WHERE remise_id = ?").bind(reissue.first_issue).run();
  trace(now, "reemission.refusee", "remise:" + reissue.name, reason);
  transaction.commit();
}

// The operator's word: the lieu destroyed it, its server is no more, or the mail in doubt has not arrived.
void Store::confirm_taken_back(const std::string& name, const std::string& why, Instant now) {
  sqlite::Transaction transaction(db_);
  const RowId id = find_remise(name);
  auto q = db_.query(
      "SELECT etat, tentee_par IS NOT NULL, en_cours, etat = 'retenue' AND motif LIKE 'arrivee-incertaine: %' "
      "FROM remise WHERE id = ?");
  q.bind(id).step();
  const auto state = model::parse_remise_state(q.text(0));
  const bool withdrawn = state == model::RemiseState::a_rappeler || state == model::RemiseState::a_detruire;
  if ((withdrawn || state == model::RemiseState::prete || state == model::RemiseState::retenue) && q.integer(2) != 0) {
    throw Error("the remise " + name + " is leaving right now" + after_attempt);
  }
  if (withdrawn) {
    taken_back(id, why_detail(why), now);
  } else if ((state == model::RemiseState::prete || state == model::RemiseState::retenue) && q.integer(1) != 0) {
    const bool held_for_it = q.integer(3) != 0;
    forget_attempts_place(id, why_detail(why), now);
    if (held_for_it) {
      set_remise(id, RemiseEvent::released, {});
      restart_attempts(id, now);
    }
  } else {
    throw Error("the remise " + name + " is not withdrawn, or it is known already that the lieu has nothing of it");
  }
  transaction.commit();
}

// The operator's word: the lieu says so by telephone, say.
void Store::confirm_pickup(const std::string& name, const std::string& why, Instant now, bool in_doubt) {
  sqlite::Transaction transaction(db_);
  const RowId id = find_remise(name);
  auto q = db_.query(
      "SELECT etat = 'livree', retiree_le IS NOT NULL, etat IN ('prete', 'retenue'), tentee_par, "
      "coalesce(premiere_tentative, composee_le), en_cours FROM remise WHERE id = ?");
  q.bind(id).step();
  if (in_doubt && q.integer(2) != 0 && q.find_integer(3)) {
    if (q.integer(5) != 0) throw Error("the remise " + name + " is leaving right now" + after_attempt);
    // Which attempt it was nobody knows: R6 counts from the first or, where a retry has begun them anew, from before.
    set_delivered(id, why_detail(why), q.find_integer(3), instant_from(q.integer(4)), now);
    // R4 tells that a remise waits: this one does not.
    db_.query("DELETE FROM notification WHERE remise_id = ? AND etat = 'a-envoyer'").bind(id).run();
  } else if (q.integer(0) == 0) {
    throw Error("the remise " + name + " is not delivered, or was withdrawn: nobody is awaited to pick it up");
  }
  if (q.integer(1) != 0) throw Error("the remise " + name + " is already known to be picked up");
  set_picked_up({id, model::PickupEvidence::operator_word, now, {}, why_detail(why)}, now);
  transaction.commit();
}

void Store::retry_lieu(const std::string& lieu, Instant now) {
  sqlite::Transaction transaction(db_);
  RowId id = 0;
  {
    auto q = db_.query("SELECT id FROM lieu WHERE identifiant = ?");
    if (!q.bind(lieu).step()) throw Error("no lieu " + lieu + "; see `navette lieux list`");
    id = q.integer(0);
  }
  free_partner(id, now);
  // Five days of failures may have held a remise alone, when its lieu took others.
  std::vector<RowId> given_up;
  {
    auto q = db_.query(
        "SELECT id FROM remise WHERE lieu_id = ?1 AND etat = 'retenue' AND retenue_operateur = 0 AND "
        "substr(motif, 1, length(?2)) = ?2");
    q.bind(id, std::string(not_for_five_days));
    while (q.step()) given_up.push_back(q.integer(0));
  }
  for (const RowId remise : given_up) {
    set_remise(remise, RemiseEvent::released, {});
    restart_attempts(remise, now);
  }
  db_.query(
         "UPDATE remise SET prochaine = ?, premier_echec = NULL WHERE lieu_id = ? AND etat IN ('prete', 'a-rappeler')")
      .bind(to_column(now), id)
      .run();
  db_.query(
         "UPDATE notification SET retenue = 0, prochaine = ? WHERE etat = 'a-envoyer' AND "
         "(SELECT lieu_id FROM remise r WHERE r.id = remise_id) = ?")
      .bind(to_column(now), id)
      .run();
  db_.query("UPDATE regard SET echoue_le = NULL WHERE lieu_id = ?").bind(id).run();
  db_.query("UPDATE lieu SET relance_le = ? WHERE id = ?").bind(to_column(now), id).run();
  db_.query(
         "DELETE FROM notification_recue WHERE refus IS NOT NULL AND remise_id IN (SELECT n.remise_id FROM "
         "notification "
         "n INDEXED BY notification_due JOIN remise r ON r.id = n.remise_id WHERE n.etat = 'a-envoyer' AND r.lieu_id = "
         "?)")
      .bind(id)
      .run();
  trace(now, "lieu.relance", "lieu:" + lieu);
  transaction.commit();
}

void Store::suspend_lieu(const std::string& lieu, const std::string& why, Instant now) {
  sqlite::Transaction transaction(db_);
  db_.query("UPDATE lieu SET suspendu = ? WHERE identifiant = ?").bind(why, lieu).run();
  if (db_.changes() == 0) throw Error("no lieu " + lieu + "; see `navette lieux list`");
  trace(now, "lieu.suspendu", "lieu:" + lieu, why_detail(why));
  transaction.commit();
}

void Store::resume_lieu(const std::string& lieu, Instant now) {
  sqlite::Transaction transaction(db_);
  db_.query("UPDATE lieu SET suspendu = NULL WHERE identifiant = ? AND suspendu IS NOT NULL").bind(lieu).run();
  if (db_.changes() == 0) throw Error("no suspended lieu " + lieu + "; see `navette lieux list`");
  trace(now, "lieu.repris", "lieu:" + lieu);
  transaction.commit();
}

}  // namespace navette::store
