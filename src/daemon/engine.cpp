#include "daemon/engine.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "channels/courriel_sender.h"
#include "channels/depot_sender.h"
#include "channels/mail_beside.h"
#include "channels/mail_directory.h"
#include "channels/sftp_sender.h"
#include "daemon/settings.h"
#include "daemon/used_spool.h"
#include "flux/channel_profile.h"
#include "model/civil_time.h"
#include "stages/alert.h"
#include "stages/answer.h"
#include "stages/courriel_text.h"
#include "stages/deliver.h"
#include "stages/notify.h"
#include "stages/pack.h"
#include "stages/route.h"
#include "stages/sftp_log.h"
#include "store/store.h"

namespace navette::daemon {
namespace {

// Rights lost while packing or delivering send demandes back to routing: so often a pass follows them at most.
constexpr int rounds = 3;

// All of it outlives the factory.
stages::SenderFactory sender_factory(const config::Config& config, const channels::CourrielTools& courriel) {
  return [&](const model::Channel& channel, const std::stop_token& stop) -> std::unique_ptr<channels::FileSender> {
    using channels::DepotSender;
    if (const auto* sftp = std::get_if<model::SftpChannel>(&channel)) {
      return std::make_unique<channels::SftpSender>(flux::read_sftp_profile(sftp->xml), courriel.credentials,
                                                    config.daemon.patience, stop);
    }
    if (const auto* mail = std::get_if<model::CourrielChannel>(&channel)) {
      const model::CourrielProfile profile = flux::read_courriel_profile(mail->xml);
      if (profile.protection != model::Protection::none)
        return std::make_unique<channels::CourrielSender>(profile, courriel, stop);
    }
    // A mail in clear carries no remise: it waits in the dépôt (docs/adr/0011).
    const auto missing = config.depot.create ? DepotSender::Missing::create_plain : DepotSender::Missing::retry;
    return std::make_unique<DepotSender>(config.depot.directory, missing);
  };
}

// `credentials` outlives it.
std::unique_ptr<channels::MailSender> mail_sender(const config::Config& config,
                                                  const channels::Credentials& credentials,
                                                  const stages::Spool& spool) {
  if (config.mail.host.empty()) return std::make_unique<channels::MailDirectory>(spool.courriels.path());
  return std::make_unique<channels::SmtpSender>(mail_settings(config), credentials, config.daemon.patience);
}

std::set<std::string> names_of(const stages::Senders& senders) {
  std::set<std::string> names;
  for (const auto& [name, sender] : senders) names.insert(name);
  return names;
}

// The path, once it is known that a database may be made there if there is none.
std::string database_of(const config::Config& config, bool new_database) {
  require_known_state(config, new_database);
  return config.state.database.string();
}

}  // namespace

// Everything that is loaded once. The locks come first: nothing is opened beside another owner.
struct Engine::Parts {
  Parts(const config::Config& c, const Clock& clk, const Confirmed& confirmed)
      : config(c),
        clock(clk),
        lock(c.spool.directory),
        database_lock(c.state.database),
        spool(stages::Spool::open(c.spool.directory)),
        reference(load_reference_data(c)),
        schemas(flux::Schemas::load(c.data.schemas().string())),
        signer(load_signer(c)),
        renderer(load_renderer(c, signer)),
        notification(xml::Stylesheet::load((c.data.stylesheets() / "notification.xsl").string())),
        alert(xml::Stylesheet::load((c.data.stylesheets() / "alerte.xsl").string())),
        senders(senders_of(c)),
        credentials(c.credentials.directory, c.mail.credential),
        mail(mail_sender(config, credentials, spool)),
        courriel{*mail, credentials, clock, c.mail.from,
                 stages::courriel_texts((c.data.stylesheets() / "remise.xsl").string())},
        mail_beside(*mail, clock),
        sender_for(sender_factory(config, courriel)),
        store(database_of(c, confirmed.new_database), "navette"),
        delivering({spool, store, sender_for, reference, clock, c.daemon.workers, stages::partners_at_a_time,
                    c.spool.stable_after, names_of(senders)}) {
    if (!confirmed.new_database && !confirmed.older_database) require_latest_state(c, store);
    store.end_former_attempts();
    stages::sweep_depart(spool, store);
  }

