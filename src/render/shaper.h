// Words to glyphs: falls back along the font chain, never yields .notdef nor ink far from its place, remembers words.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/pdf/glyph_shaper.h"
#include "lib/pdf/unicode.h"
#include "render/font_store.h"

namespace navette::render {

// Glyphs and the text they stand for; a cluster cannot be broken. Both in visual order, left to right.
struct Cluster {
  unsigned glyph_begin = 0, glyph_end = 0;
  unsigned text_begin = 0, text_end = 0;  // UTF-16 units of ShapedWord::text
  int width = 0;                          // font units
};

struct ShapedWord {
  FontId font = 0;
  bool right_to_left = false;
  unsigned substituted =
      0;          // clusters drawn as others, U+FFFD or plainer: no font can show them; `text` still holds them
  int width = 0;  // font units
  std::u16string text;
  std::vector<pdf::Glyph> glyphs;
  std::vector<Cluster> clusters;
};
using ShapedWords = std::vector<std::shared_ptr<const ShapedWord>>;

// One a thread.
class Shaper {
 public:
  explicit Shaper(const FontStore& fonts);

  // `text` holds no line end, and one direction. Several words come out where fonts change; in logical order. The
  // reference is valid until the next call.
  const ShapedWords& shape(std::u16string_view text, bool bold, bool italic, bool right_to_left);

  const FontStore& fonts() const { return fonts_; }
  unicode::Boundaries& line_boundaries() { return lines_; }

 private:
  struct Style {
    bool bold, italic, right_to_left;
  };
  ShapedWords shape_uncached(std::u16string_view text, Style style);
  std::size_t family_for(std::u16string_view grapheme, Style style) const;
  bool shape_run(std::u16string_view text, std::size_t family, Style style, ShapedWords& out);
  bool keeps_its_place(const ShapedWord& word, Style style) const;
  void substitute(std::u16string_view grapheme, Style style, ShapedWords& out);
  std::shared_ptr<ShapedWord> shown_as(std::u16string_view grapheme, std::u16string_view other, Style style);

  const FontStore& fonts_;
  pdf::GlyphShaper glyphs_;
  unicode::Boundaries lines_{unicode::Boundaries::Kind::line};
  unicode::Boundaries graphemes_{unicode::Boundaries::Kind::grapheme};
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::u16string_view text) const { return std::hash<std::u16string_view>{}(text); }
  };
  using Words = std::unordered_map<std::u16string, ShapedWords, Hash, std::equal_to<>>;
  std::array<Words, 8> cache_;  // by style
  std::size_t cached_ = 0;      // words in all of them
  ShapedWords uncached_;
};

}  // namespace navette::render
