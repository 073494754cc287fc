#include "lib/pdf/font_file.h"

#include <array>

#include <hb-ot.h>
#include <hb-subset.h>
#include <hb.h>

#include "base/error.h"

namespace navette::pdf {
namespace {

struct FreeBlob {
  void operator()(hb_blob_t* blob) const { hb_blob_destroy(blob); }
};
using Blob = std::unique_ptr<hb_blob_t, FreeBlob>;

struct FreeInput {
  void operator()(hb_subset_input_t* input) const { hb_subset_input_destroy(input); }
};
struct FreePlan {
  void operator()(hb_subset_plan_t* plan) const { hb_subset_plan_destroy(plan); }
};

std::string_view bytes_of(hb_blob_t* blob) {
  unsigned length = 0;
  const char* data = hb_blob_get_data(blob, &length);
  return {data == nullptr ? "" : data, length};
}

int big_endian_16(std::string_view table, std::size_t at, bool is_signed = true) {
  if (at + 2 > table.size()) return 0;
  const int value = (static_cast<unsigned char>(table[at]) << 8) | static_cast<unsigned char>(table[at + 1]);
  return is_signed && value > 0x7fff ? value - 0x10000 : value;
}

int position(hb_font_t* font, hb_ot_metrics_tag_t tag) {
  hb_position_t value = 0;
  hb_ot_metrics_get_position_with_fallback(font, tag, &value);
  return value;
}

FontMetrics read_metrics(hb_face_t* face, hb_font_t* font) {
  FontMetrics m;
  m.units_per_em = static_cast<int>(hb_face_get_upem(face));
  m.ascent = position(font, HB_OT_METRICS_TAG_HORIZONTAL_ASCENDER);
  m.descent = position(font, HB_OT_METRICS_TAG_HORIZONTAL_DESCENDER);
  m.cap_height = position(font, HB_OT_METRICS_TAG_CAP_HEIGHT);
  const Blob head(hb_face_reference_table(face, HB_TAG('h', 'e', 'a', 'd')));
  const auto table = bytes_of(head.get());
  m.x_min = big_endian_16(table, 36);
  m.y_min = big_endian_16(table, 38);
  m.x_max = big_endian_16(table, 40);
  m.y_max = big_endian_16(table, 42);
  m.italic_angle = static_cast<double>(hb_style_get_value(font, HB_STYLE_TAG_SLANT_ANGLE));
  m.weight = static_cast<int>(hb_style_get_value(font, HB_STYLE_TAG_WEIGHT));
  return m;
}

std::string read_postscript_name(hb_face_t* face) {
  std::array<char, 128> name{};
  auto size = static_cast<unsigned>(name.size());
  hb_ot_name_get_utf8(face, HB_OT_NAME_ID_POSTSCRIPT_NAME, HB_LANGUAGE_INVALID, &size, name.data());
  std::string kept;
  for (const char c : std::string_view(name.data(), size)) {  // only what may stand in a PDF name without escapes
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    if (plain) kept += c;
  }
  return kept.empty() ? "Font" : kept;
}

// OS/2 fsType: bit 1 forbids embedding, bit 8 forbids subsets, bit 9 allows bitmaps only.
bool may_embed(hb_face_t* face) {
  const Blob os2(hb_face_reference_table(face, HB_TAG('O', 'S', '/', '2')));
  return (big_endian_16(bytes_of(os2.get()), 8, false) & 0x0302) == 0;
}

}  // namespace

void FontFile::FreeFace::operator()(hb_face_t* face) const {
  hb_face_destroy(face);
}
void FontFile::FreeFont::operator()(hb_font_t* font) const {
  hb_font_destroy(font);
}

FontFile::FontFile(const std::string& path) {
  const Blob blob(hb_blob_create_from_file_or_fail(path.c_str()));
  if (!blob) throw Error("font " + path + ": cannot be read; install the font or correct its path");
  face_.reset(hb_face_create(blob.get(), 0));
  const Blob glyf(hb_face_reference_table(face_.get(), HB_TAG('g', 'l', 'y', 'f')));
  if (hb_blob_get_length(glyf.get()) == 0) throw Error("font " + path + ": no TrueType outlines; choose a .ttf font");
  if (!may_embed(face_.get())) throw Error("font " + path + ": its licence flags forbid embedding; choose another");
  hb_face_make_immutable(face_.get());
  font_.reset(hb_font_create(face_.get()));  // scale is units_per_em: every position below is in font units
  hb_font_make_immutable(font_.get());
  prepared_.reset(hb_subset_preprocess(face_.get()));
  metrics_ = read_metrics(face_.get(), font_.get());
  name_ = read_postscript_name(face_.get());
  // HarfBuzz 6 builds tables of a prepared face at its first subset, and leaks a few bytes when two threads do it at
  // once.
  static_cast<void>(subset({0}));
}

bool FontFile::covers(char32_t c) const {
  hb_codepoint_t glyph = 0;
  return hb_font_get_nominal_glyph(font_.get(), c, &glyph) != 0 && glyph != 0;
}

int FontFile::advance(GlyphId glyph) const {
  return hb_font_get_glyph_h_advance(font_.get(), glyph);
}

FontFile::Ink FontFile::ink(GlyphId glyph) const {
  hb_glyph_extents_t e{};
  if (hb_font_get_glyph_extents(font_.get(), glyph, &e) == 0) return {};
  return {e.x_bearing, e.y_bearing + e.height, e.x_bearing + e.width, e.y_bearing};
}

FontFile::Subset FontFile::subset(const std::vector<GlyphId>& glyphs) const {
  const std::unique_ptr<hb_subset_input_t, FreeInput> input(hb_subset_input_create_or_fail());
  if (!input) throw std::bad_alloc();
  hb_set_t* wanted = hb_subset_input_glyph_set(input.get());
  for (const GlyphId glyph : glyphs) hb_set_add(wanted, glyph);
  // A CIDFontType2 needs outlines and widths; what maps or positions characters is done by the PDF and the shaper.
  hb_set_t* dropped = hb_subset_input_set(input.get(), HB_SUBSET_SETS_DROP_TABLE_TAG);
  for (const char* tag : {"GSUB", "GPOS", "GDEF", "cmap", "name", "post", "OS/2", "gasp", "DSIG", "kern", "STAT"}) {
    hb_set_add(dropped, hb_tag_from_string(tag, 4));
  }
  hb_subset_input_set_flags(input.get(), HB_SUBSET_FLAGS_NO_HINTING);
  const std::unique_ptr<hb_subset_plan_t, FreePlan> plan(hb_subset_plan_create_or_fail(prepared_.get(), input.get()));
  if (!plan) throw Error("font " + name_ + ": cannot be cut down to the glyphs in use");
  const std::unique_ptr<hb_face_t, FreeFace> cut(hb_subset_plan_execute_or_fail(plan.get()));
  if (!cut) throw Error("font " + name_ + ": cannot be cut down to the glyphs in use");
  const Blob blob(hb_face_reference_blob(cut.get()));
  Subset result{std::string(bytes_of(blob.get())), {}};
  const hb_map_t* ids = hb_subset_plan_old_to_new_glyph_mapping(plan.get());
  for (const GlyphId glyph : glyphs) result.new_ids[glyph] = hb_map_get(ids, glyph);
  return result;
}

}  // namespace navette::pdf
