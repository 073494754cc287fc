#include "model/civil_time.h"

#include <array>

#include <date/tz.h>
#include <fmt/format.h>

namespace navette::model {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;

const date::time_zone& paris() {
  static const date::time_zone* zone = date::locate_zone("Europe/Paris");
  return *zone;
}

date::local_seconds local(Day day, minutes time) {
  return date::local_seconds(sys_days(day).time_since_epoch() + seconds(time));
}

date::local_seconds local(Instant at) {
  return paris().to_local(std::chrono::time_point_cast<seconds>(at));
}

// The first instant at which clocks in Paris show that time: the earlier one when they show it twice, the end of the
// gap when they never do.
Instant instant_of(date::local_seconds time) {
  const date::local_info info = paris().get_info(time);
  if (info.result == date::local_info::nonexistent) return info.first.end;
  return Instant(time.time_since_epoch() - info.first.offset);
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

Day paris_day(Instant at) {
  const auto since = std::chrono::floor<days>(local(at).time_since_epoch());
  return Day(sys_days(since));
}

Instant start_of(Day day) {
  return instant_of(local(day, minutes(0)));
}

Instant next_paris_time(Instant from, minutes time) {
  for (Day day = paris_day(from);; day = plus_days(day, 1)) {
    const Instant at = instant_of(local(day, time));
    if (at >= from) return at;
  }
}

minutes paris_offset(Instant at) {
  const auto info = paris().get_info(std::chrono::time_point_cast<seconds>(at));
  return std::chrono::duration_cast<minutes>(info.offset);
}

Day plus_days(Day day, int count) {
  return Day(sys_days(day) + days(count));
}

Day plus_months(Day day, int months) {
  const Day moved = day + std::chrono::months(months);
  return moved.ok() ? moved : Day(moved.year() / moved.month() / std::chrono::last);
}

Day last_day_of_delay(Instant event, int count) {
  return plus_days(paris_day(event), count);
}

std::optional<Day> parse_day(std::string_view iso) {
  if (iso.size() != 10 || iso[4] != '-' || iso[7] != '-') return std::nullopt;
  const auto y = digits(iso, 0, 4);
  const auto m = digits(iso, 5, 2);
  const auto d = digits(iso, 8, 2);
  if (!y || !m || !d) return std::nullopt;
  const Day day(std::chrono::year(*y), std::chrono::month(static_cast<unsigned>(*m)),
                std::chrono::day(static_cast<unsigned>(*d)));
  if (!day.ok()) return std::nullopt;
  return day;
}

std::string to_iso(Day day) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                     static_cast<unsigned>(day.day()));
}

std::optional<minutes> parse_time_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto h = digits(text, 0, 2);
  const auto m = digits(text, 3, 2);
  if (!h || !m || *h > 23 || *m > 59) return std::nullopt;
  return minutes(*h * 60 + *m);
}

std::string to_french(Day day) {
  static constexpr std::array<std::string_view, 12> months = {"janvier",   "février", "mars",     "avril",
                                                              "mai",       "juin",    "juillet",  "août",
                                                              "septembre", "octobre", "novembre", "décembre"};
  const unsigned d = static_cast<unsigned>(day.day());
  // NBSP: a date is not broken at the end of a line.
  return fmt::format("{}{}\u00a0{}\u00a0{}", d, d == 1 ? "er" : "", months.at(static_cast<unsigned>(day.month()) - 1),
                     static_cast<int>(day.year()));
}

std::string to_iso_utc(Instant at) {
  const auto day = std::chrono::floor<days>(at);
  const std::chrono::hh_mm_ss time(std::chrono::floor<seconds>(at - day));
  return fmt::format("{}T{:02}:{:02}:{:02}Z", to_iso(Day(day)), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

std::string to_paris_text(Instant at) {
  const auto time = local(at).time_since_epoch();
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{} {:02}:{:02}", to_iso(Day(sys_days(day))), clock.hours().count(), clock.minutes().count());
}

}  // namespace navette::model
