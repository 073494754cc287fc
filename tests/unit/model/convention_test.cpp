#include "model/convention.h"

#include <catch2/catch.hpp>

#include "model/demande.h"
#include "support/times.h"

using namespace navette;
using namespace navette::model;
using test::day;

namespace {

Convention with_dates(const char* signed_on, const char* effect, const char* activated) {
  Convention c;
  c.annexe.signed_on = day(signed_on);
  c.annexe.effective_from = day(effect);
  if (activated != nullptr) c.activated_on = day(activated);
  return c;
}

Demande asked_on(const char* date, std::vector<Enfant> enfants) {
  Demande d;
  d.date = day(date);
  d.enfants = std::move(enfants);
  return d;
}

bool born_eligible(const char* born, const char* asked) {
  return is_eligible(asked_on(asked, {{day(born), false}}));
}

Termination end_of(TerminationCause cause, const char* received, const char* last) {
  return {cause, day(received), day(last)};
}

constexpr auto li = ConventionKind::lieu_information;
constexpr auto st = ConventionKind::structures;
constexpr auto mcp = ConventionKind::mon_compte_partenaire;
constexpr auto denonciation = TerminationCause::denonciation;
constexpr auto manquement = TerminationCause::manquement;
constexpr auto accord = TerminationCause::commun_accord;

}  // namespace

TEST_CASE("R3: a child is under six until the eve of the sixth birthday") {
  CHECK(born_eligible("2020-11-20", "2026-11-19"));
  CHECK_FALSE(born_eligible("2020-11-20", "2026-11-20"));
  CHECK_FALSE(born_eligible("2020-11-20", "2026-11-21"));
  CHECK(born_eligible("2026-11-20", "2026-11-20"));
}

TEST_CASE("R3: born on 29 February, six on 28 February where there is no 29th") {
  CHECK(born_eligible("2020-02-29", "2026-02-27"));
  CHECK_FALSE(born_eligible("2020-02-29", "2026-02-28"));
  CHECK(born_eligible("2022-02-28", "2028-02-27"));
  CHECK_FALSE(born_eligible("2022-02-28", "2028-02-28"));
}

TEST_CASE("R3: one child under six or one expected birth is enough, none is not") {
  CHECK_FALSE(is_eligible(asked_on("2026-11-20", {})));
  CHECK(is_eligible(asked_on("2026-11-20", {{day("2010-01-01"), false}, {day("2024-01-01"), false}})));
  CHECK_FALSE(is_eligible(asked_on("2026-11-20", {{day("2010-01-01"), false}, {day("2012-01-01"), false}})));
  CHECK(is_eligible(asked_on("2026-11-20", {{day("2027-03-01"), true}})));
  // A birth expected for yesterday may still be late.
  CHECK(is_eligible(asked_on("2026-11-20", {{day("2026-11-19"), true}})));
}

TEST_CASE("a SIRET has 14 digits and a Luhn key") {
  CHECK(is_valid_siret("24420077000018"));
  CHECK(is_valid_siret("20006588600018"));
  CHECK(is_valid_siret("73282932000074"));
  CHECK_FALSE(is_valid_siret("73282932000075"));
  CHECK_FALSE(is_valid_siret("24420077000081"));
  for (const char* bad :
       {"", "2442007700001", "244200770000180", "2442007700001A", "24420077 00018", "-4420077000018"}) {
    INFO(bad);
    CHECK_FALSE(is_valid_siret(bad));
  }
}

TEST_CASE("a SIRET of La Poste has a digit sum that is a multiple of five, its head office a Luhn key") {
  CHECK(is_valid_siret("35600000000048"));  // head office: Luhn, digit sum 26
  CHECK(is_valid_siret("35600000049837"));  // an office: digit sum 45, no Luhn key
  CHECK_FALSE(is_valid_siret("35600000049838"));
  CHECK_FALSE(is_valid_siret("35600000000049"));
}

TEST_CASE("R1: a version is in force once it is signed, activated and effective, whichever comes last") {
  struct {
    const char* signed_on;
    const char* effect;
    const char* activated;
    const char* from;
  } const rows[] = {{"2026-01-01", "2026-02-01", "2026-03-01", "2026-03-01"},
                    {"2026-01-01", "2026-03-01", "2026-02-01", "2026-03-01"},
                    {"2026-03-01", "2026-01-01", "2026-02-01", "2026-03-01"},
                    {"2026-03-01", "2026-02-01", "2026-01-01", "2026-03-01"},
                    {"2026-02-01", "2026-01-01", "2026-03-01", "2026-03-01"},
                    {"2026-02-01", "2026-02-01", "2026-02-01", "2026-02-01"}};
  for (const auto& row : rows) {
    const auto interval = in_force(with_dates(row.signed_on, row.effect, row.activated), std::nullopt);
    REQUIRE(interval);
    CHECK(interval->from == day(row.from));
    CHECK_FALSE(interval->to);
    CHECK(interval->contains(day(row.from)));
    CHECK_FALSE(interval->contains(plus_days(day(row.from), -1)));
    CHECK(interval->contains(day("2099-01-01")));  // R12: tacitly renewed
  }
}

