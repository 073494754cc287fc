// Days and instants from text, and a clock that stands until it is moved.
#pragma once

#include <stdexcept>
#include <string>

#include "base/clock.h"
#include "model/civil_time.h"

namespace navette::test {

inline model::Day day(const std::string& iso) {
  const auto parsed = model::parse_day(iso);
  if (!parsed) throw std::invalid_argument("not a day: " + iso);
  return *parsed;
}

// "2026-11-20T05:00:00Z"; computed without the code under test but for parse_day.
inline Instant at(const std::string& utc) {
  if (utc.size() != 20 || utc[10] != 'T' || utc[19] != 'Z') throw std::invalid_argument("not an instant: " + utc);
  const auto field = [&](std::size_t from) { return std::stoi(utc.substr(from, 2)); };
  return Instant(std::chrono::sys_days(day(utc.substr(0, 10)))) + std::chrono::hours(field(11)) +
         std::chrono::minutes(field(14)) + std::chrono::seconds(field(17));
}

class FakeClock final : public Clock {
 public:
  explicit FakeClock(const std::string& utc) : now_(at(utc)) {}
  Instant now() const override { return now_; }
  void set(const std::string& utc) { now_ = at(utc); }
  void set(Instant instant) { now_ = instant; }
  void advance(std::chrono::milliseconds by) { now_ += by; }

 private:
  Instant now_;
};

}  // namespace navette::test
