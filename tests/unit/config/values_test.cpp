#include "config/values.h"

#include <limits>

#include <catch2/catch.hpp>

using namespace navette::config;
using std::chrono::milliseconds;

TEST_CASE("durations are a whole number and a unit") {
  CHECK(parse_duration("500ms") == milliseconds(500));
  CHECK(parse_duration("5s") == milliseconds(5000));
  CHECK(parse_duration("10min") == milliseconds(600'000));
  CHECK(parse_duration("1h") == milliseconds(3'600'000));
  CHECK(parse_duration("0s") == milliseconds(0));
  for (const char* bad : {"", "5", "s", "5 s", "-5s", "+5s", "5m", "5S", "1.5s", "5s5s", "99999999999999999999s",
                          "18446744073709551615h", "0x5s"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad));
  }
}

TEST_CASE("sizes are powers of 1024") {
  CHECK(parse_size("512B") == 512U);
  CHECK(parse_size("64KiB") == 65536U);
  CHECK(parse_size("1MiB") == 1048576U);
  CHECK(parse_size("2GiB") == 2147483648U);
  for (const char* bad : {"", "1", "1MB", "1M", "1 MiB", "-1MiB", "99999999999999GiB"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_size(bad));
  }
}

TEST_CASE("numbers, yes and no") {
  CHECK(parse_number("0") == 0U);
  CHECK(parse_number("4294967295") == std::numeric_limits<unsigned>::max());
  CHECK_FALSE(parse_number("4294967296"));
  CHECK_FALSE(parse_number("-1"));
  CHECK_FALSE(parse_number("2x"));
  CHECK(parse_yes_no("yes") == true);
  CHECK(parse_yes_no("no") == false);
  CHECK_FALSE(parse_yes_no("oui"));
  CHECK_FALSE(parse_yes_no(""));
}

TEST_CASE("lists are trimmed, sorted and without repetition") {
  CHECK(parse_list(" b, a ,b,, ") == std::vector<std::string>{"a", "b"});
  CHECK(parse_list("").empty());
}