TEST_CASE("R1: a convention that the Caf has not activated is never in force") {
  CHECK_FALSE(in_force(with_dates("2026-01-01", "2026-01-01", nullptr), std::nullopt));
  CHECK_FALSE(starts_on(with_dates("2026-01-01", "2026-01-01", nullptr)));
}

TEST_CASE("R8, R12: the earliest of end, suspension and replacement ends the interval, every combination") {
  // Last days in force: end on the 10th, suspended from the 21st, replaced on the 31st; each may be missing, in any
  // order.
  const char* last[] = {nullptr, "2026-05-10", "2026-05-20", "2026-05-30"};
  for (const char* end : last) {
    for (const char* suspended : last) {
      for (const char* replaced : last) {
        Convention c = with_dates("2026-01-01", "2026-01-01", "2026-01-01");
        std::optional<Day> expected;
        const auto narrow = [&](const char* to) { expected = expected ? std::min(*expected, day(to)) : day(to); };
        std::optional<Day> replaced_on;
        if (end != nullptr) {
          c.termination = end_of(accord, "2026-02-01", end);
          narrow(end);
        }
        if (suspended != nullptr) {
          c.suspension = Suspension{plus_days(day(suspended), 1), "travaux"};
          narrow(suspended);
        }
        if (replaced != nullptr) {
          replaced_on = plus_days(day(replaced), 1);
          narrow(replaced);
        }
        const auto interval = in_force(c, replaced_on);
        REQUIRE(interval);
        CHECK(interval->from == day("2026-01-01"));
        CHECK(interval->to == expected);
        if (expected) CHECK(interval->contains(*expected));
        if (expected) CHECK_FALSE(interval->contains(plus_days(*expected, 1)));
      }
    }
  }
}

TEST_CASE("a version that ends, is suspended or replaced before it starts is never in force; on its first day it is") {
  Convention c = with_dates("2026-01-01", "2026-06-01", "2026-01-01");
  CHECK_FALSE(in_force(c, day("2026-06-01")));
  CHECK(in_force(c, day("2026-06-02")) == Interval{day("2026-06-01"), day("2026-06-01")});
  c.suspension = Suspension{day("2026-06-01"), "x"};
  CHECK_FALSE(in_force(c, std::nullopt));
  c.suspension.reset();
  c.termination = end_of(manquement, "2026-05-01", "2026-05-31");
  CHECK_FALSE(in_force(c, std::nullopt));
  c.termination->last_day = day("2026-06-01");
  CHECK(in_force(c, std::nullopt) == Interval{day("2026-06-01"), day("2026-06-01")});
}

TEST_CASE("two intervals overlap when they have a day in common") {
  const Interval summer{day("2026-06-01"), day("2026-08-31")};
  CHECK(summer.overlaps(summer));
  CHECK(summer.overlaps({day("2026-08-31"), std::nullopt}));
  CHECK_FALSE(summer.overlaps({day("2026-09-01"), std::nullopt}));
  CHECK(summer.overlaps({day("2026-01-01"), day("2026-06-01")}));
  CHECK_FALSE(summer.overlaps({day("2026-01-01"), day("2026-05-31")}));
  CHECK(Interval{day("2026-01-01"), std::nullopt}.overlaps({day("2099-01-01"), std::nullopt}));
}

TEST_CASE("the term of a version goes from its effect to its end, activated, suspended or not") {
  auto c = with_dates("2026-01-01", "2026-06-01", nullptr);
  c.suspension = Suspension{day("2026-07-01"), "incident"};
  CHECK(term(c) == Interval{day("2026-06-01"), std::nullopt});
  c.termination = Termination{TerminationCause::manquement, day("2026-06-01"), day("2026-06-01")};
  CHECK(term(c) == Interval{day("2026-06-01"), day("2026-06-01")});
  c.termination->last_day = day("2026-05-31");
  CHECK_FALSE(term(c));
}

