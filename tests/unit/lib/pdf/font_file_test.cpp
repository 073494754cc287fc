#include "lib/pdf/font_file.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "lib/pdf/glyph_shaper.h"

using namespace navette;

namespace {
const pdf::FontFile& noto() {
  static const pdf::FontFile font("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf");
  return font;
}
}  // namespace

TEST_CASE("a font tells its metrics and what it covers") {
  CHECK(noto().metrics().units_per_em == 1000);
  CHECK(noto().metrics().ascent > 0);
  CHECK(noto().metrics().descent < 0);
  CHECK(noto().postscript_name() == "NotoSans-Regular");
  for (const char32_t c : U"éÉàçœŒæÿ€«»’–…\u00A0\u202F") {
    if (c != 0) CHECK(noto().covers(c));
  }
  CHECK_FALSE(noto().covers(U'字'));
}

TEST_CASE("a subset holds the glyphs asked for, the same bytes each time") {
  pdf::GlyphShaper shaper;
  std::vector<pdf::GlyphId> ids;
  for (const auto& glyph : shaper.shape(noto(), u"Été", false)) ids.push_back(glyph.id);
  const auto subset = noto().subset(ids);
  CHECK(subset.bytes.size() < 10'000);
  CHECK(subset.new_ids.size() == 3);
  CHECK(noto().subset(ids).bytes == subset.bytes);
}

TEST_CASE("what is not a TrueType font is refused by name") {
  CHECK_THROWS_WITH(pdf::FontFile("/nowhere.ttf"), Catch::Contains("/nowhere.ttf"));
  CHECK_THROWS_WITH(pdf::FontFile("/etc/passwd"), Catch::Contains("/etc/passwd"));
}

TEST_CASE("shaping kerns, and gives no glyph to a joiner") {
  pdf::GlyphShaper shaper;
  const auto width = [&](std::u16string_view text) {
    int sum = 0;
    for (const auto& glyph : shaper.shape(noto(), text, false)) sum += glyph.advance;
    return sum;
  };
  CHECK(width(u"AV") < width(u"A") + width(u"V"));
  CHECK(shaper.shape(noto(), u"\u200D", false).empty());
}
