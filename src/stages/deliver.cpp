#include "stages/deliver.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/parallel.h"
#include "lib/crypto/random.h"
#include "model/civil_time.h"
#include "stages/rights.h"

namespace navette::stages {
namespace {

constexpr std::size_t batch = 32;   // remises whose rights are checked at a time, right before they leave
constexpr std::size_t group = 100;  // outcomes a transaction

// In [0, 1): spreads the retries of partners.
double jitter() {
  return static_cast<unsigned char>(crypto::random_bytes(1)[0]) / 256.0;
}

struct Job {
  store::DueRemise remise;
  channels::FileSender* sender = nullptr;  // none: the channel is not served by this navette
};

class Deliverer {
 public:
  Deliverer(const DeliverTools& tools, const std::function<void()>& progress, const std::stop_token& stop)
      : tools_(tools), progress_(progress), stop_(stop) {}

  DeliverReport run() {
    clean();
    while (!stop_.stop_requested()) {
      const auto due = tools_.store.due_remises(tools_.clock.now(), batch);
      if (due.empty()) break;
      attempt(check_rights(due));
      clean();
    }
    return report_;
  }

 private:
  std::vector<Job> check_rights(const std::vector<store::DueRemise>& due);
  void take_apart(const store::DueRemise& remise, const std::vector<store::DueAcheminement>& lost);
  bool found_there(const store::DueRemise& remise);
  void attempt(std::vector<Job> jobs);
  model::Outcome send(const Job& job) const;
  store::DeliveryOutcome concluded(const Job& job, model::Outcome outcome);
  void apply(const std::vector<store::DeliveryOutcome>& outcomes);
  void clean();

