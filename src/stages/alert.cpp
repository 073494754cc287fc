#include "stages/alert.h"

#include <set>

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

constexpr std::size_t named = 20;  // rows of a kind that the mail names; the others are counted

// The communes of the Caf that wait for a lieu; of all when its départements are not configured.
std::vector<store::CommuneWaiting> waiting_of(const AlertTools& tools, const std::string& caf) {
  std::set<std::string> departements;
  for (const auto& [name, sender] : tools.senders) {
    if (sender.caf == caf) departements.insert(sender.departements.begin(), sender.departements.end());
  }
  std::vector<store::CommuneWaiting> out;
  for (store::CommuneWaiting& w : tools.store.communes_waiting()) {
    const model::Commune* commune = tools.reference.find(w.insee);
    if (departements.empty() || (commune != nullptr && departements.contains(commune->departement))) {
      out.push_back(std::move(w));
    }
  }
  return out;
}

// The input of alerte.xsl, which tells its form.
class Description {
 public:
  Description(const std::string& caf, model::Day day) {
    writer_.open("alerte", {{"xmlns", "urn:navette:alerte:1"}});
    writer_.leaf("caf", caf);
    writer_.leaf("jour", model::to_french(day));
  }
  void add(const char* kind, const std::vector<store::AlertItem>& items) {
    if (items.empty()) return;
    points_ += 1;
    writer_.open("point", {{"genre", kind}, {"nombre", std::to_string(items.size())}});
    for (std::size_t i = 0; i < items.size() && i < named; ++i) {
      writer_.open("cas", {});
      writer_.leaf("objet", items[i].object);
      writer_.leaf("motif", items[i].reason);
      writer_.close();
    }
    writer_.close();
  }
  std::size_t points() const { return points_; }
  std::string finish() {
    writer_.leaf("points", std::to_string(points_));
    writer_.close();
    writer_.finish();
    return bytes_;
  }

 private:
  std::string bytes_;
  xml::Writer writer_{[this](std::string_view piece) { bytes_ += piece; }};
  std::size_t points_ = 0;
};

// Empty when nothing needs a person.
std::string describe_alert(const AlertTools& tools, const std::string& caf, Instant now) {
  const store::AlertFacts facts = tools.store.alert_facts(caf, now);
  Description d(caf, model::paris_day(now));
  d.add("lieu-injoignable", facts.held_partners);
  d.add("remise-retenue", facts.held_remises);
  d.add("remise-en-retard", facts.remises_in_trouble);
  d.add("notification-en-attente", facts.notifications_in_trouble);
  d.add("rappel-en-attente", facts.recalls_waiting);
  d.add("demande-retenue", facts.held_demandes);
  d.add("lieu-suspendu", facts.suspended_lieux);
  d.add("flux-refuse", facts.refused_flux);
  std::vector<store::AlertItem> communes;
  for (const store::CommuneWaiting& w : waiting_of(tools, caf)) {
    const model::Commune* commune = tools.reference.find(w.insee);
    communes.push_back(
        {commune == nullptr ? w.insee : commune->nom + " (" + w.insee + ")", std::to_string(w.demandes)});
  }
  d.add("commune-sans-lieu", communes);
  std::vector<store::AlertItem> incidents;
  for (const store::Incident& i : tools.store.incidents()) incidents.push_back({i.key, i.text});
  d.add("incident", incidents);
  return d.points() == 0 ? std::string{} : d.finish();
}

std::string compose(const AlertTools& tools, const channels::Mail& mail, const std::string& description, Instant now) {
  const auto texts = tools.stylesheet.transform(xml::Document::parse(description));
  const xml::Node root = texts.root();
  mime::Message message;
  message.from = {"navette", mail.from};
  message.to = mail.recipients;
  message.subject = root.child_text("objet");
  message.date = now;
  message.utc_offset = model::paris_offset(now);
  message.message_id = mail.message_id;
  message.text = root.child_text("texte");
  return mime::compose(message);
}

store::AlertOutcome attempt(const AlertTools& tools, const store::DueAlert& due, const std::string& description,
                            Instant now, const std::stop_token& stop) {
  const model::Day day = model::paris_day(now);
  store::AlertOutcome out{due.caf, day, now, true, 0, {}, now + std::chrono::hours(1)};
  channels::Mail mail;
  mail.name = "alerte-" + due.caf + "-" + model::to_iso(day);
  mail.message_id = mail.name + "@" + mime::domain_of(tools.from);
  mail.from = tools.from;
  for (const std::string& address : due.contacts) {
    if (mime::is_valid_address(address)) mail.recipients.push_back(address);
  }
  mail.last_try = due.attempts > 0;
  const auto refused = [&](std::string reason) {
    out.accepted = false;
    out.reason = std::move(reason);
    return out;
  };
  if (mail.recipients.empty()) return refused("no contact of the Caf has an e-mail address");
  mail.bytes = compose(tools, mail, description, now);
  const auto answer = tools.mail.send(mail, stop);
  if (const auto* r = std::get_if<model::Refused>(&answer.outcome)) return refused(r->reason);
  if (const auto* r = std::get_if<model::Retry>(&answer.outcome)) {
    if (const auto next = model::next_attempt(now, now, due.attempts + 1, 0.5)) out.next_attempt = *next;
    return refused(r->reason);
  }
  for (const channels::RecipientAnswer& r : answer.recipients) {
    if (std::holds_alternative<model::Delivered>(r.outcome)) ++out.recipients;
  }
  return out;
}

}  // namespace

std::size_t alert(const AlertTools& tools, const std::stop_token& stop) {
  std::size_t accepted = 0;
  const Instant now = tools.clock.now();
  for (const store::DueAlert& due : tools.store.alerts_due(now)) {
    if (stop.stop_requested()) break;
    heartbeat::beat();
    const std::string description = describe_alert(tools, due.caf, now);
    if (description.empty()) continue;
    const store::AlertOutcome outcome = attempt(tools, due, description, now, stop);
    if (stop.stop_requested() && !outcome.accepted) break;  // a stop is no attempt
    tools.store.apply_alert(outcome);
    if (outcome.accepted) {
      ++accepted;
      log::info("alert.accepted", {{"caf", due.caf}, {"recipients", outcome.recipients}});
    } else {
      log::warning("alert.deferred",
                   {{"caf", due.caf}, {"reason", outcome.reason}, {"next", model::to_iso_utc(outcome.next_attempt)}});
    }
  }
  return accepted;
}

}  // namespace navette::stages
