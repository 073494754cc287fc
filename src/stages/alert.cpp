#include "stages/alert.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/heartbeat.h"
#include "base/log.h"
#include "channels/mail_head.h"
#include "lib/mime/address.h"
#include "lib/xml/writer.h"
#include "model/civil_time.h"
#include "model/refusal.h"
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

// The code of a reason, without the words that follow it; "inconnue" when it has none. Words are in English, and some
// are those of a partner's server: the mail is French, and its reader administers neither.
std::string cause_of(std::string_view reason) {
  if (reason.empty()) return {};
  if (reason.starts_with(store::not_for_five_days)) reason.remove_prefix(store::not_for_five_days.size());
  const std::string_view code = reason.substr(0, reason.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"));
  return reason.substr(code.size()).starts_with(": ") ? std::string(code) : "inconnue";
}

// The accusé's sentence as a mail has it: typographic, inside a line.
std::string sentence_of(const std::string& code) {
  const auto known = model::parse_code(code);
  if (!known) return code;
  std::string out;
  for (const char c : model::label(*known)) {
    if (c == '\'') {
      out += "\u2019";
    } else if (c == ':' && out.ends_with(' ')) {
      out.replace(out.size() - 1, 1, "\u00A0:");
    } else {
      out += c;
    }
  }
  if (out.ends_with('.')) out.pop_back();
  return out;
}

// The kind of an incident: its key says after that where it was.
std::string kind_of(const store::Incident& incident) {
  return incident.key.substr(0, incident.key.find(' '));
}

// Of our mail server, for as long as it takes: it never holds anything (model::Scope::mail_server), and it is for those
// who run navette to mend.
bool is_of_mail_server(const store::AlertItem& item) {
  return cause_of(item.reason) == "serveur-messagerie";
}

struct Case {
  std::string object;
  std::string cause{};     // a code
  std::string sentence{};  // in French
  std::string demandes{};  // how many
};

std::vector<Case> with_causes(const std::vector<store::AlertItem>& items) {
  std::vector<Case> out;
  out.reserve(items.size());
  for (const store::AlertItem& i : items) out.push_back({i.object, cause_of(i.reason)});
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
  void add(const char* kind, const std::vector<Case>& cases) {
    if (cases.empty()) return;
    total_ += cases.size();
    writer_.open("point", {{"genre", kind}, {"nombre", std::to_string(cases.size())}});
    for (std::size_t i = 0; i < cases.size() && i < named; ++i) {
      writer_.open("cas", {});
      writer_.leaf("objet", cases[i].object);
      if (!cases[i].cause.empty()) writer_.leaf("cause", cases[i].cause);
      if (!cases[i].sentence.empty()) writer_.leaf("motif", cases[i].sentence);
      if (!cases[i].demandes.empty()) writer_.leaf("nombre", cases[i].demandes);
      writer_.close();
    }
    writer_.close();
  }
  std::size_t total() const { return total_; }
  std::string finish() {
    writer_.leaf("total", std::to_string(total_));
    writer_.close();
    writer_.finish();
    return bytes_;
  }

 private:
  std::string bytes_;
  xml::Writer writer_{[this](std::string_view piece) { bytes_ += piece; }};
  std::size_t total_ = 0;
};

// Empty when nothing needs a person.
std::string describe_alert(const AlertTools& tools, const std::string& caf, Instant now) {
  const store::AlertFacts facts = tools.store.alert_facts(caf, now);
  Description d(caf, model::paris_day(now));
  d.add("lieu-injoignable", with_causes(facts.held_partners));
  d.add("remise-retenue", with_causes(facts.held_remises));
  std::vector<store::AlertItem> trouble = facts.remises_in_trouble;
  const auto ours = std::stable_partition(trouble.begin(), trouble.end(), std::not_fn(is_of_mail_server));
  d.add("remise-en-retard", with_causes({trouble.begin(), ours}));
  d.add("messagerie-en-defaut", with_causes({ours, trouble.end()}));
  d.add("notification-en-attente", with_causes(facts.notifications_in_trouble));
  d.add("notification-retenue", with_causes(facts.held_notifications));
  d.add("rappel-en-attente", with_causes(facts.recalls_waiting));
  d.add("rappel-bloque", with_causes(facts.recalls_held));
  d.add("destruction-attendue", with_causes(facts.destructions_waiting));
  d.add("demande-retenue", with_causes(facts.held_demandes));
  d.add("demande-retiree", with_causes(facts.withdrawn_demandes));
  d.add("lieu-suspendu", with_causes(facts.suspended_lieux));
  std::vector<Case> refused;
  refused.reserve(facts.refused_flux.size());
  for (const store::AlertItem& i : facts.refused_flux) refused.push_back({i.object, {}, sentence_of(i.reason)});
  d.add("flux-refuse", refused);
  std::vector<Case> communes;
  for (const store::CommuneWaiting& w : waiting_of(tools, caf)) {
    const model::Commune* commune = tools.reference.find(w.insee);
    communes.push_back(
        {commune == nullptr ? w.insee : commune->nom + " (" + w.insee + ")", {}, {}, std::to_string(w.demandes)});
  }
  d.add("commune-sans-lieu", communes);
  // Of the whole site: which lieu or sender it was is not every Caf's business.
  std::set<std::string> kinds;
  for (const store::Incident& i : tools.store.incidents()) kinds.insert(kind_of(i));
  std::vector<Case> incidents;
  incidents.reserve(kinds.size());
  for (const std::string& kind : kinds) incidents.push_back({kind});
  d.add("incident", incidents);
  return d.total() == 0 ? std::string{} : d.finish();
}

std::string compose(const AlertTools& tools, const channels::Mail& mail, const std::string& description, Instant now) {
  const auto texts = tools.stylesheet.transform(xml::Document::parse(description));
  const xml::Node root = texts.root();
  mime::Message message = channels::mail_head(mail.from, mail.recipients, mail.message_id, now);
  message.subject = root.child_text("objet");
  message.text = root.child_text("texte");
  return mime::compose(message);
}

// Nothing as long as the mail server has not answered.
std::optional<store::AlertOutcome> attempt(const AlertTools& tools, const store::DueAlert& due,
                                           const std::string& description, Instant now, const std::stop_token& stop) {
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
  if (answer.under_way) return std::nullopt;
  if (const auto* r = std::get_if<model::Refused>(&answer.outcome)) return refused(r->reason);
  if (const auto* r = std::get_if<model::Retry>(&answer.outcome)) {
    const int attempts = due.attempts + 1;
    if (const auto next = model::next_attempt(now, now, attempts, 0.5)) out.next_attempt = *next;
    if (answer.in_doubt) out.next_attempt = model::next_copy(now, attempts, 0.5);
    return refused(r->reason);
  }
  for (const channels::RecipientAnswer& r : answer.recipients) {
    if (std::holds_alternative<model::Delivered>(r.outcome)) ++out.recipients;
  }
  return out;
}

}  // namespace

AlertReport alert(const AlertTools& tools, const std::stop_token& stop) {
  AlertReport report;
  const Instant now = tools.clock.now();
  for (const store::DueAlert& due : tools.store.alerts_due(now)) {
    if (stop.stop_requested()) break;
    heartbeat::beat();
    const std::string description = describe_alert(tools, due.caf, now);
    if (description.empty()) continue;
    const auto outcome = attempt(tools, due, description, now, stop);
    report.waits = !outcome;
    if (!outcome || (stop.stop_requested() && !outcome->accepted)) break;  // a stop is no attempt
    tools.store.apply_alert(*outcome);
    if (outcome->accepted) {
      ++report.accepted;
      log::info("alert.accepted", {{"caf", due.caf}, {"recipients", outcome->recipients}});
    } else {
      log::warning("alert.deferred",
                   {{"caf", due.caf}, {"reason", outcome->reason}, {"next", model::to_iso_utc(outcome->next_attempt)}});
    }
  }
  return report;
}

}  // namespace navette::stages
