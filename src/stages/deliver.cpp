#include "stages/deliver.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "flux/channel_profile.h"
#include "lib/crypto/random.h"
#include "model/civil_time.h"
#include "stages/delivery.h"
#include "stages/rights.h"

namespace navette::stages {
namespace {

constexpr std::size_t group = 100;  // outcomes a transaction

// In [0, 1): spreads the retries of partners.
double jitter() {
  return static_cast<unsigned char>(crypto::random_bytes(1)[0]) / 256.0;
}

}  // namespace

struct Delivering::Ended {
  std::uint64_t job = 0;
  Delivery::Result result;
};

// Where the threads put what they did.
class Delivering::Inbox {
 public:
  void put(Ended ended) {
    {
      const std::lock_guard lock(mutex_);
      ended_.push_back(std::move(ended));
    }
    ready_.notify_one();
    event_.set();
  }
  // What has ended, waiting for the first at most `patience`.
  std::vector<Ended> take(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, patience, [&] { return !ended_.empty(); });
    event_.clear();
    return std::exchange(ended_, {});
  }
  Event& event() { return event_; }

 private:
  Event event_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<Ended> ended_;
};

Delivering::Delivering(const DeliverTools& tools)
    : tools_(tools), inbox_(std::make_unique<Inbox>()), started_(tools.clock.now()) {}

Delivering::~Delivering() {
  interrupt();
  for (auto& [serial, job] : active_) {
    if (job->thread.joinable()) job->thread.join();
  }
  try {
    take_ended(std::chrono::milliseconds(0));
    write_down();
  } catch (const std::exception& e) {
    // What is not written down is looked for at the partner by the next attempt.
    log::error("deliver.failed", {{"error", describe(e)}});
  }
}

Event& Delivering::ended() const {
  return inbox_->event();
}

DeliverReport Delivering::take_report() {
  return std::exchange(report_, {});
}

bool Delivering::step(std::chrono::milliseconds patience) {
  while (begin_due()) continue;
  begin_looks();
  idle_.clear();
  const bool under_way = !active_.empty();
  if (under_way) {
    take_ended(ended_.empty() ? patience : std::chrono::milliseconds(0));
    write_down();
  }
  clean();
  return under_way;
}

// Rights are checked, the intent is written, threads are begun, as far as there are places. True when more may be begun
// at once.
bool Delivering::begin_due() {
  if (stop_.stop_requested()) return false;
  const auto count = [&](bool local) {
    return static_cast<std::size_t>(std::count_if(
        active_.begin(), active_.end(), [&](const auto& a) { return a.second->local == local && !a.second->look; }));
  };
  std::size_t places_here = tools_.workers - std::min<std::size_t>(tools_.workers, count(true));
  std::size_t places_there = tools_.partners - std::min<std::size_t>(tools_.partners, count(false));
  auto failing = static_cast<std::size_t>(std::count_if(active_.begin(), active_.end(), [](const auto& a) {
    return !a.second->local && !a.second->look && a.second->remise.partner_failures > 0;
  }));
  Traffic busy = traffic();
  store::DueFilter filter;
  filter.wanted = [&](const store::DueRemise& remise) {
    const bool fails = remise.partner_failures > 0 && !std::holds_alternative<model::DepotChannel>(remise.channel);
    if (fails && failing >= (tools_.partners + 1) / 2) return false;
    if (!busy.take(remise)) return false;
    if (fails) ++failing;
    return true;
  };
  filter.local = places_here;
  filter.remote = places_there;
  const Instant now = tools_.clock.now();
  std::vector<std::unique_ptr<Delivery>> jobs;
  std::vector<store::RowId> ids;
  std::vector<store::RowId> apart;
  std::vector<store::RowId> recalls;
  bool settled = false;
  for (const store::DueRemise& remise : tools_.store.due_remises(now, filter)) {
    auto job = job_for(remise);
    if (!job) {
      settled = true;
      continue;
    }
    if (job->take_apart) apart.push_back(remise.id);
    if (remise.recall) recalls.push_back(remise.id);
    if (job->sends()) ids.push_back(remise.id);
    jobs.push_back(std::move(job));
  }
  const auto begun = ids.empty() ? std::set<store::RowId>{} : tools_.store.begin_attempts(ids, now);
  tools_.store.begin_taking_apart(apart);
  tools_.store.begin_recalls(recalls);
  for (auto& job : jobs) {
    if (job->sends() && !begun.contains(job->remise.id)) {
      settled = true;  // its place is another's
      continue;
    }
    start(std::move(job));
  }
  return settled;
}

Traffic Delivering::traffic() const {
  Traffic out;
  for (const auto& [serial, job] : active_) out.add(job->passage());
  for (const Account& account : unserved_) out.close(account);
  return out;
}

