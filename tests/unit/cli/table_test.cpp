#include "cli/table.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "base/text.h"
#include "cli/output.h"

using namespace navette::cli;

TEST_CASE("width is what a terminal shows, whatever the environment's locale") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("été €") == 5);
  CHECK(display_width("e\u0301") == 1);  // combining accent
  CHECK(display_width("日本") == 4);
  CHECK(display_width("") == 0);
}

TEST_CASE("what does not fit ends in an ellipsis, cut between characters") {
  CHECK(fitted("Étienne", 7) == "Étienne");
  CHECK(fitted("Étienne", 4) == "Éti…");
  CHECK(fitted("日本語", 4) == "日…");
  CHECK(fitted("abc", 1) == "…");
  CHECK(fitted("abc", 0).empty());
}

namespace {

Table sample() {
  Table t;
  t.add_column("LIEU");
  t.add_column("N", Align::right);
  t.add_column("WHY");
  t.add_row({"rpe-étienne", "7", ""});
  t.add_row({"a", "1234", "a reason\nthat is long"});
  return t;
}

}  // namespace

TEST_CASE("columns are aligned by width; nothing is cut without a width") {
  CHECK(sample().text(std::nullopt) ==
        "LIEU            N  WHY\n"
        "rpe-étienne     7  -\n"
        "a            1234  a reason\\x0athat is long\n");
}

TEST_CASE("with a width no line is longer, and the widest text gives way") {
  const std::string text = sample().text(30);
  for (const auto& line : navette::text::split(text, '\n')) CHECK(display_width(line) <= 30);
  CHECK(text.find("rpe-étienne") != std::string::npos);
  CHECK(text.find("…") != std::string::npos);
}

TEST_CASE("what names a row, numbers and dates are never cut: columns are left out from the right instead") {
  Table t;
  for (const char* header : {"REMISE", "WHEN", "STATE", "WHY"}) t.add_column(header);
  t.add_row({"rpe-saint-etienne-20261120-1", "2026-11-20 06:00", "livree", "a long reason"});
  for (std::size_t width : {68U, 60U, 50U, 30U, 5U}) {
    const std::string text = t.text(width);
    INFO(text);
    CHECK(text.find("rpe-saint-etienne-20261120-1") != std::string::npos);
    CHECK((text.find("WHEN") == std::string::npos || text.find("2026-11-20 06:00") != std::string::npos));
    CHECK(text.find("…") != std::string::npos);
    if (width >= 32) {
      for (const auto& line : navette::text::split(text, '\n')) CHECK(display_width(line) <= width);
    }
  }
  CHECK(t.text(60).find("livree") != std::string::npos);
  CHECK(t.text(50).find("STATE") == std::string::npos);
  CHECK(t.text(50).find("2026-11-20 06:00") != std::string::npos);
  CHECK(sample().text(20).find("1234") != std::string::npos);
}

TEST_CASE("tables and facts hold no tab, no control character, no blank at the end") {
  Table t;
  t.add_column("A");
  t.add_column("B");
  t.add_row({"x\ty\x1b[31m", ""});
  t.add_row({"short"});
  const std::string text = t.text(std::nullopt) + facts({{"Name", "x\ty"}, {"None", ""}});
  CHECK(text.find('\t') == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find(" \n") == std::string::npos);
  CHECK(text.find("None") == std::string::npos);
}

TEST_CASE("sizes and ages are short") {
  using namespace std::chrono_literals;
  const navette::Instant now{100h};
  CHECK(shown_bytes(1023) == "1023 B");
  CHECK(shown_bytes(1536) == "1.5 KiB");
  CHECK(shown_bytes(std::uint64_t{3} << 30U) == "3.0 GiB");
  CHECK(shown_age(now - 30s, now) == "now");
  CHECK(shown_age(now - 61s, now) == "1 min");
  CHECK(shown_age(now - 47h, now) == "47 h");
  CHECK(shown_age(now - 49h, now) == "2 d");
}
