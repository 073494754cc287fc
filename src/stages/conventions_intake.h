// What the conventions of one habilitations flux do, against what is known (R12, R13) and who sends them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/convention.h"
#include "model/partner_profile.h"
#include "model/reference_data.h"
#include "stages/intake.h"
#include "store/store.h"

namespace navette::stages {

// Collects the changes of one flux; they are applied with its acceptance, all in one transaction.
class ConventionsIntake {
 public:
  ConventionsIntake(const IntakeTools& tools, const Sender& sender) : tools_(tools), sender_(sender) {}

  // Creation date and time of the flux (flux::Header): of two flux that tell of one convention the later counts,
  // whichever comes first.
  void sent_at(const std::string& created) { created_ = created; }
  // Takes the convention, or says why it is refused whole and which of its elements is at fault.
  std::optional<model::Objection> add(model::Convention convention);
  const std::vector<store::ConventionChange>& changes() const { return changes_; }

 private:
  std::optional<model::Objection> check_communes(const model::Convention& convention) const;
  std::optional<model::Objection> check_sender(const model::Convention& convention) const;
  std::optional<model::Objection> check_lieux(const model::Convention& convention) const;
  std::optional<model::Objection> check_credentials(const model::Convention& convention) const;
  std::optional<model::Objection> check_places(const model::Convention& convention);
  bool is_taken(const model::Place& place, const std::string& lieu, const model::Convention& convention);
  void hold_lieux(const model::Convention& convention);
  std::optional<model::Interval> as_told(const store::Store::Tenure& tenure) const;
  std::set<std::string> opened_by(const model::Convention& convention) const;

  const IntakeTools& tools_;
  const Sender& sender_;
  std::string created_;
  std::vector<store::ConventionChange> changes_;
  struct Holding {
    std::string siren;
    std::optional<model::Interval> during;  // nothing: it ended before it took effect
  };
  std::map<std::string, std::size_t> told_;   // of this flux: number → index in changes_
  std::multimap<std::string, Holding> held_;  // of this flux: lieu → its new versions
  struct HeldPlace {
    model::Place place;
    std::string lieu;
    std::optional<model::Interval> during;
  };
  std::multimap<std::string, HeldPlace> held_places_;  // of this flux: user → its new versions
  struct KnownPlace {
    model::Place place;
    std::string lieu;
    std::string caf;
    store::Store::Tenure tenure;
  };
  // What the store knows of them, read when the first convention names one.
  std::optional<std::multimap<std::string, KnownPlace>> known_places_;
  std::multimap<std::string, HeldPlace> used_places_;  // by remises that are there; read with them
};

}  // namespace navette::stages
