// Civil time in Europe/Paris and the delays of the conventions (DOMAIN.md section 6; code de procédure civile 640 to
// 642). The zone is the system's; its tables, as the library reads them, tell changes of time until 2037.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace navette::model {

// A day of the civil calendar; no time, no zone.
using Day = std::chrono::year_month_day;

// The civil day in Europe/Paris at that instant.
Day paris_day(Instant at);
// 00:00 in Europe/Paris at the beginning of that day (no French change of time happens at midnight).
Instant start_of(Day day);
// The first instant at or after `from` at which clocks in Paris show `time` (minutes after midnight), once a day: a
// time skipped by the change to summer time is taken at the end of the gap, one shown twice in autumn the first time
// only.
Instant next_paris_time(Instant from, std::chrono::minutes time);

// What Paris is ahead of UTC at that instant: 60 or 120 minutes.
std::chrono::minutes paris_offset(Instant at);

Day plus_days(Day day, int days);
// Quantième to quantième, the month's last day where it does not exist (31 August + 6 months = 28 or 29 February);
// `months` may be negative (a notice counts backwards the same way).
Day plus_months(Day day, int months);

// The last day of a delay of `days` calendar days whose event happened at `event`: the day of the event is day 0, the
// delay ends that day at 24:00 in Paris (R5, section 6).
Day last_day_of_delay(Instant event, int days);

// Strict YYYY-MM-DD; nothing for a day that does not exist (31/02).
std::optional<Day> parse_day(std::string_view iso);
std::string to_iso(Day day);
// Strict HH:MM, 00:00 to 23:59.
std::optional<std::chrono::minutes> parse_time_of_day(std::string_view text);
// "3 septembre 2026", "1er mars 2026".
std::string to_french(Day day);
// 2026-11-22T05:10:00Z
std::string to_iso_utc(Instant at);
// "2026-11-22 06:10" in Paris, for the operator.
std::string to_paris_text(Instant at);

}  // namespace navette::model