  config::Config config;
  const Clock& clock;
  SpoolLock lock;
  DatabaseLock database_lock;
  stages::Spool spool;
  model::ReferenceData reference;
  flux::Schemas schemas;
  std::shared_ptr<const crypto::Signer> signer;  // null: PDFs are not signed
  std::unique_ptr<render::Renderer> renderer;
  xml::Stylesheet notification;
  xml::Stylesheet alert;
  stages::Senders senders;
  channels::Credentials credentials;
  std::unique_ptr<channels::MailSender> mail;
  channels::CourrielTools courriel;
  channels::MailBeside mail_beside;
  stages::SenderFactory sender_for;
  store::Store store;
  std::set<std::string> landed;   // what lieux sent back since the last claim: complete
  bool alert_waits = false;       // for a mail that went first
  stages::Delivering delivering;  // last: what is under way is written down before the rest goes
};

namespace {

// One pass: each stage on its own, so that one that fails holds back none.
class Pass {
 public:
  Pass(Engine::Parts& parts, const PassOptions& options, const std::stop_token& stop)
      : parts_(parts), options_(options), stop_(stop) {}

  PassReport run();

 private:
  void met(const std::string& key, std::string text);
  void failed(const std::string& key, const std::string& text);
  void stage(const char* name, const std::function<void()>& work);
  void wait_for_mails_so();
  void read_sftp_log();
  bool take_in();
  void hand_over();
  void notify();
  bool route_and_deliver();
  bool deliver(std::chrono::milliseconds patience);
  void deliver_what_is_quick();
  void finish_deliveries();
  void alert();
  std::function<void(std::size_t)> progress(const char* name);
  void tell_progress(const char* name);

