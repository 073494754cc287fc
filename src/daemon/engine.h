// One pass over everything that is due: the same code for `run` (one pass) and `serve` (a pass at every hint).
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "config/config.h"
#include "daemon/lock.h"
#include "daemon/signature.h"
#include "daemon/stop_signals.h"
#include "stages/claim.h"
#include "stages/intake.h"
#include "store/records.h"

namespace navette::daemon {

struct Progress {
  std::string stage;      // "intake", "render", "deliver"
  std::size_t done = 0;   // units of that stage so far
  std::size_t total = 0;  // of these that are known to be due; 0: not known
};

struct PassOptions {
  bool all = false;           // `run --now`: ignores the lieux's cadence
  stages::SeenDeposits seen;  // by inotify
  // Deliveries that are under way at the end of the pass, and notifications that a slow mail server has not taken yet:
  // waited for (`run`), or left to the next pass (`serve`).
  bool wait_for_deliveries = true;
  bool alert = false;  // each Caf's daily mail: `serve` has no exit code to tell what needs a person
  std::function<void(const Progress&)> progress;  // called often: a bar, a watchdog; may be empty
};

struct PassReport {
  std::size_t claimed = 0;
  std::size_t young = 0;  // deposits not complete yet
  std::size_t misplaced = 0;
  std::size_t unclaimed = 0;     // deposits that the system does not let us take
  std::size_t flux = 0;          // answered
  std::size_t refused_flux = 0;  // refused whole, in this pass
  std::uint64_t records = 0;
  std::size_t routed = 0;
  std::size_t remises = 0;  // packed
  std::size_t delivered = 0;
  std::size_t taken_back = 0;  // withdrawn, and removed at the lieu
  std::size_t deferred = 0;
  std::size_t refused_remises = 0;
  std::size_t notified = 0;
  bool more = false;                  // something is due that was left to the next pass, which is to follow at once
  std::vector<std::string> failures;  // what failed as a whole: a stage, a lieu's packing (exit 3)
  std::vector<store::Incident> incidents;  // these, and what else could not be done; kept for `status`
};

// The machine's clock cannot be right: it booted without a battery, say. What is dated later than "now" would be
// refused for good.
class ClockError : public Error {
 public:
  using Error::Error;
};

// Holds the locks of spool and database from construction to destruction: one process owns them. Throws LockedError
// (daemon/lock.h) when another has it, Error (what, where, what to do) when something it needs cannot be loaded.
class Engine {
 public:
  // What an operator said of the database (daemon/used_spool.h).
  struct Confirmed {
    bool new_database = false;    // one may be made although navette worked here before
    bool older_database = false;  // it may know less than what navette did here
  };
  Engine(const config::Config& config, const Clock& clock, const Confirmed& confirmed);
  Engine(const config::Config& config, const Clock& clock) : Engine(config, clock, Confirmed()) {}
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Claims, reads, answers, routes, packs, delivers and notifies whatever is due, until nothing is. A stage that fails
  // as a whole is logged and reported, the others go on. With a stop asked for, ends soon and leaves nothing half done.
  // Throws sqlite::MovedError when the database was deleted or replaced, stages::SpoolMovedError when a directory of
  // the spool was: nothing is accepted or answered any more;
  // ClockError, before anything is touched, when the clock is more than a day behind the journal.
  PassReport pass(const PassOptions& options, const std::stop_token& stop);

  // At the latest when the next pass should run.
  Instant next_due();
  store::Counts counts();
  std::string arrivee() const;  // path, for inotify
  // Set when a delivery ended, or the mail server answered, since the last pass; whoever waits for them clears them.
  std::array<Event*, 2> events();

  struct Parts;  // what is loaded once; engine.cpp

 private:
  void require_plausible_clock();
  void keep_incidents(const std::vector<store::Incident>& met);

  std::unique_ptr<Parts> parts_;
};

// One pass after another until a stop is asked for: on inotify events, when something becomes due, at least every
// `daemon.scan_every`. Tells systemd (READY, STATUS, WATCHDOG, STOPPING). Returns after a clean stop; throws as Engine
// does.
void serve(const config::Config& config, const Clock& clock, const StopSignals& signals);

}  // namespace navette::daemon
