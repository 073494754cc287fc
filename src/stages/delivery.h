// One remise on its way there or back, or one look at a lieu: what is known of it, and what its thread does.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "channels/file_sender.h"
#include "stages/deliver.h"
#include "stages/traffic.h"
#include "store/records.h"

namespace navette::stages {

// How what `lieu` sends back is brought here.
channels::Collecting collecting_for(const std::string& lieu, const DeliverTools& tools);

// Its thread runs run(), which changes nothing of ours but the sender; all else is of whoever began it (deliver.cpp).
struct Delivery {
  // The lieu does not have the remise, and what an attempt left there is gone.
  struct TakenApart {};
  struct Cleared {};   // nor does its former place
  struct NotBegun {};  // a stop came before anything left
  // A stop came in the middle: the next attempt looks for what is not known to have arrived.
  struct Unknown {
    std::vector<std::string> arrived;
  };
  // What a look at a lieu found.
  struct Looked {
    std::vector<store::RowId> gone;
    channels::Collected collected;
    bool saw = false;     // the return directory, if there is one
    std::string failure;  // empty: none
  };
  using Result = std::variant<model::Outcome, TakenApart, Cleared, NotBegun, Unknown, Looked>;

  store::RowId lieu = 0;
  store::RowId via = 0;  // the version whose channel it is
  std::optional<Account> account;
  bool lieu_served = false;     // it took another remise since this began; ours, not the thread's
  bool account_served = false;  // or another lieu at the same account did
  store::DueRemise remise;
  std::optional<store::AwaitingLieu> look;
  std::vector<store::AwaitedRemise> awaited;
  model::ReturnMarks marks;  // of the look before
  bool local = true;
  bool take_apart = false;
  bool anothers = false;  // what is to be removed lies in what is another lieu's now
  std::vector<store::DueAcheminement> lost;
  std::unique_ptr<channels::FileSender> sender;  // none: the channel is not served by this navette
  std::jthread thread;
  // Once it has ended; what is to be written of a delivery is made up then, by what else succeeded meanwhile.
  std::optional<Result> result;
  std::optional<store::DeliveryOutcome> to_write;

  bool nothing_there() const { return !remise.tried && remise.arrived.empty(); }
  bool sends() const { return !look && !take_apart && !remise.recall && !remise.moved; }
  Passage passage() const { return {lieu, look ? 0 : remise.first_issue, account}; }
  bool served(model::Scope scope) const { return lieu_served || (scope == model::Scope::access && account_served); }
  // In a row with this one, if it is not the remise's own.
  int failures(model::Scope scope) const { return (served(scope) ? 0 : remise.partner_failures) + 1; }
  // The outcome as it counts, given what else succeeded meanwhile.
  model::Outcome judged(model::Outcome outcome) const;
  Result run(const DeliverTools& tools, const std::stop_token& stop) const;

 private:
  Result deliver(const Spool& spool) const;
  model::Outcome take_back(const Spool& spool) const;
  Looked look_there(const DeliverTools& tools) const;
};

}  // namespace navette::stages
