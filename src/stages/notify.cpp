#include "stages/notify.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "base/heartbeat.h"
#include "base/log.h"
#include "channels/mail_head.h"
#include "flux/channel_profile.h"
#include "lib/crypto/sha256.h"
#include "lib/mime/address.h"
#include "lib/xml/writer.h"
#include "model/civil_time.h"
#include "model/states.h"

namespace navette::stages {
namespace {

constexpr std::size_t mails_at_once = 100;

std::string describe_notification(const store::DueNotification& n, const std::string& place, model::Day last_day) {
  std::string bytes;
  xml::Writer writer([&](std::string_view piece) { bytes += piece; });
  writer.open("notification", {{"xmlns", "urn:navette:notification:1"}});
  writer.leaf("remise", n.remise_name);
  writer.leaf("reemission", n.first_issue);
  writer.leaf("lieu", n.lieu_nom);
  writer.leaf("partenaire", n.partenaire);
  writer.leaf("convention", n.convention);
  writer.leaf("nombre", std::to_string(n.demandes));
  writer.leaf("emplacement", place);
  writer.leaf("dernierJour", model::to_french(last_day));
  writer.leaf("delai", std::to_string(n.pickup_days));
  writer.leaf("conservation", std::to_string(n.retention_months));
  writer.leaf("contact", n.contact);
  writer.close();
  writer.finish();
  return bytes;
}

// The HTML document inside <courriel>, as notification.xsl promises it.
std::string html_of(const xml::Document& courriel) {
  const std::string bytes = courriel.serialise();
  const std::string_view end = "</html>";
  const auto from = bytes.find("<html");
  const auto to = bytes.rfind(end);
  if (from == std::string::npos || to == std::string::npos) throw Error("notification.xsl made no <html>");
  return "<!DOCTYPE html>\n" + bytes.substr(from, to + end.size() - from) + "\n";
}

// By address: a person's numéro. One address of two persons is written to once. A lieu's box, when its channel is a
// mail in clear: this is that mail (docs/adr/0011).
std::map<std::string, std::string> recipients_of(const store::DueNotification& n, model::Day day) {
  std::map<std::string, std::string> out;
  for (const model::Personne& p : model::habilitated(n.personnes, day)) {
    if (mime::is_valid_address(p.courriel)) out.try_emplace(p.courriel, p.numero);
  }
  if (const auto* courriel = std::get_if<model::CourrielChannel>(&n.channel_now); courriel != nullptr && !out.empty()) {
    const auto profile = flux::read_courriel_profile(courriel->xml);
    if (profile.protection == model::Protection::none) out.try_emplace(profile.address, "boite-du-lieu");
  }
  return out;
}

struct Attempt {
  store::NotificationOutcome outcome;
  // What failed is the mail server's.
  std::optional<model::Outcome> server{};
  bool of_recipient = false;  // as MailOutcome has it
  bool under_way = false;     // the same: it is none yet
};

Attempt deferred(const store::DueNotification& n, Instant now, std::string reason) {
  Attempt a;
  a.outcome.remise = n.remise;
  a.outcome.at = now;
  a.outcome.reason = std::move(reason);
  a.outcome.next_attempt = now + std::chrono::hours(1);
  return a;
}

// As model::next_attempt has it. What was not tried itself comes before what was: the server may mind that mail alone.
constexpr double tried = 0.5;
constexpr double untried = 0.4;
constexpr const char* of_mail_server = "serveur-messagerie";
constexpr auto before_tried = std::chrono::minutes(1);  // of those that wait an hour

// Backoff without an end: a notification is never given up, day 0 waits for it. What is wrong with the mail server
// waits an hour; what all recipients refuse for good, for a person: a mail to nobody every hour would get us a bad
// name.
Attempt not_accepted(const store::DueNotification& n, Instant now, const model::Outcome& outcome,
                     double jitter = tried) {
  if (const auto* refused = std::get_if<model::Refused>(&outcome)) {
    const bool of_server = refused->scope == model::Scope::mail_server;
    Attempt a = deferred(n, now, model::with_code(of_server ? of_mail_server : refused->code, refused->reason));
    if (of_server) {
      a.server = outcome;
      if (jitter == untried) *a.outcome.next_attempt -= before_tried;
    } else {
      a.outcome.next_attempt.reset();
    }
    return a;
  }
  const auto& retry = std::get<model::Retry>(outcome);
  const bool of_server = retry.scope == model::Scope::mail_server;
  Attempt a = deferred(n, now, of_server ? model::with_code(of_mail_server, retry.reason) : retry.reason);
  if (of_server) a.server = outcome;
  if (const auto next = model::next_attempt(now, now, n.attempts + 1, jitter)) a.outcome.next_attempt = *next;
  return a;
}

std::string compose(const NotifyTools& tools, const store::DueNotification& n, const channels::Mail& mail,
                    const std::map<std::string, std::string>& recipients, Instant now) {
  const auto sender = tools.sender_for(n.channel, {});
  const std::string place = sender ? sender->describe_place(n.remise_name) : "";
  const model::Day last_day = model::last_day_of_delay(n.first_accepted.value_or(now), n.pickup_days);
  const auto texts = tools.stylesheet.transform(xml::Document::parse(describe_notification(n, place, last_day)));
  const xml::Node root = texts.root();
  std::vector<std::string> to;
  to.reserve(recipients.size());
  for (const auto& [address, numero] : recipients) to.push_back(address);
  mime::Message message = channels::mail_head(mail.from, std::move(to), mail.message_id, now);
  message.subject = root.child_text("objet");
  message.text = root.child_text("texte");
  message.html = html_of(texts);
  return mime::compose(message);
}

// Of the remise's notification as a whole. What some refuse, or whose boxes are put off at the last try, does not hold
// it back when others have it. A fault of the server's or of ours, or a stop, does: it says nothing of them.
bool is_done(const channels::MailOutcome& answer, bool somebody_has_it, bool last_try) {
  if (std::holds_alternative<model::Delivered>(answer.outcome)) return true;
  if (!somebody_has_it) return false;
  const bool of_some = answer.of_recipient || model::scope_of(answer.outcome) != model::Scope::mail_server;
  if (std::holds_alternative<model::Refused>(answer.outcome)) return of_some;
  return last_try && (answer.of_recipient || model::scope_of(answer.outcome) == model::Scope::lieu);
}

const std::string& reason_of(const model::Outcome& outcome) {
  const auto* refused = std::get_if<model::Refused>(&outcome);
  return refused != nullptr ? refused->reason : std::get<model::Retry>(outcome).reason;
}

void note_missed(const store::DueNotification& n, const std::string& numero, const std::string& reason,
                 store::NotificationOutcome& out) {
  out.missed.push_back(numero + " (" + reason + ")");
  log::warning("notification.missed", {{"remise", n.remise_name}, {"personne", numero}, {"reason", reason}});
}

using NotReached = store::DueNotification::Refusal;

// By numéro.
struct Answers {
  std::map<std::string, std::string> told;    // SHA-256 of the address
  std::map<std::string, NotReached> refused;  // for good
  std::vector<std::string> put_off;           // with the reason
};

// Under that very address.
bool is_refused(const store::DueNotification& n, const std::string& numero, const std::string& address) {
  const auto refusal = n.refused.find(numero);
  return refusal != n.refused.end() && refusal->second.address == crypto::sha256_hex(address);
}

Answers answers_of(const channels::MailOutcome& answer, const std::map<std::string, std::string>& recipients) {
  Answers out;
  for (const channels::RecipientAnswer& r : answer.recipients) {
    const std::string& numero = recipients.at(r.address);
    const auto* refused = std::get_if<model::Refused>(&r.outcome);
    if (std::holds_alternative<model::Delivered>(r.outcome)) out.told[numero] = crypto::sha256_hex(r.address);
    if (refused != nullptr && refused->scope == model::Scope::lieu)
      out.refused[numero] = {crypto::sha256_hex(r.address), refused->reason};
    if (std::holds_alternative<model::Retry>(r.outcome))
      out.put_off.push_back(fmt::format("{} ({})", numero, reason_of(r.outcome)));
  }
  return out;
}

Attempt attempt(const NotifyTools& tools, const store::DueNotification& n, const std::stop_token& stop) {
  // One whose mailbox is full for days does not hold the remise: half an hour of tries, then the others count.
  constexpr int tries_for_all = 5;
  Instant now = tools.clock.now();
  const auto recipients = recipients_of(n, model::paris_day(now));
  if (recipients.empty()) {
    return deferred(
        n, now,
        model::with_code("sans-personne-habilitee", "no habilitated person of the lieu has an e-mail address today"));
  }
  channels::Mail mail;
  mail.name = n.remise_name;
  mail.message_id = n.remise_name + "@" + mime::domain_of(tools.from);
  mail.from = tools.from;
  std::size_t reached = 0;
  for (const auto& [address, numero] : recipients) {
    if (n.told.contains(numero) || n.told_addresses.contains(crypto::sha256_hex(address))) {
      ++reached;
    } else if (!is_refused(n, numero, address)) {
      mail.recipients.push_back(address);
    }
  }
  // What the server kept from all was no try of theirs.
  const bool kept_from_all = n.told.empty() && n.reason.starts_with(of_mail_server);
  mail.last_try = n.attempts >= tries_for_all && !kept_from_all;
  channels::MailOutcome answer{model::Delivered{}, {}, false};
  if (mail.recipients.empty()) {  // whoever was missing has left since
    if (reached == 0)
      answer.outcome = model::Refused{"destinataire-refuse", n.refused.begin()->second.why, model::Scope::lieu};
  } else {
    mail.bytes = compose(tools, n, mail, recipients, now);
    answer = tools.mail.send(mail, stop);
    now = answer.at.value_or(tools.clock.now());
  }
  Attempt a;
  // The answer may be to an earlier asking: who has left since is of no account any more.
  std::erase_if(answer.recipients, [&](const auto& r) { return !recipients.contains(r.address); });
  Answers said = answers_of(answer, recipients);
  reached += said.told.size();
  // Whoever came, or was given another address, while it was under way.
  const bool all_asked = std::all_of(mail.recipients.begin(), mail.recipients.end(), [&](const std::string& address) {
    return std::any_of(answer.recipients.begin(), answer.recipients.end(),
                       [&](const channels::RecipientAnswer& r) { return r.address == address; });
  });
  const bool by_others = std::holds_alternative<model::Delivered>(answer.outcome) && reached == 0;
  if (is_done(answer, true, mail.last_try) && (!all_asked || by_others)) {
    a = deferred(n, now, "the persons who are to be told have changed while the mail was under way");
    a.outcome.next_attempt = now;
  } else if (!is_done(answer, reached > 0, mail.last_try)) {
    a = not_accepted(n, now, answer.outcome);
    a.of_recipient = answer.of_recipient;
    a.under_way = answer.under_way;
    if (answer.in_doubt) a.outcome.next_attempt = model::next_copy(now, n.attempts + 1, tried);
  } else {
    a.outcome.remise = n.remise;
    a.outcome.accepted = true;
    a.outcome.at = now;
    a.outcome.message_id = mail.message_id;
    a.outcome.recipients = reached;
    for (const auto& [address, numero] : recipients) {
      if (is_refused(n, numero, address)) note_missed(n, numero, n.refused.at(numero).why, a.outcome);
    }
    for (const channels::RecipientAnswer& r : answer.recipients) {
      if (std::holds_alternative<model::Delivered>(r.outcome)) continue;
      note_missed(n, recipients.at(r.address), reason_of(r.outcome), a.outcome);
      // Left out for the others' sake, perhaps: shown as not reached.
      said.refused.try_emplace(recipients.at(r.address), NotReached{{}, reason_of(r.outcome)});
    }
  }
  a.outcome.told = std::move(said.told);
  a.outcome.refused = std::move(said.refused);
  a.outcome.put_off = std::move(said.put_off);
  a.outcome.version = n.version;
  // Day 0 is the day of the first acceptance (R5); over midnight the lieu has one day more than the mail says, never
  // less.
  if (reached > 0) a.outcome.last_day = model::last_day_of_delay(n.first_accepted.value_or(now), n.pickup_days);
  return a;
}

void tell(const store::DueNotification& n, const store::NotificationOutcome& o) {
  if (o.accepted) {
    log::info(
        "notification.accepted",
        {{"remise", n.remise_name}, {"recipients", o.recipients}, {"last_day", model::to_iso(o.last_day.value())}});
  } else {
    log::warning("notification.deferred", {{"remise", n.remise_name},
                                           {"reason", o.reason},
                                           {"next", o.next_attempt ? model::to_iso_utc(*o.next_attempt) : "held"}});
  }
}

}  // namespace

NotifyReport notify(const NotifyTools& tools, const std::stop_token& stop) {
  const auto end = std::chrono::steady_clock::now() + tools.slice;
  NotifyReport report;
  // What is wrong with the mail server. A hundred mails do not wait for its time-out one after another, before the pass
  // goes on. What it says of a recipient is believed to concern all when it says so of several mails in a row.
  constexpr int believed = 3;
  int in_a_row = 0;
  std::optional<model::Outcome> server;
  bool waits = false;  // for an answer that another call will hear
  while (!stop.stop_requested() && !report.more && !waits) {
    const auto due = tools.store.due_notifications(tools.clock.now(), mails_at_once);
    if (due.empty()) break;
    std::vector<store::NotificationOutcome> outcomes;
    for (const store::DueNotification& n : due) {
      if (stop.stop_requested()) break;
      heartbeat::beat();
      Attempt a;
      try {
        a = server ? not_accepted(n, tools.clock.now(), *server, untried) : attempt(tools, n, stop);
      } catch (const std::exception& e) {
        a = deferred(n, tools.clock.now(), describe(e));
      }
      if (stop.stop_requested() && !a.outcome.accepted && a.outcome.told.empty()) break;  // a stop is no attempt
      if (a.under_way) {
        if (n.reason != a.outcome.reason) tools.store.note_notification(n.remise, a.outcome.reason);
        waits = true;
        break;
      }
      ++(a.outcome.accepted ? report.accepted : report.deferred);
      tell(n, a.outcome);
      in_a_row = a.server ? in_a_row + 1 : 0;
      server = a.of_recipient && in_a_row < believed ? std::nullopt : a.server;
      outcomes.push_back(std::move(a.outcome));
      // With the server at fault the others take no time, and would wait for it once more in the next slice.
      report.more = !server && std::chrono::steady_clock::now() >= end;
      if (report.more) break;
    }
    tools.store.apply_notifications(outcomes);
  }
  return report;
}

}  // namespace navette::stages