TEST_CASE("R13: a person is habilitated from the first to the last day, both included") {
  const Personne open{"1", "", "", "", "", "", day("2026-01-10"), std::nullopt};
  const Personne closed{"2", "", "", "", "", "", day("2026-01-10"), day("2026-02-10")};
  const std::vector<Personne> both{open, closed};
  CHECK(habilitated(both, day("2026-01-09")).empty());
  CHECK(habilitated(both, day("2026-01-10")).size() == 2);
  CHECK(habilitated(both, day("2026-02-10")).size() == 2);
  CHECK(habilitated(both, day("2026-02-11")) == std::vector{open});
}

TEST_CASE("R12: a dénonciation takes effect at an anniversary that leaves three months") {
  const Day signed_on = day("2025-09-15");
  for (const auto kind : {li, st}) {
    // Received just in time for 15 September 2026: three months before is 15 June.
    CHECK(has_sufficient_notice(kind, signed_on, end_of(denonciation, "2026-06-15", "2026-09-14")));
    CHECK(has_sufficient_notice(kind, signed_on, end_of(denonciation, "2026-06-15", "2026-09-15")));
    CHECK_FALSE(has_sufficient_notice(kind, signed_on, end_of(denonciation, "2026-06-15", "2026-09-13")));
    // A day late: the next anniversary.
    CHECK_FALSE(has_sufficient_notice(kind, signed_on, end_of(denonciation, "2026-06-16", "2026-09-15")));
    CHECK_FALSE(has_sufficient_notice(kind, signed_on, end_of(denonciation, "2026-06-16", "2027-09-13")));
    CHECK(has_sufficient_notice(kind, signed_on, end_of(denonciation, "2026-06-16", "2027-09-14")));
  }
}

TEST_CASE("R12, section 6: the notice counts backwards to the month's last day") {
  CHECK(has_sufficient_notice(li, day("2025-05-31"), end_of(denonciation, "2026-02-28", "2026-05-30")));
  CHECK_FALSE(has_sufficient_notice(li, day("2025-05-31"), end_of(denonciation, "2026-03-01", "2026-05-30")));
  CHECK(has_sufficient_notice(li, day("2024-02-29"), end_of(denonciation, "2024-11-28", "2025-02-27")));
}

TEST_CASE("R12: a breach or an agreement ends at once, not before it was received") {
  for (const auto kind : {li, st}) {
    for (const auto cause : {manquement, accord}) {
      CHECK(has_sufficient_notice(kind, day("2025-09-15"), end_of(cause, "2026-06-15", "2026-06-15")));
      CHECK_FALSE(has_sufficient_notice(kind, day("2025-09-15"), end_of(cause, "2026-06-15", "2026-06-14")));
    }
  }
}

TEST_CASE("R36: a mon-compte-partenaire ends three months after receipt, one for a breach, at once by agreement") {
  const Day s = day("2017-01-01");
  CHECK(has_sufficient_notice(mcp, s, end_of(denonciation, "2026-11-30", "2027-02-28")));
  CHECK_FALSE(has_sufficient_notice(mcp, s, end_of(denonciation, "2026-11-30", "2027-02-27")));
  CHECK(has_sufficient_notice(mcp, s, end_of(manquement, "2026-01-31", "2026-02-28")));
  CHECK_FALSE(has_sufficient_notice(mcp, s, end_of(manquement, "2026-01-31", "2026-02-27")));
  CHECK(has_sufficient_notice(mcp, s, end_of(accord, "2026-01-31", "2026-01-31")));
  CHECK_FALSE(has_sufficient_notice(mcp, s, end_of(accord, "2026-01-31", "2026-01-30")));
}

TEST_CASE("kinds, causes, channels and cadences have the words of the schema, both ways") {
  for (const auto kind : {li, st, mcp}) CHECK(parse_convention_kind(to_string(kind)) == kind);
  for (const auto cause : {denonciation, manquement, accord}) CHECK(parse_termination_cause(to_string(cause)) == cause);
  CHECK(to_string(mcp) == "mon-compte-partenaire");
  CHECK(to_string(accord) == "commun-accord");
  CHECK_FALSE(parse_convention_kind("lieu_information"));
  CHECK_FALSE(parse_termination_cause(""));
  CHECK(to_string(Cadence{Immediat{}}) == "immediat");
  CHECK(to_string(Cadence{Quotidien{std::chrono::minutes(365)}}) == "quotidien 06:05");
  CHECK(kind_of(DepotChannel{}) == std::string("depot"));
  CHECK(kind_of(SftpChannel{}) == std::string("sftp"));
  CHECK(kind_of(CourrielChannel{}) == std::string("courriel"));
}
