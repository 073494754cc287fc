#include "lib/pdf/unicode.h"

#include <catch2/catch.hpp>

using namespace navette;

TEST_CASE("UTF-8 and UTF-16 go both ways; what is not UTF-8 becomes U+FFFD") {
  CHECK(unicode::utf8(unicode::utf16("é\U0001F600z")) == "é\U0001F600z");
  CHECK(unicode::utf16("a\xFFz") == u"a\uFFFDz");
  CHECK(unicode::utf16("").empty());
  CHECK(unicode::utf8(std::u16string(1, char16_t{0xD800})) == "\uFFFD");
}

TEST_CASE("a pair of surrogates is one character, a lone one is itself") {
  const std::u16string text = u"\U0001F600";
  std::size_t at = 0;
  CHECK(unicode::next(text, at) == 0x1F600);
  CHECK(at == 2);
  at = 0;
  CHECK(unicode::next(std::u16string_view(text).substr(0, 1), at) == 0xD83D);
}

TEST_CASE("NFC composes") {
  CHECK(unicode::nfc(u"e\u0301") == u"é");
  CHECK(unicode::nfc(u"plain") == u"plain");
}

TEST_CASE("a line may end after a blank and a hyphen, not before a French mark") {
  unicode::Boundaries lines(unicode::Boundaries::Kind::line);
  CHECK(lines.of(u"un deux-trois\u00A0!") == std::vector<std::size_t>{3, 8, 15});
  CHECK(lines.of(u"").empty());
}

TEST_CASE("graphemes hold their marks") {
  unicode::Boundaries graphemes(unicode::Boundaries::Kind::grapheme);
  CHECK(graphemes.of(u"ae\u0301b") == std::vector<std::size_t>{1, 3, 4});
}

TEST_CASE("bidi levels of a left-to-right paragraph") {
  CHECK(unicode::bidi_levels(u"aאb") == std::vector<std::uint8_t>{0, 1, 0});
  CHECK(unicode::may_be_right_to_left(u"aא"));
  CHECK_FALSE(unicode::may_be_right_to_left(u"Ωя字"));
}
