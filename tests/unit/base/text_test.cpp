#include "base/text.h"

#include <catch2/catch.hpp>

using namespace navette;

TEST_CASE("printable keeps French text and escapes what a terminal or a log line could obey") {
  CHECK(text::printable("Crèche « Les Lutins » à Saint-Étienne €") == "Crèche « Les Lutins » à Saint-Étienne €");
  CHECK(text::printable("a\nb\tc\x7f") == "a\\x0ab\\x09c\\x7f");
  CHECK(text::printable(std::string("a\0b", 3)) == "a\\x00b");
  CHECK(text::printable("\x1b[31m") == "\\x1b[31m");
  CHECK(text::printable("\xC2\x9B") == "\\xc2\\x9b");               // CSI as one character
  CHECK(text::printable("a\xE2\x80\xAEz") == "a\\xe2\\x80\\xaez");  // right-to-left override
  CHECK(text::printable("\xE2\x80\xA8") == "\\xe2\\x80\\xa8");      // line separator
  CHECK(text::printable("caf\xE9") == "caf\\xe9");                  // ISO-8859-1
}

TEST_CASE("what is counted reads as a person would say it") {
  CHECK(text::counted(0, "remise") == "0 remises");
  CHECK(text::counted(1, "remise") == "1 remise");
  CHECK(text::counted(2, "remise") == "2 remises");
  CHECK(text::counted(1, "lieu", "lieux") == "1 lieu");
  CHECK(text::counted(3, "lieu", "lieux") == "3 lieux");
}

TEST_CASE("what is not UTF-8 is known as such") {
  for (const char* good : {"", "a", "é", "€", "😀", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) {
    CAPTURE(good);
    CHECK(text::is_valid_utf8(good));
  }
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "a\xE9z"}) {
    CAPTURE(bad);
    CHECK_FALSE(text::is_valid_utf8(bad));
    CHECK(text::is_valid_utf8(text::printable(bad)));
  }
}

TEST_CASE("truncated cuts between characters") {
  CHECK(text::truncated("été", 10) == "été");
  CHECK(text::truncated("été", 5) == "été");
  CHECK(text::truncated("été", 4) == "ét");
  CHECK(text::truncated("été", 3) == "ét");
  CHECK(text::truncated("été", 2) == "é");
  CHECK(text::truncated("été", 1).empty());
  CHECK(text::truncated("😀", 3).empty());
  CHECK(text::truncated("a", 0).empty());
}

TEST_CASE("split and join are inverse, trim takes blanks only") {
  CHECK(text::split("a,b,,c", ',') == std::vector<std::string>{"a", "b", "", "c"});
  CHECK(text::split("", ',') == std::vector<std::string>{""});
  CHECK(text::join({"a", "b", "", "c"}, ",") == "a,b,,c");
  CHECK(text::join({}, ",").empty());
  CHECK(text::trim(" \t a b \r\n") == "a b");
  CHECK(text::trim(" \n").empty());
}

TEST_CASE("hex is lower case and keeps leading zeros") {
  CHECK(text::hex(std::string("\0\x0f\xA0\xff", 4)) == "000fa0ff");
  CHECK(text::hex("").empty());
}
