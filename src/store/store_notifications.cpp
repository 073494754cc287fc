// Notifications of remises.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/civil_time.h"
#include "store/store.h"

namespace navette::store {
namespace {

std::string names_of(const std::map<std::string, std::string>& told) {
  std::vector<std::string> numeros;
  numeros.reserve(told.size());
  for (const auto& [numero, address] : told) numeros.push_back(numero);
  return text::join(numeros, ",");
}

}  // namespace

std::vector<DueNotification> Store::due_notifications(Instant now, std::size_t limit) {
  std::vector<DueNotification> out;
  std::vector<RowId> versions;
  {
    // Persons and box of the version in force (an avenant's come with it; a departure closes in every version, R13), or
    // of the one that it was delivered by when none is: commitments outlive the convention (R8).
    auto q = db_.query(
        "SELECT n.remise_id, r.nom, l.identifiant, lv.nom, v.partenaire, c.numero, r.nombre, r.delai_retrait, "
        "v.conservation, "
        "n.tentatives, r.livree_le, coalesce((SELECT w.id FROM version w WHERE w.convention_id = c.id AND "
        "w.en_vigueur_du <= ?3 AND (w.en_vigueur_au IS NULL OR w.en_vigueur_au >= ?3) ORDER BY w.version DESC LIMIT "
        "1), v.id), (SELECT min(courriel) FROM contact_caf k WHERE k.caf = c.caf), lv.canal, lv.profil, "
        "coalesce((SELECT nom FROM remise p WHERE p.id = r.reemise_de), ''), n.premiere_le, coalesce(n.motif, '') FROM "
        "notification n JOIN remise r ON r.id "
        "= n.remise_id JOIN lieu l ON l.id = r.lieu_id "
        "JOIN version v ON v.id = coalesce(r.livree_par, r.version_id) "
        "JOIN lieu_version lv ON lv.version_id = v.id AND lv.lieu_id = l.id "
        "JOIN convention c ON c.id = v.convention_id WHERE n.etat = 'a-envoyer' AND n.prochaine <= ?1 AND (n.retenue = "
        "0 OR "
        // Refused by all, until another version brings other addresses perhaps.
        "n.retenue_par IS NOT coalesce((SELECT w.id FROM version w WHERE w.convention_id = c.id AND w.en_vigueur_du <= "
        "?3 "
        "AND (w.en_vigueur_au IS NULL OR w.en_vigueur_au >= ?3) ORDER BY w.version DESC LIMIT 1), v.id)) "
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
      n.first_accepted = instant_from(q.find_integer(16));
      n.reason = q.text(17);
      out.push_back(std::move(n));
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].version = versions[i];
    const model::Annexe annexe = load_version(versions[i]).annexe;
    out[i].personnes = annexe.personnes;
    const auto lieu = std::find_if(annexe.lieux.begin(), annexe.lieux.end(),
                                   [&](const model::Lieu& l) { return l.identifiant == out[i].lieu; });
    out[i].channel_now = lieu == annexe.lieux.end() ? out[i].channel : lieu->channel;
    auto asked =
        db_.query("SELECT destinataire, refus, coalesce(adresse, '') FROM notification_recue WHERE remise_id = ?");
    asked.bind(out[i].remise);
    while (asked.step()) {
      if (const auto refusal = asked.find_text(1)) {
        out[i].refused[asked.text(0)] = {asked.text(2), *refusal};
      } else {
        out[i].told.insert(asked.text(0));
        out[i].told_addresses.insert(asked.text(2));
      }
    }
  }
  return out;
}

void Store::note_notification(RowId remise, const std::string& reason) {
  sqlite::Transaction transaction(db_);
  db_.query("UPDATE notification SET motif = ? WHERE remise_id = ? AND etat = 'a-envoyer'").bind(reason, remise).run();
  transaction.commit();
}

// What each of them answered, and the deadline that the first acceptance begins (R5).
void Store::note_recipients(const NotificationOutcome& o) {
  // Who has it keeps it.
  const auto keep = [&](const std::string& numero, const std::optional<std::string>& refusal,
                        const std::string& address) {
    db_.query(
           "INSERT INTO notification_recue (remise_id, destinataire, refus, adresse) VALUES (?, ?, ?, ?) ON CONFLICT "
           "DO "
           "UPDATE SET refus = excluded.refus, adresse = excluded.adresse WHERE refus IS NOT NULL")
        .bind(o.remise, numero, refusal, address)
        .run();
  };
  for (const auto& [numero, address] : o.told) keep(numero, std::nullopt, address);
  std::vector<std::string> refused;
  for (const auto& [numero, refusal] : o.refused) {
    keep(numero, refusal.why, refusal.address);
    refused.push_back(fmt::format("{} ({})", numero, refusal.why));
  }
  if (!o.told.empty()) {
    db_.query("UPDATE notification SET premiere_le = coalesce(premiere_le, ?) WHERE remise_id = ?")
        .bind(to_column(o.at), o.remise)
        .run();
  }
  if (o.last_day) {
    db_.query(
           "INSERT INTO echeance (genre, remise_id, jour, etat) SELECT 'retrait', id, ?1, "
           "CASE WHEN retiree_le IS NOT NULL THEN 'tenue' WHEN EXISTS (SELECT 1 FROM lieu_version v WHERE v.lieu_id = "
           "remise.lieu_id AND v.version_id = coalesce(livree_par, remise.version_id) AND instr(v.profil, "
           "'<preuveRetrait>aucune<') > 0) THEN 'sans-preuve' ELSE 'ouverte' END FROM remise WHERE id = ?2 AND NOT "
           "EXISTS (SELECT 1 FROM echeance e WHERE e.remise_id = ?2 AND e.genre = 'retrait')")
        .bind(model::to_iso(*o.last_day), o.remise)
        .run();
  }
  if (o.accepted || (o.told.empty() && refused.empty())) return;  // else the whole answer is told at once
  trace(o.at, "notification.reponses", remise_object(o.remise),
        fmt::format("joints={}{}{}{}{}{}", names_of(o.told), refused.empty() ? "" : " non-joints=",
                    text::join(refused, ","), o.put_off.empty() ? "" : " differes=", text::join(o.put_off, ","),
                    o.last_day ? " dernier-jour=" + model::to_iso(*o.last_day) : ""));
}

// Withdrawn while the mail was under way: nothing is due of it, and who has the mail is known all the same.
bool Store::notification_waits(const NotificationOutcome& o) {
  auto q = db_.query("SELECT etat = 'a-envoyer' FROM notification WHERE remise_id = ?");
  if (q.bind(o.remise).step()) return q.integer(0) != 0;
  std::vector<std::string> told;
  for (const auto& [numero, address] : o.told) told.push_back(numero);
  if (!told.empty()) trace(o.at, "notification.sans-objet", remise_object(o.remise), "joints=" + text::join(told, ","));
  return false;
}

void Store::apply_notifications(const std::vector<NotificationOutcome>& outcomes) {
  sqlite::Transaction transaction(db_);
  for (const NotificationOutcome& o : outcomes) {
    const std::string object = remise_object(o.remise);
    if (!notification_waits(o)) continue;  // or said twice: the first one is day 0
    note_recipients(o);
    if (!o.accepted) {
      db_.query(
             "UPDATE notification SET tentatives = tentatives + 1, prochaine = coalesce(?1, prochaine), "
             "retenue = ?1 IS NULL, retenue_par = iif(?1 IS NULL, nullif(?4, 0), NULL), motif = ?2 WHERE remise_id = "
             "?3")
          .bind(o.next_attempt ? std::optional(to_column(*o.next_attempt)) : std::nullopt, o.reason, o.remise,
                o.version)
          .run();
      trace(o.at, o.next_attempt ? "notification.differee" : "notification.retenue", object, o.reason);
      continue;
    }
    db_.query(
           "UPDATE notification SET etat = 'envoyee', tentatives = tentatives + 1, motif = NULL, message_id = ?, "
           "acceptee_le = coalesce(premiere_le, ?), destinataires = ? WHERE remise_id = ? AND etat = 'a-envoyer'")
        .bind(o.message_id, to_column(o.at), static_cast<std::int64_t>(o.recipients), o.remise)
        .run();
    trace(o.at, "notification.acceptee", object,
          fmt::format("destinataires={}{}{} dernier-jour={}", o.recipients, o.missed.empty() ? "" : " non-joints=",
                      text::join(o.missed, ","), model::to_iso(o.last_day.value())));
  }
  transaction.commit();
}

}  // namespace navette::store
