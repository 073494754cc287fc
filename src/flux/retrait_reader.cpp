#include "flux/retrait_reader.h"

#include "flux/fields.h"
#include "model/civil_time.h"

namespace navette::flux {

model::Pickup read_retrait(xml::Node record) {
  const std::string time = record.child_text("heureRetrait");  // HH:MM:SS
  const auto minute = model::parse_time_of_day(time.substr(0, 5));
  const std::chrono::seconds second(std::stoi(time.substr(6)));
  const Instant from = model::start_of(day(record.child("dateRetrait")));
  return {record.child_text("remise"), record.child_text("lieu"), model::next_paris_time(from, minute.value()) + second,
          record.child_text("personne")};
}

}  // namespace navette::flux
