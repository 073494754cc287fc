// The whole table of (state, event), for both machines: what is not written here must not apply.
#include "model/states.h"

#include <map>

#include <catch2/catch.hpp>

#include "base/error.h"
#include "support/times.h"

using namespace navette;
using namespace navette::model;
using namespace std::chrono_literals;
using S = AcheminementState;
using E = AcheminementEvent;
using RS = RemiseState;
using RE = RemiseEvent;

TEST_CASE("acheminement: every state and every event") {
  const std::map<std::pair<S, E>, S> table = {
      {{S::a_remettre, E::packed}, S::en_remise},   {{S::a_remettre, E::failed}, S::retenu},
      {{S::a_remettre, E::held}, S::retenu},        {{S::a_remettre, E::rights_lost}, S::annule},
      {{S::retenu, E::released}, S::a_remettre},    {{S::retenu, E::rights_lost}, S::annule},
      {{S::en_remise, E::delivered}, S::remis},     {{S::en_remise, E::rights_lost}, S::annule},
      {{S::en_remise, E::unpacked}, S::a_remettre}, {{S::annule, E::reopened}, S::a_remettre},
      {{S::remis, E::withdrawn}, S::retire},        {{S::en_remise, E::withdrawn}, S::retire}};
  for (const auto state : {S::a_remettre, S::retenu, S::en_remise, S::remis, S::annule, S::retire}) {
    for (const auto event : {E::packed, E::delivered, E::failed, E::held, E::released, E::rights_lost, E::unpacked,
                             E::reopened, E::withdrawn}) {
      INFO(to_string(state) << " and event " << static_cast<int>(event));
      const auto row = table.find({state, event});
      CHECK(next(state, event) == (row == table.end() ? std::nullopt : std::optional(row->second)));
    }
  }
}

TEST_CASE("remise: every state and every event") {
  const std::map<std::pair<RS, RE>, RS> table = {{{RS::prete, RE::delivered}, RS::livree},
                                                 {{RS::prete, RE::refused}, RS::retenue},
                                                 {{RS::prete, RE::held}, RS::retenue},
                                                 {{RS::prete, RE::dissolved}, RS::dissoute},
                                                 {{RS::retenue, RE::released}, RS::prete},
                                                 {{RS::retenue, RE::dissolved}, RS::dissoute},
                                                 {{RS::prete, RE::withdrawn}, RS::a_rappeler},
                                                 {{RS::retenue, RE::withdrawn}, RS::a_rappeler},
                                                 {{RS::livree, RE::withdrawn}, RS::a_rappeler},
                                                 {{RS::a_rappeler, RE::taken_back}, RS::rappelee},
                                                 {{RS::a_rappeler, RE::not_removable}, RS::a_detruire},
                                                 {{RS::a_detruire, RE::taken_back}, RS::rappelee}};
  for (const auto state :
       {RS::prete, RS::retenue, RS::livree, RS::dissoute, RS::a_rappeler, RS::a_detruire, RS::rappelee}) {
    for (const auto event : {RE::delivered, RE::refused, RE::held, RE::released, RE::dissolved, RE::withdrawn,
                             RE::not_removable, RE::taken_back}) {
      INFO(to_string(state) << " and event " << static_cast<int>(event));
      const auto row = table.find({state, event});
      CHECK(next(state, event) == (row == table.end() ? std::nullopt : std::optional(row->second)));
    }
  }
}

TEST_CASE("states have the names of the database, both ways; another name is a failure") {
  for (const auto s : {S::a_remettre, S::retenu, S::en_remise, S::remis, S::annule, S::retire}) {
    CHECK(parse_acheminement_state(to_string(s)) == s);
  }
  for (const auto s : {RS::prete, RS::retenue, RS::livree, RS::dissoute, RS::a_rappeler, RS::a_detruire, RS::rappelee})
    CHECK(parse_remise_state(to_string(s)) == s);
  CHECK_THROWS_AS(parse_acheminement_state("prete"), Error);
  CHECK_THROWS_AS(parse_remise_state(""), Error);
}

TEST_CASE("R11: a demande's state is derived from its acheminements") {
  CHECK(demande_state(false, true, {}) == "a-router");
  CHECK(demande_state(false, false, {}) == "sans-lieu");
  CHECK(demande_state(false, false, {S::annule}) == "sans-lieu");
  CHECK(demande_state(false, true, {S::annule}) == "a-router");
  CHECK(demande_state(false, false, {S::a_remettre}) == "en-cours");
  CHECK(demande_state(false, false, {S::en_remise, S::remis}) == "en-cours");
  CHECK(demande_state(false, false, {S::remis, S::annule}) == "remise");
  CHECK(demande_state(false, true, {S::remis}) == "remise");
  CHECK(demande_state(false, false, {S::retire}) == "retiree");
  CHECK(demande_state(false, false, {S::retire, S::remis}) == "remise");
  CHECK(demande_state(false, false, {S::retenu, S::remis}) == "retenue");
  CHECK(demande_state(true, false, {S::remis}) == "retenue");
  CHECK(demande_state(true, true, {}) == "retenue");
}

TEST_CASE("the next attempt comes after a minute doubled up to an hour, spread by a fifth") {
  const Instant now = test::at("2026-11-20T05:00:00Z");
  const std::chrono::minutes nominal[] = {1min, 2min, 4min, 8min, 16min, 32min, 60min, 60min, 60min};
  for (int attempts = 1; attempts <= 9; ++attempts) {
    const std::chrono::milliseconds wait = nominal[attempts - 1];
    CHECK(next_attempt(now, now, attempts, 0.5) == now + wait);
    CHECK(next_attempt(now, now, attempts, 0.0) == now + wait * 8 / 10);
    const auto latest = next_attempt(now, now, attempts, 0.999);
    REQUIRE(latest);
    CHECK(*latest > now + wait * 119 / 100);
    CHECK(*latest < now + wait * 12 / 10);
  }
  CHECK(next_attempt(now, now, 1'000'000, 0.5) == now + 1h);
}

TEST_CASE("after five days of attempts a remise is held, not before") {
  const Instant first = test::at("2026-11-20T05:00:00Z");
  CHECK(next_attempt(first + 120h - 1ms, first, 130, 0.5));
  CHECK_FALSE(next_attempt(first + 120h, first, 130, 0.5));
  CHECK_FALSE(next_attempt(first + 500h, first, 1, 0.5));
}
