// Looks at lieux: what they did with the remises they have, what they sent back.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "flux/channel_profile.h"
#include "model/civil_time.h"
#include "model/partner_profile.h"
#include "stages/deliver.h"
#include "stages/delivery.h"

namespace navette::stages {
namespace {

constexpr std::size_t max_looks = 16;
constexpr auto look_every = std::chrono::minutes(15);
constexpr auto look_again_after_failure = std::chrono::hours(1);
constexpr auto search_every = std::chrono::minutes(1);  // for lieux to look at

// Whether `until`, which was set `at_most` ahead, is still to come: not after a clock that went back.
bool still_waits(Instant until, Instant now, std::chrono::milliseconds at_most) {
  return now < until && until <= now + at_most;
}

using HeldPlaces = std::vector<std::pair<std::string, model::Place>>;  // by lieu

HeldPlaces places_in_force(store::Store& store, model::Day today) {
  HeldPlaces out;
  for (const store::Store::SftpLieu& lieu : store.sftp_lieux()) {
    if (!lieu.tenure.during.contains(today)) continue;
    for (model::Place& place : flux::places(lieu.channel)) out.emplace_back(lieu.lieu, std::move(place));
  }
  return out;
}

// Who holds a directory that was another's takes away what lies there, and sends back what is its own.
bool is_anothers(const std::string& lieu, const model::Channel& former, const HeldPlaces& held) {
  const auto ours = flux::places(former);
  return std::any_of(held.begin(), held.end(), [&](const auto& other) {
    return other.first != lieu &&
           std::any_of(ours.begin(), ours.end(), [&](const model::Place& own) { return collide(own, other.second); });
  });
}

// The directory from which what a lieu sends back is fetched: the same, whatever else of the profile changes.
std::string returns_of(const model::Channel& channel) {
  for (const model::Place& place : flux::places(channel)) {
    if (place.use == model::Place::Use::returns)
      return fmt::format("{}@{} {}", place.user, place.server, place.directory);
  }
  return model::kind_of(channel);
}

bool is_flat(const model::Channel& channel) {
  const auto places = flux::places(channel);
  return !places.empty() && places.front().use == model::Place::Use::remises_flat;
}

}  // namespace

// Of remises that this very process delivered a moment ago nobody can have taken one: they are left for a later look.
void Delivering::begin_looks() {
  const Instant now = tools_.clock.now();
  const auto before = std::max(started_, now - look_every);
  if (!still_waits(next_search_, now, search_every)) {
    next_search_ = now + search_every;
    land_forgotten();
    search_places(now, before);
  }
  const auto looks = [&] {
    return static_cast<std::size_t>(
        std::count_if(active_.begin(), active_.end(), [](const auto& a) { return a.second->look.has_value(); }));
  };
  Traffic busy = traffic();
  std::vector<store::AwaitingLieu> later;
  for (store::AwaitingLieu& lieu : to_look_) {
    if (stop_.stop_requested()) break;
    if (looks() >= max_looks || !busy.admits(lieu)) {
      later.push_back(std::move(lieu));
    } else if (auto job = look_at(lieu, now)) {
      busy.add(job->passage());
      start(std::move(job));
    }
  }
  to_look_ = std::move(later);
}

// Where to look now; those that still wait from before are found again.
void Delivering::search_places(Instant now, Instant before) {
  to_look_.clear();
  std::optional<HeldPlaces> held;  // looked up when a first one asks
  auto lieux = tools_.store.awaiting_lieux(now, before);
  tools_.store.forget_other_looks(lieux);
  for (store::AwaitingLieu& lieu : lieux) {
    const auto after = look_after_.find({lieu.lieu, lieu.via});
    const bool wanted = after != look_after_.end() && lieu.wanted_at && *lieu.wanted_at > after->second - look_every;
    if (after != look_after_.end() && !wanted && still_waits(after->second, now, look_every)) continue;
    const auto failed = lieu.failed_at.value_or(Instant{});
    if (still_waits(failed + look_again_after_failure, now, look_again_after_failure)) continue;
    if (lieu.former && !held) held = places_in_force(tools_.store, model::paris_day(now));
    if (lieu.former && is_anothers(lieu.identifiant, lieu.channel, *held)) {
      const std::string place = returns_of(lieu.channel);
      tools_.store.note_look(lieu, place,
                             {"a former directory of its is another lieu's now, nothing is looked for there; for each "
                              "remise that waits: navette remises picked-up, or withdraw"},
                             tools_.store.return_marks(lieu.lieu, place), now);
      continue;
    }
    to_look_.push_back(std::move(lieu));
  }
}

// A demande's files have the same names at each of its lieux: side by side in a directory that is another lieu's now
// they cannot be told from that one's.
bool Delivering::would_take_anothers(const store::DueRemise& remise, const std::optional<store::LieuInForce>& lieu) {
  if (!remise.recall && !remise.tried) return false;
  if (lieu && lieu->version_id == remise.via) return false;
  return is_flat(remise.channel) && is_anothers(remise.lieu_identifiant, remise.channel,
                                                places_in_force(tools_.store, model::paris_day(tools_.clock.now())));
}

// What looks that were cut short left in arrivee/.
void Delivering::land_forgotten() {
  tools_.spool.arrivee.each([&](const std::string& name, FileType) {
    try {
      if (tools_.senders.contains(name) || !tools_.spool.arrivee.find_dir(name)) return true;
      for (const std::string& file : channels::land_forgotten(collecting_for(name, tools_)))
        report_.landed.insert(fmt::format("{}/{}", name, file));
    } catch (const std::system_error& e) {
      report_.faults.push_back(describe(e));
    }
    return true;
  });
}

// Nothing when there is nothing to see.
std::unique_ptr<Delivery> Delivering::look_at(const store::AwaitingLieu& lieu, Instant now) {
  look_after_[{lieu.lieu, lieu.via}] = now + look_every;
  auto job = std::make_unique<Delivery>();
  job->lieu = lieu.lieu;
  job->via = lieu.via;
  job->local = std::holds_alternative<model::DepotChannel>(lieu.channel);
  take_sender(*job, lieu.channel);
  if (!job->sender || !job->sender->tells_pickups() || job->sender->opens_at(now)) return nullptr;
  job->awaited = tools_.store.awaited_remises(lieu, is_flat(lieu.channel), now, std::max(started_, now - look_every));
  job->look = lieu;
  job->marks = tools_.store.return_marks(lieu.lieu, returns_of(lieu.channel));
  // Its deliveries failed since the search: it is left alone.
  return job->awaited.empty() && !lieu.unnamed ? nullptr : std::move(job);
}

void Delivering::conclude_look(const Delivery& job) {
  const auto& looked = std::get<Delivery::Looked>(*job.result);
  const Instant now = tools_.clock.now();
  const std::string& lieu = job.look->identifiant;
  std::vector<store::PickedUp> pickups;
  for (const store::RowId id : looked.gone) {
    pickups.push_back({id, model::PickupEvidence::disappearance, now, {}, {}});
  }
  if (!pickups.empty()) {
    tools_.store.apply_pickups(pickups, now);
    log::info("remises.picked_up", {{"lieu", lieu}, {"count", pickups.size()}, {"evidence", "disparition"}});
  }
  report_.picked_up += pickups.size();
  if (!looked.collected.names.empty() || looked.collected.left > 0) {
    log::info("returns.fetched",
              {{"lieu", lieu}, {"files", looked.collected.names.size()}, {"left", looked.collected.left}});
  }
  for (const std::string& name : looked.collected.names) report_.landed.insert(fmt::format("{}/{}", lieu, name));
  std::vector<std::string> faults = looked.collected.faults;
  if (!looked.failure.empty()) faults.push_back(looked.failure);
  for (const std::string& fault : faults) log::warning("pickup.failed", {{"lieu", lieu}, {"reason", fault}});
  tools_.store.note_look(*job.look, returns_of(job.look->channel), faults,
                         looked.saw ? looked.collected.marks : job.marks,
                         looked.failure.empty() || job.local ? std::nullopt : std::optional(now));
}

}  // namespace navette::stages