  Engine::Parts& parts_;
  const PassOptions& options_;
  const std::stop_token& stop_;
  PassReport report_;
  std::map<std::string, std::size_t> done_;
  std::map<std::string, std::size_t> total_;
  std::size_t ended_ = 0;   // deliveries, since notifications were last looked for
  bool dissolved_ = false;  // some remise, since routing
};

void Pass::stage(const char* name, const std::function<void()>& work) {
  if (stop_.stop_requested()) return;
  tell_progress(name);
  // Before anything of that stage is promised to anybody; each transaction looks again.
  parts_.store.require_in_place();
  parts_.spool.require_in_place();
  try {
    work();
  } catch (const sqlite::MovedError&) {
    throw;  // no stage may go on
  } catch (const std::exception& e) {
    log::error("stage.failed", {{"stage", name}, {"error", describe(e)}});
    failed(name, fmt::format("{}: {}", name, describe(e)));
  }
}

// A stage is begun several times in a pass: what it meets again is told once.
void Pass::met(const std::string& key, std::string text) {
  const auto known = std::find_if(report_.incidents.begin(), report_.incidents.end(),
                                  [&](const store::Incident& i) { return i.key == key; });
  if (known == report_.incidents.end()) {
    report_.incidents.push_back({key, std::move(text), {}});
  } else {
    known->text = std::move(text);
  }
}

void Pass::failed(const std::string& key, const std::string& text) {
  if (std::find(report_.failures.begin(), report_.failures.end(), text) == report_.failures.end())
    report_.failures.push_back(text);
  met(key, text);
}

std::function<void(std::size_t)> Pass::progress(const char* name) {
  return [this, name](std::size_t n) {
    done_[name] += n;
    tell_progress(name);
  };
}

void Pass::tell_progress(const char* name) {
  if (options_.progress) options_.progress({name, done_[name], total_[name]});
}

PassReport Pass::run() {
  const std::stop_callback interrupted(stop_, [this] { parts_.delivering.interrupt(); });
  parts_.delivering.begin_pass();
  wait_for_mails_so();
  // Where the mail server is slow, there is always another notification to wait for.
  if (options_.alert && parts_.alert_waits) alert();
  read_sftp_log();
  // A round takes a share of each sender's deposits all the way: a hundred thousand of one hold up nobody else's.
  while (take_in() && !stop_.stop_requested()) hand_over();
  hand_over();
  if (options_.wait_for_deliveries) {
    finish_deliveries();
    while (report_.more && !stop_.stop_requested()) notify();
  }
  if (!parts_.landed.empty() && !stop_.stop_requested()) take_in();
  // Not only of this pass: a look that failed is not tried again for an hour.
  for (const std::string& fault : parts_.store.look_faults()) met("pickups " + fault, fault);
  if (options_.alert) alert();
  return report_;
}

// What lieux read of their dépôts since the last pass.
void Pass::read_sftp_log() {
  auto& p = parts_;
  if (p.config.depot.sftp_log.empty()) return;
  stage("journal", [&] { stages::read_sftp_log(p.config.depot.sftp_log, p.store, p.clock, stop_); });
}

// What slow partners have not ended yet. What comes of it, and what is deposited meanwhile, goes all the way as well.
void Pass::finish_deliveries() {
  constexpr std::chrono::milliseconds patience = std::chrono::seconds(1);
  while (!stop_.stop_requested()) {
    const bool under_way = deliver(patience);
    const std::size_t claimed = report_.claimed;
    while (under_way && take_in() && !stop_.stop_requested()) hand_over();
    if (ended_ > 0 || report_.claimed > claimed) {
      hand_over();
    } else if (!under_way) {
      return;
    }
  }
}

// Deliveries go on while a mail server lets us wait. `serve` has more to do than that; `run` does not end before it has
// the answer.
void Pass::wait_for_mails_so() {
  std::optional<std::chrono::milliseconds> patience;
  if (!options_.wait_for_deliveries) patience = parts_.config.daemon.patience;
  parts_.mail_beside.wait_so(patience, [this] { deliver(std::chrono::milliseconds(0)); });
}

void Pass::alert() {
  auto& p = parts_;
  stage("alert", [&] {
    p.alert_waits =
        stages::alert({p.store, p.mail_beside, p.alert, p.reference, p.senders, p.config.mail.from, p.clock}, stop_)
            .waits;
  });
}

// Claims, reads, answers. True when a sender has more than its share.
bool Pass::take_in() {
  auto& p = parts_;
  bool more = false;
  stage("claim", [&] {
    const stages::ClaimRules rules{p.config.spool.stable_after, p.config.limits.flux_size};
    stages::SeenDeposits seen = options_.seen;
    seen.closed.merge(std::exchange(p.landed, {}));
    const auto r = stages::claim(p.spool, p.store, rules, seen, p.clock, stop_);
    report_.claimed += r.claimed;
    report_.young = r.young;
    report_.misplaced = r.misplaced;
    report_.unclaimed = r.failed;
    more = r.more;
    if (r.misplaced > 0) {
      met("misplaced",
          fmt::format("{} in the wrong place under {}: deposits belong in a sender's directory; ls -i tells "
                      "which the log means",
                      text::counted(r.misplaced, "entry", "entries"), p.spool.arrivee.path().string()));
    }
    for (const std::string& fault : r.faults) met("claim " + fault, fault);
    if (r.failed > r.faults.size()) {
      met("claim", fmt::format("deposits or senders' directories under {} could not be taken: the log says why",
                               p.spool.arrivee.path().string()));
    }
  });
  stage("intake", [&] {
    const auto r = stages::intake(
        {p.spool, p.store, p.schemas, p.reference, p.senders, served_channels(), limits_of(p.config), p.clock},
        progress("intake"), stop_);
    report_.refused_flux += r.refused_flux;
    report_.records += r.records;
  });
  stage("answer", [&] { report_.flux += stages::answer(p.spool, p.store, stop_); });
  return more;
}

// Whatever is due leaves and is told.
void Pass::hand_over() {
  for (int i = 0; i < rounds && route_and_deliver(); ++i) continue;
  notify();
}

void Pass::notify() {
  auto& p = parts_;
  report_.more = false;
  ended_ = 0;
  stage("notify", [&] {
    const auto r =
        stages::notify({p.store, p.mail_beside, p.sender_for, p.notification, p.config.mail.from, p.clock}, stop_);
    report_.notified += r.accepted;
    report_.more = r.more;
  });
}

// True when something came back to be routed again.
bool Pass::route_and_deliver() {
  auto& p = parts_;
  bool again = false;
  stage("route", [&] { report_.routed += stages::route(p.store, p.reference, p.clock, stop_).demandes; });
  std::optional<stages::Packing> packing;
  bool more = true;
  while (more && !stop_.stop_requested()) {
    more = false;
    stage("render", [&] {
      // Not for each demande: what cannot be signed now waits, and none of them is at fault.
      if (p.signer) require_valid(p.config, *p.signer, p.clock.now());
      if (!packing) {
        packing.emplace(stages::PackTools{p.spool, p.store, *p.renderer, p.reference, p.clock, p.config.daemon.workers},
                        options_.all, progress("render"), stop_);
        total_["render"] = done_["render"] + packing->total();
        tell_progress("render");
      }
      more = packing->some();
    });
    deliver_what_is_quick();
    if (!more) break;
    // Ten thousand demandes that leave keep no lieu without its mail, and no suspension, end or departure unread.
    notify();
    take_in();
  }
  again = again || dissolved_;
  dissolved_ = false;
  if (packing) {
    const stages::PackReport& r = packing->report();
    report_.remises += r.remises;
    again = again || r.rights_lost > 0;
    for (const std::string& fault : r.faults) failed("render " + fault, "render: " + fault);
  }
  return again && !stop_.stop_requested();
}

// True while something is under way. Waits at most `patience` for something to end.
bool Pass::deliver(std::chrono::milliseconds patience) {
  bool under_way = false;
  stage("deliver", [&] {
    auto& p = parts_;
    under_way = p.delivering.step(patience);
    const auto r = p.delivering.take_report();
    report_.delivered += r.delivered;
    report_.taken_back += r.taken_back;
    report_.deferred += r.deferred;
    report_.refused_remises += r.refused;
    ended_ += r.delivered + r.taken_back + r.cleared + r.deferred + r.refused + r.dissolved;
    dissolved_ = dissolved_ || r.dissolved > 0;
    p.landed.insert(r.landed.begin(), r.landed.end());
    for (const std::string& fault : r.faults) met("pickups " + fault, fault);
  });
  return under_way;
}

// Goes on as long as deliveries end one after another: dépôts, and partners that answer. The others go on beside what
// comes next.
void Pass::deliver_what_is_quick() {
  constexpr std::chrono::milliseconds patience{100};
  std::size_t before = 0;
  do {
    before = ended_;
  } while (!stop_.stop_requested() && deliver(patience) && ended_ > before);
}

}  // namespace

Engine::Engine(const config::Config& config, const Clock& clock, const Confirmed& confirmed)
    : parts_(std::make_unique<Parts>(config, clock, confirmed)) {}
Engine::~Engine() = default;

void Engine::require_plausible_clock() {
  // A step of NTP's, or a summer time set by hand, goes on.
  constexpr auto tolerance = std::chrono::days(1);
  const Instant now = parts_->clock.now();
  const auto last = parts_->store.last_worked();
  if (!last || now + tolerance >= *last) return;
  throw ClockError(
      fmt::format("the machine's clock says {}, but the journal of {} ends at {}: good demandes would be refused for "
                  "their dates. Set the clock (timedatectl); only when it is right now and was wrong then: "
                  "`navette run --trust-clock`",
                  model::to_iso_utc(now), parts_->config.state.database.string(), model::to_iso_utc(*last)));
}

// On a full disk this may fail too: then the log, and `run`'s own summary, are all there is.
void Engine::keep_incidents(const std::vector<store::Incident>& met) {
  try {
    parts_->store.set_incidents(met, parts_->clock.now());
  } catch (const sqlite::MovedError&) {
    throw;
  } catch (const std::exception& e) {
    log::error("incidents.failed", {{"error", describe(e)}});
  }
}

PassReport Engine::pass(const PassOptions& options, const std::stop_token& stop) {
  parts_->store.require_in_place();
  require_plausible_clock();
  const std::string head = parts_->store.trace_head();
  PassReport report = [&] {
    try {
      return Pass(*parts_, options, stop).run();
    } catch (const stages::SpoolMovedError& e) {  // for `status`, until a pass finds all in its place
      keep_incidents({{"spool", e.what(), {}}});
      throw;
    }
  }();
  // A pass that was stopped has not seen everything: what the one before met may still be so.
  if (!stop.stop_requested()) keep_incidents(report.incidents);
  const std::string now = parts_->store.trace_head();
  if (now != head) log::info("trace.head", {{"head", now}});
  return report;
}

Instant Engine::next_due() {
  const Instant now = parts_->clock.now();
  return parts_->store.next_due(now).value_or(now + std::chrono::hours(1));
}

store::Counts Engine::counts() {
  return parts_->store.counts();
}
std::array<Event*, 2> Engine::events() {
  return {&parts_->delivering.ended(), &parts_->mail_beside.answered()};
}
std::string Engine::arrivee() const {
  return parts_->spool.arrivee.path().string();
}

}  // namespace navette::daemon