void Delivering::start(std::unique_ptr<Delivery> job) {
  // Connections that nobody took count at the account too.
  if (job->account) std::erase_if(idle_, [&](const Idle& idle) { return idle.account == job->account; });
  const std::uint64_t serial = ++started_jobs_;
  Delivery& running = *(active_[serial] = std::move(job));
  running.thread = std::jthread([this, &running, serial, token = stop_.get_token()] {
    inbox_->put({serial, running.run(tools_, token)});
  });
}

// One that is connected, if it serves that very channel; else a new one.
void Delivering::take_sender(Delivery& job, const model::Channel& channel) {
  if (const auto access = access_of(channel)) job.account = access->account;
  const auto known = std::find_if(idle_.begin(), idle_.end(), [&](const Idle& idle) {
    return idle.place == Place{job.lieu, job.via};
  });
  if (known == idle_.end()) {
    job.sender = tools_.sender_for(channel, stop_.get_token());
    return;
  }
  job.sender = std::move(known->sender);
  idle_.erase(known);
}

// Nothing when all is done already: taken apart without a word to the partner, or put off until its hours.
std::unique_ptr<Delivery> Delivering::job_for(const store::DueRemise& remise) {
  const Instant now = tools_.clock.now();
  const auto lieu = tools_.store.lieu_in_force(remise.lieu, model::paris_day(now));
  Rights rights = sort_by_rights(tools_.store.acheminements_of(remise.id), lieu, tools_.reference);
  const bool held = std::any_of(rights.kept.begin(), rights.kept.end(), [](const auto& a) { return a.held; });
  auto job = std::make_unique<Delivery>();
  job->lieu = remise.lieu;
  job->remise = remise;
  job->anothers = would_take_anothers(remise, lieu);
  job->take_apart = !remise.recall && (held || !rights.lost.empty());
  job->lost = std::move(rights.lost);
  if (job->take_apart && !remise.tried) {
    dissolve(*job);
    return nullptr;
  }
  job->local = std::holds_alternative<model::DepotChannel>(remise.channel);
  job->via = remise.via;
  take_sender(*job, remise.channel);
  if (const auto opens = job->sender ? job->sender->opens_at(now) : std::nullopt) {
    tools_.store.put_off(remise.lieu, *opens, now);
    return nullptr;
  }
  return job;
}

void Delivering::dissolve(const Delivery& job) {
  tools_.store.dissolve(job.remise.id, job.lost, tools_.clock.now());
  ++report_.dissolved;
  log::warning("remise.dissolved", {{"remise", job.remise.name},
                                    {"reason", job.lost.empty() ? "an operator holds a demande" : "rights lost"},
                                    {"rights_lost", job.lost.size()}});
}

namespace {

// Others at the account would fare no better now.
bool is_unserved(const model::Outcome& outcome) {
  const auto* retry = std::get_if<model::Retry>(&outcome);
  return retry != nullptr && (retry->scope == model::Scope::access || retry->scope == model::Scope::mail_server);
}

}  // namespace

void Delivering::take_ended(std::chrono::milliseconds patience) {
  std::size_t taken = ended_.size();
  for (Ended& e : inbox_->take(patience)) {
    active_.at(e.job)->result = std::move(e.result);
    ended_.push_back(e.job);
  }
  for (; taken < ended_.size(); ++taken) {
    Delivery& job = *active_.at(ended_[taken]);
    if (job.thread.joinable()) job.thread.join();
    if (job.sender) idle_.push_back({{job.lieu, job.via}, job.account, std::move(job.sender)});
    const auto* outcome = std::get_if<model::Outcome>(&*job.result);
    if (outcome == nullptr) continue;
    if (std::holds_alternative<model::Delivered>(*outcome)) note_success(job);
    if (job.account && is_unserved(*outcome)) unserved_.insert(*job.account);
    job.to_write =
        job.remise.recall ? concluded_recall(job, job.judged(*outcome)) : concluded(job, job.judged(*outcome));
  }
}

// In the order in which they ended. What the store does not take stays, and nothing of it is begun meanwhile: it is
// written by a later step. A failure may have come after the commit: the store counts once what it is told twice.
void Delivering::write_down() {
  const auto done = [&](std::size_t count) {
    for (; count > 0; --count) {
      active_.erase(ended_.front());
      ended_.pop_front();
    }
  };
  while (!ended_.empty()) {
    std::vector<store::DeliveryOutcome> outcomes;
    for (const std::uint64_t serial : ended_) {
      const Delivery& job = *active_.at(serial);
      if (!job.to_write || job.remise.recall || outcomes.size() == group) break;
      outcomes.push_back(*job.to_write);
    }
    if (!outcomes.empty()) {
      tools_.store.apply_deliveries(outcomes);
      done(outcomes.size());
    } else {
      write_down(*active_.at(ended_.front()));
      done(1);
    }
  }
}

