#include "cli/actor.h"

#include <catch2/catch.hpp>

using namespace navette::cli;

TEST_CASE("the kernel's loginuid is taken when it is set") {
  CHECK(parse_loginuid("1000") == uid_t{1000});
  CHECK(parse_loginuid("1000\n") == uid_t{1000});
  CHECK(parse_loginuid("0") == uid_t{0});
  for (const char* unset : {"4294967295", "4294967296", "", "\n", "-1", "1000x", "x"}) {
    CAPTURE(unset);
    CHECK_FALSE(parse_loginuid(unset));
  }
}

TEST_CASE("an actor is a login with its number, even of an account that is gone") {
  const auto names = [](uid_t uid) { return uid == 1000 ? std::string("alice") : std::string(); };
  CHECK(actor_text(1000, names) == "alice (uid 1000)");
  CHECK(actor_text(1001, names) == "? (uid 1001)");
  CHECK(operator_actor().find(" (uid ") != std::string::npos);
}
