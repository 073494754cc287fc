#include "lib/xml/writer.h"

#include <catch2/catch.hpp>

#include "lib/xml/document.h"

using namespace navette::xml;

TEST_CASE("a document is written indented and escaped") {
  std::string out;
  Writer writer([&](std::string_view bytes) { out += bytes; });
  writer.open("a", {{"x", "\"<&"}});
  writer.leaf("b", "<é & \"ù\">");
  writer.close();
  writer.finish();
  CHECK(out ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a x=\"&quot;&lt;&amp;\">\n  <b>&lt;é &amp; "
        "&quot;ù&quot;&gt;</b>\n</a>\n");
}

TEST_CASE("whatever the bytes, what is written can be read") {
  for (int first = 0; first < 256; ++first) {
    for (const int second : {0x00, 0x41, 0x80, 0xBF, 0xE9, 0xFF}) {
      const std::string bytes{static_cast<char>(first), static_cast<char>(second), '\xEF', '\xBF', '\xBF', 'z'};
      std::string out;
      Writer writer([&](std::string_view piece) { out += piece; });
      writer.open("a", {{"x", bytes}});
      writer.leaf("b", bytes);
      writer.close();
      writer.finish();
      REQUIRE_NOTHROW(Document::parse(out));
      REQUIRE(Document::parse(out).root().child_text("b").ends_with("\xEF\xBF\xBDz"));
    }
  }
}

TEST_CASE("an unfinished document is not passed off as whole") {
  Writer writer([](std::string_view /*bytes*/) {});
  writer.open("a");
  CHECK_THROWS_AS(writer.finish(), navette::Error);
  writer.close();
  CHECK_THROWS_AS(writer.close(), navette::Error);
}
