#include "stages/pickups_intake.h"

namespace navette::stages {

using model::Code;
using model::Objection;

std::optional<Objection> PickupsIntake::add(const model::Pickup& pickup) {
  const auto subject = store_.pickup_subject(pickup.remise);
  if (!subject || !may_tell_of(*subject)) return Objection{Code::remise_inconnue, "remise"};
  if (subject->lieu != pickup.lieu) return Objection{Code::remise_inconnue, "lieu"};
  if (!subject->delivered) return Objection{Code::remise_non_livree, "remise"};
  if (subject->acknowledged) return Objection{Code::doublon, "remise"};
  if (told_.contains(subject->remise)) return Objection{Code::reference_en_double, "remise"};
  const model::Day day = model::paris_day(pickup.at);
  if (day > today_) return Objection{Code::date_invalide, "dateRetrait"};
  // By the day: clocks differ, and after a crash the row of the delivery comes later than the lieu may have come.
  if (subject->first_attempt && day < model::paris_day(*subject->first_attempt)) {
    return Objection{Code::dates_incoherentes, "dateRetrait"};
  }
  if (!store_.is_habilitated(subject->remise, pickup.personne, day)) {
    return Objection{Code::personne_non_habilitee, "personne"};
  }
  told_.insert(subject->remise);
  taken_.push_back({subject->remise, model::PickupEvidence::flux, pickup.at, pickup.personne, {}});
  return std::nullopt;
}

bool PickupsIntake::may_tell_of(const store::PickupSubject& subject) const {
  return sender_.lieu.empty() ? subject.caf == sender_.caf : subject.lieu == sender_.lieu;
}

}  // namespace navette::stages
