// Remises: packing, delivery, notification.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "model/civil_time.h"
#include "store/store.h"

namespace navette::store {
namespace {

using model::AcheminementEvent;
using model::RemiseEvent;

std::string kind_name(model::FileKind kind) {
  switch (kind) {
    case model::FileKind::pdf:
      return "pdf";
    case model::FileKind::xml:
      return "xml";
    case model::FileKind::manifest:
      return "manifeste";
  }
  return {};
}

model::FileKind kind_from(const std::string& name) {
  if (name == "pdf") return model::FileKind::pdf;
  return name == "xml" ? model::FileKind::xml : model::FileKind::manifest;
}

std::vector<RowId> ids(sqlite::Query q) {
  std::vector<RowId> out;
  while (q.step()) out.push_back(q.integer(0));
  return out;
}

}  // namespace

std::string Store::remise_object(RowId remise) {
  auto q = db_.query("SELECT nom FROM remise WHERE id = ?");
  if (!q.bind(remise).step()) throw Error("no such remise");
  return "remise:" + q.text(0);
}

std::vector<RowId> Store::lieux_due(Instant due_by) {
  auto q = db_.query(
      "SELECT l.id FROM lieu l WHERE l.suspendu IS NULL AND EXISTS "
      "(SELECT 1 FROM acheminement a WHERE a.lieu_id = l.id AND a.etat = 'a-remettre' AND a.du <= ?) ORDER BY l.id");
  q.bind(to_column(due_by));
  return ids(std::move(q));
}

std::string Store::lieu_name(RowId lieu) {
  auto q = db_.query("SELECT identifiant FROM lieu WHERE id = ?");
  return q.bind(lieu).step() ? q.text(0) : "";
}

std::size_t Store::due_count(Instant due_by) {
  auto q = db_.query(
      "SELECT coalesce(sum((SELECT count(*) FROM acheminement a WHERE a.lieu_id = l.id AND a.etat = 'a-remettre' AND "
      "a.du <= ?)), 0) FROM lieu l WHERE l.suspendu IS NULL");
  q.bind(to_column(due_by)).step();
  return static_cast<std::size_t>(q.integer(0));
}

std::optional<LieuInForce> Store::lieu_in_force(RowId lieu, model::Day day) {
  LieuInForce out;
  {
    auto q = db_.query(
        "SELECT l.id, l.identifiant, lv.nom, v.partenaire, c.caf, c.numero, v.version, v.id, v.delai_retrait, "
        "v.conservation, "
        "lv.canal, lv.profil FROM lieu l JOIN lieu_version lv ON lv.lieu_id = l.id JOIN version v ON v.id = "
        "lv.version_id "
        "JOIN convention c ON c.id = v.convention_id WHERE l.id = ?1 AND v.en_vigueur_du <= ?2 "
        "AND (v.en_vigueur_au IS NULL OR v.en_vigueur_au >= ?2) ORDER BY v.id DESC LIMIT 1");
    if (!q.bind(lieu, model::to_iso(day)).step()) return std::nullopt;
    out.id = q.integer(0);
    out.identifiant = q.text(1);
    out.nom = q.text(2);
    out.partenaire = q.text(3);
    out.caf = q.text(4);
    out.convention = q.text(5);
    out.version = static_cast<int>(q.integer(6));
    out.version_id = q.integer(7);
    out.pickup_days = static_cast<int>(q.integer(8));
    out.retention_months = static_cast<int>(q.integer(9));
    out.channel = channel_from(q.text(10), q.text(11));
  }
  auto q = db_.query("SELECT insee FROM lieu_commune WHERE version_id = ? AND lieu_id = ?");
  q.bind(out.version_id, lieu);
  while (q.step()) out.communes.insert(q.text(0));
  return out;
}

std::vector<DueAcheminement> Store::due_acheminements(RowId lieu, Instant due_by, std::size_t limit) {
  std::vector<DueAcheminement> out;
  {
    auto q = db_.query(
        "SELECT a.id, a.demande_id, d.emetteur, d.reference, EXISTS (SELECT 1 FROM acheminement o WHERE o.demande_id = "
        "a.demande_id AND o.etat = 'a-remettre' AND o.id <> a.id) FROM acheminement a JOIN demande d ON d.id = "
        "a.demande_id WHERE a.lieu_id = ? AND a.etat = 'a-remettre' AND a.du <= ? ORDER BY a.du, a.id LIMIT ?");
    q.bind(lieu, to_column(due_by), static_cast<std::int64_t>(limit));
    while (q.step()) out.push_back({q.integer(0), q.integer(1), q.text(2), q.text(3), {}, false, q.integer(4) != 0});
  }
  for (DueAcheminement& a : out) a.communes = communes_of(a.demande);
  return out;
}

std::optional<std::string> Store::charge(RowId demande) {
  auto q = db_.query("SELECT xml FROM charge WHERE demande_id = ?");
  if (!q.bind(demande).step()) return std::nullopt;
  return q.text(0);
}

std::string Store::next_remise_name(RowId lieu, model::Day day) {
  std::string prefix;
  {
    auto q = db_.query("SELECT identifiant FROM lieu WHERE id = ?");
    if (!q.bind(lieu).step()) throw Error("no such lieu");
    prefix = fmt::format("{}-{:04}{:02}{:02}-", q.text(0), static_cast<int>(day.year()),
                         static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  }
  auto q = db_.query("SELECT count(*) FROM remise WHERE nom > ?1 AND nom < ?1 || '~'");
  q.bind(prefix).step();
  return prefix + std::to_string(q.integer(0) + 1);
}

bool Store::apply_pack(const PackOutcome& outcome, Instant now) {
  sqlite::Transaction transaction(db_);
  const bool reissue = outcome.reissue.has_value();
  if (outcome.packed && !reissue) {
    for (const DueAcheminement& a : outcome.packed->acheminements) {
      if (acheminement_state(a.id) != model::AcheminementState::a_remettre) return false;
    }
  }
  for (const DueAcheminement& a : outcome.rights_lost) {
    set_acheminement(a.id, AcheminementEvent::rights_lost, "habilitation perdue");
    unroute(a);
    trace(now, "acheminement.annule", demande_object(a.demande), "motif=habilitation-perdue");
  }
  for (const FailedAcheminement& f : outcome.failed) {
    set_acheminement(f.id, AcheminementEvent::failed, f.reason);
    auto q = db_.query("SELECT demande_id FROM acheminement WHERE id = ?");
    q.bind(f.id).step();
    trace(now, "acheminement.retenu", demande_object(q.integer(0)), f.reason);
  }
  if (outcome.packed) {
    const PackedRemise& p = *outcome.packed;
    db_.query(
           "INSERT INTO remise (nom, lieu_id, version_id, etat, composee_le, nombre, delai_retrait, prochaine, "
           "reemise_de) VALUES (?, ?, ?, 'prete', ?, ?, ?, ?, ?)")
        .bind(p.name, p.lieu, p.version, to_column(now), static_cast<std::int64_t>(p.acheminements.size()),
              p.pickup_days)
        .bind(to_column(now), reissue ? std::optional(outcome.reissue->first_issue) : std::nullopt)
        .run();
    const RowId id = db_.last_insert_id();
    std::map<std::pair<std::string, std::string>, RowId> demandes;
    for (const DueAcheminement& a : p.acheminements) {
      demandes[{a.emetteur, a.reference}] = a.demande;
      if (reissue) continue;
      set_acheminement(a.id, AcheminementEvent::packed);
      db_.query("UPDATE acheminement SET remise_id = ?, version_id = ? WHERE id = ?").bind(id, p.version, a.id).run();
    }
    for (std::size_t i = 0; i < p.files.size(); ++i) {
      const model::RemiseFile& f = p.files[i];
      const auto of = demandes.find({f.emetteur, f.reference});
      db_.query(
             "INSERT INTO remise_fichier (remise_id, rang, nom, genre, taille, sha256, demande_id) VALUES (?, ?, ?, ?, "
             "?, ?, ?)")
          .bind(id, static_cast<std::int64_t>(i), f.name, kind_name(f.kind), static_cast<std::int64_t>(f.size),
                f.sha256)
          .bind(of == demandes.end() ? std::nullopt : std::optional(of->second))
          .run();
    }
    trace(
        now, "remise.composee", "remise:" + p.name,
        fmt::format("demandes={} manifeste={}{}", p.acheminements.size(), p.files.empty() ? "" : p.files.back().sha256,
                    reissue ? " reemise-de=" + outcome.reissue->name : ""));
  }
  if (reissue) db_.query("DELETE FROM reemission WHERE remise_id = ?").bind(outcome.reissue->first_issue).run();
  transaction.commit();
  return true;
}

std::vector<DueRemise> Store::due_remises(Instant now, const DueFilter& filter) {
  std::vector<DueRemise> out;
  {
    auto q = db_.query(
        "SELECT r.id, r.nom, r.lieu_id, l.identifiant, lv.canal, lv.profil, r.tentatives, r.premiere_tentative, "
        "l.echecs, l.premier_echec, r.etat = 'a-rappeler', r.reemise_de, lv.version_id FROM "
        "(SELECT id FROM remise WHERE etat = 'prete' AND prochaine <= ?1 UNION ALL "
        "SELECT id FROM remise WHERE etat = 'a-rappeler' AND prochaine <= ?1) due JOIN remise r ON r.id = due.id "
        "JOIN lieu l ON l.id = r.lieu_id JOIN lieu_version lv ON lv.lieu_id = l.id AND lv.version_id = coalesce("
        "(SELECT max(v.id) FROM lieu_version o JOIN version v ON v.id = o.version_id WHERE o.lieu_id = r.lieu_id AND "
        "v.en_vigueur_du <= ?2 AND (v.en_vigueur_au IS NULL OR v.en_vigueur_au >= ?2)), r.version_id) "
        "WHERE (l.suspendu IS NULL OR r.etat = 'a-rappeler') AND l.retenu = 0 AND l.prochaine <= ?1 "
        "ORDER BY l.echecs > 0, r.prochaine, r.id");
    q.bind(to_column(now), model::to_iso(model::paris_day(now)));
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
      r.first_attempt = instant_from(q.find_integer(7));
      r.recall = q.integer(10) != 0;
      const auto first_issue = q.find_integer(11);
      r.reissue = first_issue.has_value();
      r.first_issue = first_issue.value_or(r.id);
      r.via = q.integer(12);
      r.partner_failures = static_cast<int>(q.integer(8));
      r.partner_failing_since = instant_from(q.find_integer(9));
      if (filter.wanted && !filter.wanted(r)) continue;
      ++(is_local ? local : remote);
      out.push_back(std::move(r));
    }
  }
  for (DueRemise& r : out) {
    auto q = db_.query(
        "SELECT f.nom, f.genre, f.taille, f.sha256, coalesce(d.emetteur, ''), coalesce(d.reference, ''), f.arrive FROM "
        "remise_fichier f "
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

void Store::put_off(RowId lieu, Instant until) {
  sqlite::Transaction transaction(db_);
  db_.query("UPDATE lieu SET prochaine = ? WHERE id = ?").bind(to_column(until), lieu).run();
  transaction.commit();
}

void Store::free_partner(RowId lieu) {
  db_.query("UPDATE lieu SET prochaine = 0, echecs = 0, premier_echec = NULL, retenu = 0 WHERE id = ?")
      .bind(lieu)
      .run();
}

// Attempts that went on at the same time fail as one: none of them counts twice, shortens a wait or ends a hold.
void Store::partner_failed(RowId lieu, const DeliveryOutcome& o, const std::string& reason) {
  db_.query(
         "UPDATE lieu SET echecs = max(echecs, ?5), premier_echec = coalesce(premier_echec, ?1), derniere_erreur = ?2, "
         "erreur_le = ?1, retenu = max(retenu, ?3), prochaine = max(prochaine, ?4) WHERE id = ?6")
      .bind(to_column(o.at), reason, std::int64_t{o.next_attempt ? 0 : 1},
            o.next_attempt ? to_column(*o.next_attempt) : std::int64_t{0}, o.partner_failures, lieu)
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
           "UPDATE remise SET tentatives = tentatives + 1, premiere_tentative = coalesce(premiere_tentative, ?), "
           "en_cours = 1 WHERE id = ? AND etat = 'prete' AND NOT EXISTS "
           "(SELECT 1 FROM lieu l WHERE l.id = remise.lieu_id AND l.suspendu IS NOT NULL) AND NOT EXISTS "
           "(SELECT 1 FROM acheminement a JOIN demande d ON d.id = a.demande_id WHERE a.remise_id = "
           "coalesce(remise.reemise_de, remise.id) AND d.retenue IS NOT NULL)")
        .bind(to_column(now), id)
        .run();
    if (db_.changes() == 0) continue;
    begun.insert(id);
    trace(now, "remise.tentative", remise_object(id));
  }
  transaction.commit();
  return begun;
}

void Store::abandon_attempts(const std::vector<RowId>& remises) {
  if (remises.empty()) return;
  sqlite::Transaction transaction(db_);
  for (const RowId id : remises) {
    db_.query("UPDATE remise SET tentatives = tentatives - 1, en_cours = 0 WHERE id = ?").bind(id).run();
  }
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

void Store::apply_deliveries(const std::vector<DeliveryOutcome>& outcomes) {
  sqlite::Transaction transaction(db_);
  for (const DeliveryOutcome& o : outcomes) {
    const std::string object = remise_object(o.remise);
    db_.query("UPDATE remise SET en_cours = 0 WHERE id = ?").bind(o.remise).run();
    RowId lieu = 0;
    {
      auto q = db_.query("SELECT lieu_id FROM remise WHERE id = ?");
      q.bind(o.remise).step();
      lieu = q.integer(0);
    }
    const auto* delivered = std::get_if<model::Delivered>(&o.outcome);
    if (delivered != nullptr && is_withdrawn(o.remise)) {
      // Withdrawn while it was leaving: the lieu has it, for a moment.
      db_.query("UPDATE remise SET livree_le = coalesce(livree_le, ?), faits = ? WHERE id = ?")
          .bind(to_column(o.at), delivered->facts, o.remise)
          .run();
      trace(o.at, "remise.livree", object, delivered->facts);
    } else if (delivered != nullptr) {
      free_partner(lieu);
      db_.query("UPDATE lieu SET dernier_succes = ? WHERE id = ?").bind(to_column(o.at), lieu).run();
      // Whatever an operator changed meanwhile: the bytes are with the lieu, and that is what counts.
      // Said twice, the first time counts: R6 runs from there.
      db_.query(
             "UPDATE remise SET etat = 'livree', motif = NULL, livree_le = ?, faits = ?, livree_par = ? WHERE id = ? "
             "AND "
             "etat <> 'livree'")
          .bind(to_column(o.at), delivered->facts, o.via == 0 ? std::nullopt : std::optional(o.via), o.remise)
          .run();
      if (db_.changes() == 0) continue;
      for (const DueAcheminement& a : acheminements_of(o.remise)) {
        set_acheminement(a.id, AcheminementEvent::delivered);
        trace(o.at, "demande.remise", demande_object(a.demande), object);
      }
      db_.query("INSERT OR IGNORE INTO notification (remise_id, etat, prochaine) VALUES (?, 'a-envoyer', ?)")
          .bind(o.remise, to_column(o.at))
          .run();
      trace(o.at, "remise.livree", object, delivered->facts);
      conclude_reads(o.remise, o.at, o.at);  // of a lieu that was quicker than this row
    } else if (const auto* refused = std::get_if<model::Refused>(&o.outcome)) {
      const std::string reason = refused->code + ": " + refused->reason;
      if (refused->partner) {
        partner_failed(lieu, o, reason);
        db_.query("UPDATE remise SET motif = ? WHERE id = ?").bind(reason, o.remise).run();
      } else {
        set_remise(o.remise, RemiseEvent::refused, reason);
      }
      trace(o.at, refused->partner ? "partenaire.retenu" : "remise.refusee", object, reason);
    } else {
      const auto& retry = std::get<model::Retry>(o.outcome);
      for (const std::string& name : retry.arrived) {
        db_.query("UPDATE remise_fichier SET arrive = 1 WHERE remise_id = ? AND nom = ?").bind(o.remise, name).run();
      }
      if (retry.partner) {
        partner_failed(lieu, o, retry.reason);
        db_.query("UPDATE remise SET motif = ? WHERE id = ?").bind(retry.reason, o.remise).run();
        trace(o.at, o.next_attempt ? "remise.differee" : "partenaire.retenu", object, retry.reason);
        continue;
      }
      if (o.next_attempt) {
        db_.query("UPDATE remise SET prochaine = ?, motif = ? WHERE id = ? AND etat = 'prete'")
            .bind(to_column(*o.next_attempt), retry.reason, o.remise)
            .run();
      } else {
        set_remise(o.remise, RemiseEvent::held, "not delivered for five days: " + retry.reason);
      }
      trace(o.at, o.next_attempt ? "remise.differee" : "remise.retenue", object, retry.reason);
    }
  }
  transaction.commit();
}

bool Store::is_withdrawn(RowId remise) {
  return db_.query("SELECT 1 FROM remise WHERE id = ? AND etat IN ('a-rappeler', 'rappelee')").bind(remise).step();
}

void Store::apply_recall(const DeliveryOutcome& o) {
  sqlite::Transaction transaction(db_);
  const std::string object = remise_object(o.remise);
  RowId lieu = 0;
  {
    auto q = db_.query("SELECT lieu_id FROM remise WHERE id = ?");
    q.bind(o.remise).step();
    lieu = q.integer(0);
  }
  if (const auto* removed = std::get_if<model::Delivered>(&o.outcome)) {
    free_partner(lieu);
    set_remise(o.remise, RemiseEvent::taken_back, {});
    db_.query("UPDATE remise SET en_cours = 0, rappelee_le = ?, rappel_faits = ? WHERE id = ?")
        .bind(to_column(o.at), removed->facts, o.remise)
        .run();
    trace(o.at, "remise.rappelee", object, removed->facts);
  } else {
    const auto* refused = std::get_if<model::Refused>(&o.outcome);
    const std::string reason =
        refused != nullptr ? refused->code + ": " + refused->reason : std::get<model::Retry>(o.outcome).reason;
    const bool partner = refused != nullptr ? refused->partner : std::get<model::Retry>(o.outcome).partner;
    if (partner) partner_failed(lieu, o, reason);
    // It is never given up: the lieu would keep what it may not have.
    const Instant next = o.next_attempt.value_or(o.at + std::chrono::hours(1));
    db_.query("UPDATE remise SET motif = ?, prochaine = ? WHERE id = ?").bind(reason, to_column(next), o.remise).run();
    trace(o.at, "rappel.differe", object, reason);
  }
  transaction.commit();
}

void Store::dissolve(RowId remise, const std::vector<DueAcheminement>& lost, Instant now) {
  sqlite::Transaction transaction(db_);
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
      "WHERE r.depart_efface = 0 AND r.etat IN ('livree', 'dissoute', 'rappelee') LIMIT ?");
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

std::vector<DueNotification> Store::due_notifications(Instant now, std::size_t limit) {
  std::vector<DueNotification> out;
  std::vector<RowId> versions;
  {
    // Persons of the version in force (an avenant's come with it; a departure closes in every version, R13), or of the
    // remise's own when none is: commitments outlive the convention (R8).
    auto q = db_.query(
        "SELECT n.remise_id, r.nom, l.identifiant, lv.nom, v.partenaire, c.numero, r.nombre, r.delai_retrait, "
        "v.conservation, "
        "n.tentatives, r.livree_le, coalesce((SELECT w.id FROM version w WHERE w.convention_id = c.id AND "
        "w.en_vigueur_du <= ?3 AND (w.en_vigueur_au IS NULL OR w.en_vigueur_au >= ?3) ORDER BY w.version DESC LIMIT "
        "1), v.id), (SELECT min(courriel) FROM contact_caf k WHERE k.caf = c.caf), lv.canal, lv.profil, "
        "coalesce((SELECT nom FROM remise p WHERE p.id = r.reemise_de), '') FROM notification n JOIN remise r ON r.id "
        "= n.remise_id JOIN lieu l ON l.id = r.lieu_id "
        "JOIN version v ON v.id = r.version_id JOIN lieu_version lv ON lv.version_id = v.id AND lv.lieu_id = l.id "
        "JOIN convention c ON c.id = v.convention_id WHERE n.etat = 'a-envoyer' AND n.prochaine <= ?1 "
        "ORDER BY n.prochaine LIMIT ?2");
    q.bind(to_column(now), static_cast<std::int64_t>(limit), model::to_iso(model::paris_day(now)));
    while (q.step()) {
      DueNotification n;
      n.remise = q.integer(0);
      n.remise_name = q.text(1);
      n.lieu = q.text(2);
      n.lieu_nom = q.text(3);
      n.partenaire = q.text(4);
      n.convention = q.text(5);
      n.demandes = static_cast<std::uint64_t>(q.integer(6));
      n.pickup_days = static_cast<int>(q.integer(7));
      n.retention_months = static_cast<int>(q.integer(8));
      n.attempts = static_cast<int>(q.integer(9));
      n.delivered_at = instant_from(q.integer(10));
      versions.push_back(q.integer(11));
      n.contact = q.text(12);
      n.channel = channel_from(q.text(13), q.text(14));
      n.first_issue = q.text(15);
      out.push_back(std::move(n));
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i].personnes = load_version(versions[i]).annexe.personnes;
  return out;
}

void Store::apply_notifications(const std::vector<NotificationOutcome>& outcomes) {
  sqlite::Transaction transaction(db_);
  for (const NotificationOutcome& o : outcomes) {
    const std::string object = remise_object(o.remise);
    if (!o.accepted) {
      db_.query("UPDATE notification SET tentatives = tentatives + 1, prochaine = ?, motif = ? WHERE remise_id = ?")
          .bind(to_column(o.next_attempt), o.reason, o.remise)
          .run();
      trace(o.at, "notification.differee", object, o.reason);
      continue;
    }
    db_.query(
           "UPDATE notification SET etat = 'envoyee', tentatives = tentatives + 1, motif = NULL, message_id = ?, "
           "acceptee_le = ?, destinataires = ? WHERE remise_id = ? AND etat = 'a-envoyer'")
        .bind(o.message_id, to_column(o.at), static_cast<std::int64_t>(o.recipients), o.remise)
        .run();
    if (db_.changes() == 0) continue;  // said twice: the first one is day 0
    db_.query(
           "INSERT INTO echeance (genre, remise_id, jour, etat) SELECT 'retrait', id, ?, "
           "CASE WHEN retiree_le IS NULL THEN 'ouverte' ELSE 'tenue' END FROM remise WHERE id = ?")
        .bind(model::to_iso(o.last_day), o.remise)
        .run();
    trace(o.at, "notification.acceptee", object,
          fmt::format("destinataires={}{}{} dernier-jour={}", o.recipients,
                      o.missed.empty() ? "" : " non-joints=", text::join(o.missed, ","), model::to_iso(o.last_day)));
  }
  transaction.commit();
}

}  // namespace navette::store