  const DeliverTools& tools_;
  const std::function<void()>& progress_;
  const std::stop_token& stop_;
  DeliverReport report_;
};

std::vector<Job> Deliverer::check_rights(const std::vector<store::DueRemise>& due) {
  std::vector<Job> jobs;
  const Instant now = tools_.clock.now();
  for (const store::DueRemise& remise : due) {
    const auto lieu = tools_.store.lieu_in_force(remise.lieu, model::paris_day(now));
    const Rights rights = sort_by_rights(tools_.store.acheminements_of(remise.id), lieu, tools_.reference);
    const bool held = std::any_of(rights.kept.begin(), rights.kept.end(), [](const auto& a) { return a.held; });
    if (held || !rights.lost.empty()) {
      take_apart(remise, rights.lost);
      continue;
    }
    const auto sender = tools_.senders.find(model::kind_of(lieu->channel));
    jobs.push_back({remise, sender == tools_.senders.end() ? nullptr : sender->second.get()});
  }
  return jobs;
}

void Deliverer::take_apart(const store::DueRemise& remise, const std::vector<store::DueAcheminement>& lost) {
  const auto sender = tools_.senders.find(remise.channel);
  try {
    if (found_there(remise)) return;
    if (sender != tools_.senders.end()) {
      const auto lieu = tools_.spool.depart.find_dir(remise.lieu_identifiant);
      const auto source = lieu ? lieu->find_dir(remise.name) : std::nullopt;
      if (source) sender->second->forget({remise.name, remise.lieu_identifiant, *source, remise.files});
    }
  } catch (const std::exception& e) {
    // Whether the lieu has it cannot be told now: later, and nothing leaves meanwhile.
    apply({concluded({remise, nullptr}, model::Retry{describe(e), std::nullopt})});
    return;
  }
  tools_.store.dissolve(remise.id, lost, tools_.clock.now());
  ++report_.dissolved;
  log::warning("remise.dissolved", {{"remise", remise.name},
                                    {"reason", lost.empty() ? "an operator holds a demande" : "rights lost"},
                                    {"rights_lost", lost.size()}});
}

// A crash came between the delivery and its row: the lieu has the remise, whatever was lost since. Cancelling it would
// deliver its demandes twice, or deny what happened.
bool Deliverer::found_there(const store::DueRemise& remise) {
  const auto sender = tools_.senders.find(remise.channel);
  if (sender == tools_.senders.end()) return false;
  const auto lieu = tools_.spool.depart.find_dir(remise.lieu_identifiant);
  const auto source = lieu ? lieu->find_dir(remise.name) : std::nullopt;
  if (!source) return false;
  auto found = sender->second->look({remise.name, remise.lieu_identifiant, *source, remise.files});
  if (!found) return false;
  apply({concluded({remise, sender->second.get()}, std::move(*found))});
  return true;
}

// Workers send, this thread applies: the store belongs to one thread.
void Deliverer::attempt(std::vector<Job> jobs) {
  std::vector<store::RowId> ids;
  ids.reserve(jobs.size());
  for (const Job& job : jobs) ids.push_back(job.remise.id);
  if (ids.empty()) return;
  const auto begun = tools_.store.begin_attempts(ids, tools_.clock.now());
  std::erase_if(jobs, [&](const Job& job) { return !begun.contains(job.remise.id); });
  std::set<store::RowId> unanswered = begun;
  std::mutex mutex;
  std::condition_variable ready;
  std::vector<std::pair<std::size_t, model::Outcome>> done;
  std::exception_ptr failure;
  bool ended = false;
  std::jthread pool([&] {
    try {
      parallel_for(jobs.size(), tools_.workers, [&](std::size_t i) {
        if (stop_.stop_requested()) return;  // not attempted: still due
        auto outcome = send(jobs[i]);
        const std::lock_guard lock(mutex);
        done.emplace_back(i, std::move(outcome));
        if (done.size() >= group) ready.notify_one();
      });
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    ended = true;
    ready.notify_one();
  });
  while (true) {
    std::vector<std::pair<std::size_t, model::Outcome>> taken;
    bool last = false;
    {
      std::unique_lock lock(mutex);
      ready.wait_for(lock, std::chrono::seconds(1), [&] { return ended || done.size() >= group; });
      taken.swap(done);
      last = ended;
    }
    std::vector<store::DeliveryOutcome> outcomes;
    outcomes.reserve(taken.size());
    for (auto& [i, outcome] : taken) {
      unanswered.erase(jobs[i].remise.id);
      outcomes.push_back(concluded(jobs[i], std::move(outcome)));
    }
    if (!outcomes.empty()) apply(outcomes);
    if (progress_) progress_();
    if (last) break;
  }
  if (failure) std::rethrow_exception(failure);
  tools_.store.abandon_attempts({unanswered.begin(), unanswered.end()});
}

model::Outcome Deliverer::send(const Job& job) const {
  if (job.sender == nullptr)
    return model::Refused{"canal-indisponible", "this navette does not serve the lieu's channel"};
  try {
    const Directory source = tools_.spool.depart.open_dir(job.remise.lieu_identifiant).open_dir(job.remise.name);
    return job.sender->send({job.remise.name, job.remise.lieu_identifiant, source, job.remise.files});
  } catch (const std::exception& e) {
    // Our own spool failed: whatever it was, not the partner's refusal.
    return model::Retry{describe(e), std::nullopt};
  }
}

store::DeliveryOutcome Deliverer::concluded(const Job& job, model::Outcome outcome) {
  const Instant now = tools_.clock.now();
  store::DeliveryOutcome out{job.remise.id, std::move(outcome), now, std::nullopt};
  const int attempts = job.remise.attempts + 1;
  const log::Fields fields = {
      {"remise", job.remise.name}, {"lieu", job.remise.lieu_identifiant}, {"attempt", attempts}};
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
    log::error("remise.refused", with({{"code", refused->code}, {"reason", refused->reason}}));
  } else {
    const auto& retry = std::get<model::Retry>(out.outcome);
    out.next_attempt = model::next_attempt(now, job.remise.first_attempt.value_or(now), attempts, jitter());
    if (out.next_attempt && retry.not_before) out.next_attempt = std::max(*out.next_attempt, *retry.not_before);
    ++report_.deferred;
    log::warning("remise.deferred", with({{"reason", retry.reason},
                                          {"next", out.next_attempt ? model::to_iso_utc(*out.next_attempt) : "held"}}));
  }
  return out;
}

void Deliverer::apply(const std::vector<store::DeliveryOutcome>& outcomes) {
  for (std::size_t begin = 0; begin < outcomes.size(); begin += group) {
    const auto first = outcomes.begin() + static_cast<std::ptrdiff_t>(begin);
    tools_.store.apply_deliveries(
        {first, first + static_cast<std::ptrdiff_t>(std::min(group, outcomes.size() - begin))});
  }
}

// Bytes whose remise is delivered (or taken apart) have served; families' data lie in no more places than needed.
void Deliverer::clean() {
  while (true) {
    const auto departed = tools_.store.departed(batch);
    for (const auto& d : departed) {
      if (const auto lieu = tools_.spool.depart.find_dir(d.lieu)) lieu->remove_tree(d.name);
      tools_.store.depart_removed(d.remise);
    }
    if (departed.size() < batch) return;
  }
}

}  // namespace

DeliverReport deliver(const DeliverTools& tools, const std::function<void()>& progress, const std::stop_token& stop) {
  return Deliverer(tools, progress, stop).run();
}

}  // namespace navette::stages
