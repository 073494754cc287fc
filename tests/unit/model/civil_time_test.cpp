// Civil time against a calendar that is counted here by hand, day after day, over thirty years.
#include "model/civil_time.h"

#include <cstdlib>

#include <catch2/catch.hpp>

#include "support/times.h"

using namespace navette;
using namespace navette::model;
using namespace std::chrono_literals;
using test::at;
using test::day;

namespace {

constexpr int first_year = 2008;
constexpr int last_year = 2037;

bool leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int length(int year, int month) {
  if (month == 2) return leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Days since 1 January 1970, by counting.
long number_of(int year, int month, int of_month) {
  long n = of_month - 1;
  for (int y = 1970; y < year; ++y) n += leap(y) ? 366 : 365;
  for (int m = 1; m < month; ++m) n += length(year, m);
  return n;
}

// The change of time of a month: its last Sunday, 01:00 UTC (1 January 1970 was a Thursday).
Instant change_of_time(int year, int month) {
  long n = number_of(year, month, length(year, month));
  while ((n + 4) % 7 != 0) --n;
  return Instant(std::chrono::hours(24 * n + 1));
}

std::chrono::minutes offset_at(Instant t, int year) {
  return t >= change_of_time(year, 3) && t < change_of_time(year, 10) ? 120min : 60min;
}

Day made(int year, int month, int of_month) {
  return Day(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
             std::chrono::day(static_cast<unsigned>(of_month)));
}

template <typename Visit>
void each_day(const Visit& visit) {
  for (int y = first_year; y <= last_year; ++y) {
    for (int m = 1; m <= 12; ++m) {
      for (int d = 1; d <= length(y, m); ++d) visit(y, m, d);
    }
  }
}

}  // namespace

TEST_CASE("every day of thirty years begins at midnight in Paris, winter and summer") {
  std::size_t days = 0;
  bool right = true;
  each_day([&](int y, int m, int d) {
    ++days;
    const Instant midnight_utc(std::chrono::hours(24 * number_of(y, m, d)));
    const Instant start = midnight_utc - offset_at(midnight_utc - 1h, y);
    const Day that = made(y, m, d);
    right = right && start_of(that) == start && paris_day(start) == that && paris_day(start - 1ms) != that;
    right = right && paris_day(start + 23h - 1ms) == that && paris_day(start + 25h) != that;
    right = right && paris_offset(start) == offset_at(start, y);
    if (!right) FAIL(y << "-" << m << "-" << d);
  });
  CHECK(days == 10958);
}

TEST_CASE("the days of the changes of time have 23 and 25 hours in Paris") {
  for (int y = first_year; y <= last_year; ++y) {
    const Day spring = paris_day(change_of_time(y, 3));
    const Day autumn = paris_day(change_of_time(y, 10));
    CHECK(start_of(plus_days(spring, 1)) - start_of(spring) == 23h);
    CHECK(start_of(plus_days(autumn, 1)) - start_of(autumn) == 25h);
    CHECK(paris_offset(change_of_time(y, 3) - 1ms) == 60min);
    CHECK(paris_offset(change_of_time(y, 3)) == 120min);
    CHECK(paris_offset(change_of_time(y, 10) - 1ms) == 120min);
    CHECK(paris_offset(change_of_time(y, 10)) == 60min);
  }
}

TEST_CASE("days are added over months, years and leap days") {
  each_day([&](int y, int m, int d) {
    for (const int n : {-400, -31, -1, 0, 1, 5, 15, 28, 366}) {
      const Day moved = plus_days(made(y, m, d), n);
      const long number =
          number_of(static_cast<int>(moved.year()), static_cast<int>(static_cast<unsigned>(moved.month())),
                    static_cast<int>(static_cast<unsigned>(moved.day())));
      if (number != number_of(y, m, d) + n) FAIL(y << "-" << m << "-" << d << " + " << n);
    }
  });
  SUCCEED();
}

TEST_CASE("R6: months go quantième to quantième, to the month's last day where it does not exist, both ways") {
  std::size_t clamped = 0;
  each_day([&](int y, int m, int d) {
    for (const int n : {-72, -13, -12, -6, -3, -1, 0, 1, 3, 6, 7, 12, 13, 72}) {
      int months = y * 12 + (m - 1) + n;
      const int year = months / 12;
      const int month = months % 12 + 1;
      const int of_month = std::min(d, length(year, month));
      clamped += of_month != d ? 1U : 0U;
      if (plus_months(made(y, m, d), n) != made(year, month, of_month)) FAIL(y << "-" << m << "-" << d << " + " << n);
    }
  });
  CHECK(clamped > 1000);
  CHECK(plus_months(day("2026-08-31"), 6) == day("2027-02-28"));
  CHECK(plus_months(day("2027-08-31"), 6) == day("2028-02-29"));
  CHECK(plus_months(day("2028-05-31"), -3) == day("2028-02-29"));
  CHECK(plus_months(day("2028-02-29"), 12) == day("2029-02-28"));
}

TEST_CASE("R7: the month after a clamped limit is counted from the clamped day") {
  CHECK(plus_months(plus_months(day("2026-08-31"), 6), 1) == day("2027-03-28"));
}

TEST_CASE("R5: the day of the event is day 0, in Paris, whichever side of midnight UTC it falls on") {
  CHECK(last_day_of_delay(at("2026-11-20T22:59:59Z"), 10) == day("2026-11-30"));
  CHECK(last_day_of_delay(at("2026-11-20T23:00:00Z"), 10) == day("2026-12-01"));
  CHECK(last_day_of_delay(at("2026-07-20T21:59:59Z"), 5) == day("2026-07-25"));
  CHECK(last_day_of_delay(at("2026-07-20T22:00:00Z"), 5) == day("2026-07-26"));
  CHECK(last_day_of_delay(at("2026-12-20T12:00:00Z"), 15) == day("2027-01-04"));
}

TEST_CASE("R5: a change of time moves no delay") {
  CHECK(last_day_of_delay(at("2026-10-24T21:30:00Z"), 5) == day("2026-10-29"));
  CHECK(last_day_of_delay(at("2026-10-25T22:59:59Z"), 5) == day("2026-10-30"));
  CHECK(last_day_of_delay(at("2026-03-28T22:59:59Z"), 5) == day("2026-04-02"));
  CHECK(last_day_of_delay(at("2026-03-29T21:59:59Z"), 5) == day("2026-04-03"));
}

TEST_CASE("the next time of day is today's or tomorrow's in Paris") {
  CHECK(next_paris_time(at("2026-11-20T04:59:59Z"), 6h) == at("2026-11-20T05:00:00Z"));
  CHECK(next_paris_time(at("2026-11-20T05:00:00Z"), 6h) == at("2026-11-20T05:00:00Z"));
  CHECK(next_paris_time(at("2026-11-20T05:00:01Z"), 6h) == at("2026-11-21T05:00:00Z"));
  CHECK(next_paris_time(at("2026-07-01T04:00:01Z"), 6h) == at("2026-07-02T04:00:00Z"));
  CHECK(next_paris_time(at("2026-12-31T23:30:00Z"), 0min) == at("2027-01-01T23:00:00Z"));
}

TEST_CASE("a time of day skipped in spring is taken at the end of the gap") {
  CHECK(next_paris_time(at("2026-03-28T23:00:00Z"), 2h + 30min) == at("2026-03-29T01:00:00Z"));
  CHECK(next_paris_time(at("2026-03-29T01:00:01Z"), 2h + 30min) == at("2026-03-30T00:30:00Z"));
}

TEST_CASE("a time of day shown twice in autumn counts the first time only") {
  CHECK(next_paris_time(at("2026-10-24T22:00:00Z"), 2h + 30min) == at("2026-10-25T00:30:00Z"));
  CHECK(next_paris_time(at("2026-10-25T00:30:01Z"), 2h + 30min) == at("2026-10-26T01:30:00Z"));
}

TEST_CASE("a day is read strictly") {
  CHECK(parse_day("2026-11-20") == Day(std::chrono::year(2026) / 11 / 20));
  CHECK(parse_day("2028-02-29"));
  for (const char* bad : {"", "2026-02-31", "2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-1-1",
                          "26-01-01", "2026/01/01", "20260101", " 2026-01-01", "2026-01-01 ", "2026-01-01Z",
                          "+026-01-01", "2026-01-0a", "-026-01-01", "2026-04-31", "2100-02-29"}) {
    INFO(bad);
    CHECK_FALSE(parse_day(bad));
  }
}

TEST_CASE("a day is written as it is read") {
  each_day([&](int y, int m, int d) {
    if (parse_day(to_iso(made(y, m, d))) != made(y, m, d)) FAIL(to_iso(made(y, m, d)));
  });
  CHECK(to_iso(made(2026, 3, 1)) == "2026-03-01");
}

TEST_CASE("a time of day is read strictly") {
  CHECK(parse_time_of_day("00:00") == 0min);
  CHECK(parse_time_of_day("06:05") == 365min);
  CHECK(parse_time_of_day("23:59") == 1439min);
  for (const char* bad :
       {"", "24:00", "23:60", "6:00", "06:0", "0600", "06.00", "-1:00", " 6:00", "06:00 ", "06:00:00"}) {
    INFO(bad);
    CHECK_FALSE(parse_time_of_day(bad));
  }
}

TEST_CASE("a day is written in French, the parts held together") {
  const std::string s = "\u00a0";
  CHECK(to_french(day("2026-09-03")) == "3" + s + "septembre" + s + "2026");
  CHECK(to_french(day("2026-03-01")) == "1er" + s + "mars" + s + "2026");
  CHECK(to_french(day("2026-02-11")) == "11" + s + "février" + s + "2026");
  CHECK(to_french(day("2026-08-31")) == "31" + s + "août" + s + "2026");
  CHECK(to_french(day("2027-12-21")) == "21" + s + "décembre" + s + "2027");
}

TEST_CASE("instants are written in UTC for machines and in Paris for operators") {
  CHECK(to_iso_utc(at("2026-11-22T05:10:07Z") + 999ms) == "2026-11-22T05:10:07Z");
  CHECK(to_paris_text(at("2026-11-22T05:10:07Z")) == "2026-11-22 06:10");
  CHECK(to_paris_text(at("2026-07-31T22:59:59Z")) == "2026-08-01 00:59");
}