void Delivering::write_down(const Delivery& job) {
  if (job.to_write) {
    tools_.store.apply_recall(*job.to_write);
  } else if (std::holds_alternative<Delivery::TakenApart>(*job.result)) {
    dissolve(job);
  } else if (std::holds_alternative<Delivery::Cleared>(*job.result)) {
    tools_.store.apply_cleared(job.remise.id, tools_.clock.now());
    ++report_.cleared;
    log::info("remise.cleared", {{"remise", job.remise.name}, {"lieu", job.remise.lieu_identifiant}});
  } else if (std::holds_alternative<Delivery::Looked>(*job.result)) {
    conclude_look(job);
  } else if (std::holds_alternative<Delivery::NotBegun>(*job.result) && job.sends()) {
    tools_.store.abandon_attempt(job.remise.id, job.remise.tried, tools_.clock.now());
  } else if (const auto* unknown = std::get_if<Delivery::Unknown>(&*job.result)) {
    tools_.store.note_arrived(job.remise.id, unknown->arrived);
  }
}

void Delivering::note_success(const Delivery& job) {
  for (auto& [serial, other] : active_) {
    if (other->lieu == job.lieu) other->lieu_served = true;
    if (job.account && other->account == job.account) other->account_served = true;
  }
}

// The lieu has nothing of a withdrawn remise any more, or it is tried again for as long as that takes.
store::DeliveryOutcome Delivering::concluded_recall(const Delivery& job, model::Outcome outcome) {
  const store::DueRemise& remise = job.remise;
  const Instant now = tools_.clock.now();
  store::DeliveryOutcome out{remise.id, std::move(outcome), now, std::nullopt, job.via};
  if (const auto* removed = std::get_if<model::Delivered>(&out.outcome)) {
    ++report_.taken_back;
    log::info("remise.taken_back",
              {{"remise", remise.name}, {"lieu", remise.lieu_identifiant}, {"facts", removed->facts}});
  } else {
    const auto* refused = std::get_if<model::Refused>(&out.outcome);
    const auto* retry = std::get_if<model::Retry>(&out.outcome);
    out.failures = job.failures(scope_of(out.outcome));
    if (retry != nullptr) out.next_attempt = model::next_attempt(now, now, out.failures, jitter());
    ++report_.deferred;
    log::warning("recall.deferred", {{"remise", remise.name},
                                     {"lieu", remise.lieu_identifiant},
                                     {"reason", refused != nullptr ? refused->reason : retry->reason}});
  }
  return out;
}

store::DeliveryOutcome Delivering::concluded(const Delivery& job, model::Outcome outcome) {
  const store::DueRemise& remise = job.remise;
  const Instant now = tools_.clock.now();
  store::DeliveryOutcome out{remise.id, std::move(outcome), now, std::nullopt, job.via};
  out.begun = job.sends();
  const int attempts = remise.attempts + 1;
  const log::Fields fields = {{"remise", remise.name}, {"lieu", remise.lieu_identifiant}, {"attempt", attempts}};
  const auto with = [&](std::initializer_list<log::Field> more) {
    log::Fields all = fields;
    all.insert(all.end(), more);
    return all;
  };
  if (const auto* delivered = std::get_if<model::Delivered>(&out.outcome)) {
    ++report_.delivered;
    log::info("remise.delivered", with({{"facts", delivered->facts}}));
  } else if (const auto* refused = std::get_if<model::Refused>(&out.outcome)) {
    ++report_.refused;
    out.failures = job.failures(refused->scope);
    out.left_nothing = refused->left_nothing && !remise.tried;
    log::error("remise.refused", with({{"code", refused->code}, {"reason", refused->reason}}));
  } else {
    const auto& retry = std::get<model::Retry>(out.outcome);
    const bool own = retry.scope == model::Scope::remise;
    out.failures = own ? attempts : job.failures(retry.scope);
    out.left_nothing = retry.left_nothing && !remise.tried;
    auto first = own ? remise.failing_since : remise.partner_failing_since;
    if (retry.scope == model::Scope::mail_server || (!own && job.served(retry.scope))) first.reset();
    out.failing_since = first.value_or(now);
    out.next_attempt = model::next_attempt(now, *out.failing_since, out.failures, jitter());
    if (out.next_attempt && retry.not_before) out.next_attempt = std::max(*out.next_attempt, *retry.not_before);
    ++report_.deferred;
    log::warning("remise.deferred", with({{"reason", retry.reason},
                                          {"next", out.next_attempt ? model::to_iso_utc(*out.next_attempt) : "held"}}));
  }
  return out;
}

// Bytes whose remise is delivered (or taken apart) have served; families' data lie in no more places than needed.
void Delivering::clean() {
  while (true) {
    const auto departed = tools_.store.departed(group);
    for (const auto& d : departed) {
      if (const auto lieu = tools_.spool.depart.find_dir(d.lieu)) lieu->remove_tree(d.name);
      tools_.store.depart_removed(d.remise);
    }
    if (departed.size() < group) return;
  }
}

}  // namespace navette::stages
