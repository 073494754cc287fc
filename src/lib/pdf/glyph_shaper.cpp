#include "lib/pdf/glyph_shaper.h"

#include <hb.h>

namespace navette::pdf {

void GlyphShaper::Free::operator()(hb_buffer_t* buffer) const {
  hb_buffer_destroy(buffer);
}

GlyphShaper::GlyphShaper() : buffer_(hb_buffer_create()) {}

const std::vector<Glyph>& GlyphShaper::shape(const FontFile& font, std::u16string_view text, bool right_to_left) {
  hb_buffer_t* buffer = buffer_.get();
  hb_buffer_clear_contents(buffer);
  hb_buffer_set_flags(buffer, HB_BUFFER_FLAG_REMOVE_DEFAULT_IGNORABLES);
  const auto length = static_cast<int>(text.size());
  hb_buffer_add_utf16(buffer, reinterpret_cast<const std::uint16_t*>(text.data()), length, 0, length);
  hb_buffer_guess_segment_properties(buffer);
  // The paragraph's bidi levels decide, not the guess: digits inside Arabic run left to right.
  hb_buffer_set_direction(buffer, right_to_left ? HB_DIRECTION_RTL : HB_DIRECTION_LTR);
  static const hb_language_t french = hb_language_from_string("fr", -1);
  hb_buffer_set_language(buffer, french);
  hb_shape(font.raw(), buffer, nullptr, 0);
  unsigned count = 0;
  const hb_glyph_info_t* infos = hb_buffer_get_glyph_infos(buffer, &count);
  const hb_glyph_position_t* positions = hb_buffer_get_glyph_positions(buffer, nullptr);
  glyphs_.clear();
  glyphs_.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    glyphs_.push_back(
        {infos[i].codepoint, positions[i].x_advance, positions[i].x_offset, positions[i].y_offset, infos[i].cluster});
  }
  return glyphs_;
}

}  // namespace navette::pdf
