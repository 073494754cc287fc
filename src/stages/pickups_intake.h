// What the acknowledgements of one `retrait` flux do, against what is known and who sends them.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "model/civil_time.h"
#include "model/pickup.h"
#include "model/refusal.h"
#include "stages/intake.h"
#include "store/store.h"

namespace navette::stages {

// Collects the pickups of one flux; they are applied with its acceptance, all in one transaction. Memory is bounded by
// the remises that the sender's lieux have and did not acknowledge yet, not by the flux.
class PickupsIntake {
 public:
  PickupsIntake(store::Store& store, const Sender& sender, model::Day today)
      : store_(store), sender_(sender), today_(today) {}

  // Takes the pickup, or says why not; DOUBLON when it is acknowledged already. A sender learns nothing of another
  // lieu's remises: they are unknown to it.
  std::optional<model::Objection> add(const model::Pickup& pickup);
  const std::vector<store::PickedUp>& taken() const { return taken_; }

 private:
  bool may_tell_of(const store::PickupSubject& subject) const;

  store::Store& store_;
  const Sender& sender_;
  model::Day today_;
  std::set<store::RowId> told_;
  std::vector<store::PickedUp> taken_;
};

}  // namespace navette::stages
