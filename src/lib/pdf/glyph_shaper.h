// HarfBuzz: characters to positioned glyphs.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "lib/pdf/font_file.h"

struct hb_buffer_t;

namespace navette::pdf {

// Font units. In visual order, left to right.
struct Glyph {
  GlyphId id = 0;  // 0: the font has no glyph for it
  std::int32_t advance = 0;
  std::int32_t dx = 0;  // from the pen
  std::int32_t dy = 0;
  std::uint32_t cluster = 0;  // index into the text of the first UTF-16 unit that this glyph stands for
};

// One a thread: it owns the buffer that HarfBuzz works in.
class GlyphShaper {
 public:
  GlyphShaper();
  // Kerning and ligatures as the font has them. Invisible characters (joiners, variation selectors) give no glyph.
  // The result is valid until the next call.
  const std::vector<Glyph>& shape(const FontFile& font, std::u16string_view text, bool right_to_left);

 private:
  struct Free {
    void operator()(hb_buffer_t* buffer) const;
  };
  std::unique_ptr<hb_buffer_t, Free> buffer_;
  std::vector<Glyph> glyphs_;
};

}  // namespace navette::pdf
