// Delivers the remises that are due, each lieu by its channel.
//
// Guarantees. Rights are checked again right before each attempt (R1, R8): a remise that holds a demande its lieu may
// no longer have, or that an operator holds, is taken apart, nothing of it leaves. The intent is written before
// anything leaves, the outcome after; between the two a crash makes the next attempt look at the partner first
// (FileSender). Outcomes are applied every 100 or every second. Each remise that is under way has a thread of its own:
// a partner that is slow, dead or stalled holds nobody.
//
// At a partner's account no more is under way, and no more connections are open, than the profile says (connexions),
// whatever lieux it serves; a lieu may have as many remises under way. All e-mails are one account with one connection.
// Where there is no account (dépôt) a lieu has one remise under way. What fails at the same time counts as one failure,
// for all lieux that model::Scope says, and whoever takes other remises meanwhile is not held for what it refuses. What
// is wrong with our own mail server is waited for without end (docs/adr/0011).
//
// The same threads look what lieux did with the remises they have: gone from where they were, acknowledged in a return
// directory. A partner is looked at when a pickup of its is waited for, after its deliveries, at most every 15 minutes
// in one process; one that fails, or whose hours are not now, is not, and one whose look failed not for an hour,
// whichever process. Only remises whose delivery is written down are
// looked for, and where they were delivered, whatever the lieu's channel is now.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/event.h"
#include "channels/file_sender.h"
#include "model/convention.h"
#include "model/reference_data.h"
#include "stages/spool.h"
#include "stages/traffic.h"
#include "store/store.h"

namespace navette::stages {

// The sender of one partner, made when it is first needed; nothing when this navette does not serve that kind of
// channel. A stop given to it ends its waiting. Called from one thread.
using SenderFactory =
    std::function<std::unique_ptr<channels::FileSender>(const model::Channel& channel, const std::stop_token& stop)>;

struct DeliverReport {
  std::size_t delivered = 0;
  std::size_t deferred = 0;
  std::size_t refused = 0;
  std::size_t dissolved = 0;
  std::size_t taken_back = 0;
  std::size_t cleared = 0;          // a former place of a remise
  std::size_t picked_up = 0;        // remises that lieux are seen to have taken
  std::set<std::string> landed;     // "lieu/file": acknowledgements brought into arrivee/, whole
  std::vector<std::string> faults;  // of our own spool, for the operator; those of looks are in the store
};

struct DeliverTools {
  const Spool& spool;
  store::Store& store;
  const SenderFactory& sender_for;
  const model::ReferenceData& reference;
  const Clock& clock;
  unsigned workers = 1;                          // lieux served at a time on this machine (dépôts)
  unsigned partners = partners_at_a_time;        // and over the network
  std::chrono::milliseconds stable_after{5000};  // of what a lieu sends back, as of any deposit
  std::set<std::string> senders{};               // names that no lieu may send under
};

struct Delivery;

class Delivering {
 public:
  explicit Delivering(const DeliverTools& tools);
  // Ends what is under way as a stop does, and writes down what is known of it.
  ~Delivering();
  Delivering(const Delivering&) = delete;
  Delivering& operator=(const Delivering&) = delete;

  // Begins what is due and writes down what has ended, waiting at most `patience` for the first end. Returns whether
  // something is under way. Throws Error when the store fails; nothing is lost by that.
  bool step(std::chrono::milliseconds patience);
  // An account that could not be served is left alone until the next pass begins: each of its lieux would wait as
  // long, and `run` with them.
  void begin_pass() { unserved_.clear(); }
  // Nothing more is begun; what is under way ends soon. From any thread.
  void interrupt() { stop_.request_stop(); }
  // Set when something ended since the last step.
  Event& ended() const;
  // What was done since the last call.
  DeliverReport take_report();

 private:
  struct Ended;
  class Inbox;

  bool begin_due();
  void begin_looks();
  void search_places(Instant now, Instant before);
  bool would_take_anothers(const store::DueRemise& remise, const std::optional<store::LieuInForce>& lieu);
  void land_forgotten();
  Traffic traffic() const;
  std::unique_ptr<Delivery> look_at(const store::AwaitingLieu& lieu, Instant now);
  void start(std::unique_ptr<Delivery> job);
  void take_sender(Delivery& job, const model::Channel& channel);
  void note_success(const Delivery& job);
  void conclude_look(const Delivery& job);
  std::unique_ptr<Delivery> job_for(const store::DueRemise& remise);
  void dissolve(const Delivery& job);
  void take_ended(std::chrono::milliseconds patience);
  void write_down();
  void write_down(const Delivery& job);
  store::DeliveryOutcome concluded_recall(const Delivery& job, model::Outcome outcome);
  store::DeliveryOutcome concluded(const Delivery& job, model::Outcome outcome);
  void clean();

  DeliverTools tools_;
  std::stop_source stop_;
  std::unique_ptr<Inbox> inbox_;
  std::map<std::uint64_t, std::unique_ptr<Delivery>>
      active_;                       // by serial number; until what came of it is written down
  std::deque<std::uint64_t> ended_;  // of these, in the order in which they ended
  std::uint64_t started_jobs_ = 0;
  using Place = std::pair<store::RowId, store::RowId>;  // lieu, version whose channel it is
  struct Idle {
    Place place;
    std::optional<Account> account;
    std::unique_ptr<channels::FileSender> sender;
  };
  std::vector<Idle> idle_;               // connected, perhaps of use for what begins next
  std::set<Account> unserved_;           // in this pass
  std::map<Place, Instant> look_after_;  // not before
  std::vector<store::AwaitingLieu> to_look_;
  Instant next_search_{};
  Instant started_;
  DeliverReport report_;
};

}  // namespace navette::stages
