#include "stages/notify.h"

#include <algorithm>

#include "base/error.h"
#include "base/heartbeat.h"
#include "base/log.h"
#include "lib/mime/address.h"
#include "lib/mime/message.h"
#include "lib/xml/writer.h"
#include "model/civil_time.h"
#include "model/states.h"

namespace navette::stages {
namespace {

constexpr std::size_t batch = 100;

std::string describe_notification(const store::DueNotification& n, const std::string& place, model::Day last_day) {
  std::string bytes;
  xml::Writer writer([&](std::string_view piece) { bytes += piece; });
  writer.open("notification", {{"xmlns", "urn:navette:notification:1"}});
  writer.leaf("remise", n.remise_name);
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

std::vector<std::string> recipients_of(const store::DueNotification& n, model::Day day) {
  std::vector<std::string> out;
  for (const model::Personne& p : model::habilitated(n.personnes, day)) {
    const bool known = std::find(out.begin(), out.end(), p.courriel) != out.end();
    if (!known && mime::is_valid_address(p.courriel)) out.push_back(p.courriel);
  }
  return out;
}

std::string domain_of(const std::string& address) {
  return address.substr(address.rfind('@') + 1);
}

store::NotificationOutcome attempt(const NotifyTools& tools, const store::DueNotification& n,
                                   const std::stop_token& stop) {
  const Instant now = tools.clock.now();
  store::NotificationOutcome out;
  out.remise = n.remise;
  out.at = now;
  out.next_attempt = now + std::chrono::hours(1);
  const auto recipients = recipients_of(n, model::paris_day(now));
  if (recipients.empty()) {
    out.reason = "no habilitated person of the lieu has an e-mail address today";
    return out;
  }
  out.last_day = model::last_day_of_delay(now, n.pickup_days);
  out.message_id = n.remise_name + "@" + domain_of(tools.from);
  const auto sender = tools.sender_for(n.channel, {});
  const std::string place = sender ? sender->describe_place(n.remise_name) : "";
  const auto texts = tools.stylesheet.transform(xml::Document::parse(describe_notification(n, place, out.last_day)));
  const xml::Node root = texts.root();
  mime::Message message;
  message.from = {"navette", tools.from};
  message.to = recipients;
  message.subject = root.child_text("objet");
  message.date = now;
  message.utc_offset = model::paris_offset(now);
  message.message_id = out.message_id;
  message.text = root.child_text("texte");
  message.html = html_of(texts);
  const auto answer =
      tools.mail.send({n.remise_name, out.message_id, tools.from, recipients, mime::compose(message)}, stop);
  // Day 0 is the day of the acceptance (R5); over midnight the lieu has one day more than the mail says, never less.
  out.at = tools.clock.now();
  if (std::holds_alternative<model::Delivered>(answer.outcome)) {
    out.last_day = model::last_day_of_delay(out.at, n.pickup_days);
    out.accepted = true;
    out.recipients = recipients.size();
    return out;
  }
  const auto* retry = std::get_if<model::Retry>(&answer.outcome);
  out.reason = retry != nullptr ? retry->reason : std::get<model::Refused>(answer.outcome).reason;
  // Backoff without an end: a notification is never given up, day 0 waits for it.
  if (const auto next = model::next_attempt(now, now, n.attempts + 1, 0.5)) out.next_attempt = *next;
  return out;
}

}  // namespace

NotifyReport notify(const NotifyTools& tools, const std::stop_token& stop) {
  NotifyReport report;
  while (!stop.stop_requested()) {
    const auto due = tools.store.due_notifications(tools.clock.now(), batch);
    if (due.empty()) break;
    std::vector<store::NotificationOutcome> outcomes;
    for (const store::DueNotification& n : due) {
      if (stop.stop_requested()) break;
      heartbeat::beat();
      try {
        outcomes.push_back(attempt(tools, n, stop));
      } catch (const std::exception& e) {
        store::NotificationOutcome failed;
        failed.remise = n.remise;
        failed.at = tools.clock.now();
        failed.next_attempt = failed.at + std::chrono::hours(1);
        failed.reason = describe(e);
        outcomes.push_back(std::move(failed));
      }
      const auto& o = outcomes.back();
      if (o.accepted) {
        ++report.accepted;
        log::info("notification.accepted",
                  {{"remise", n.remise_name}, {"recipients", o.recipients}, {"last_day", model::to_iso(o.last_day)}});
      } else {
        ++report.deferred;
        log::warning("notification.deferred",
                     {{"remise", n.remise_name}, {"reason", o.reason}, {"next", model::to_iso_utc(o.next_attempt)}});
      }
    }
    tools.store.apply_notifications(outcomes);
  }
  return report;
}

}  // namespace navette::stages
