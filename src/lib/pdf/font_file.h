// HarfBuzz: one font file, its metrics and its subsets. No HarfBuzz header leaves lib/pdf.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct hb_face_t;
struct hb_font_t;

namespace navette::pdf {

using GlyphId = std::uint32_t;

// In font units (see units_per_em), y upwards; what a PDF FontDescriptor wants.
struct FontMetrics {
  int units_per_em = 1000;
  int ascent = 0;
  int descent = 0;  // negative
  int cap_height = 0;
  int x_min = 0, y_min = 0, x_max = 0, y_max = 0;
  double italic_angle = 0;  // degrees, negative when slanted to the right
  int weight = 400;         // 1 to 1000
};

// Immutable, shared by threads. The file stays mapped.
class FontFile {
 public:
  // Throws Error: missing file, not TrueType outlines (a CFF font), or a licence that forbids embedding.
  explicit FontFile(const std::string& path);

  bool covers(char32_t c) const;
  int advance(GlyphId glyph) const;  // font units, before kerning
  // What of it is inked, font units from its origin; all zero for a blank.
  struct Ink {
    int left = 0, bottom = 0, right = 0, top = 0;
  };
  Ink ink(GlyphId glyph) const;
  const FontMetrics& metrics() const { return metrics_; }
  const std::string& postscript_name() const { return name_; }

  struct Subset {
    std::string bytes;                             // a TrueType file that holds outlines and widths only
    std::unordered_map<GlyphId, GlyphId> new_ids;  // for each glyph asked for
  };
  // The same glyphs give the same bytes. Throws Error.
  Subset subset(const std::vector<GlyphId>& glyphs) const;

  hb_font_t* raw() const { return font_.get(); }  // for lib/pdf only

 private:
  struct FreeFace {
    void operator()(hb_face_t* face) const;
  };
  struct FreeFont {
    void operator()(hb_font_t* font) const;
  };
  std::unique_ptr<hb_face_t, FreeFace> face_;
  std::unique_ptr<hb_face_t, FreeFace> prepared_;  // preprocessed once: makes each subset faster
  std::unique_ptr<hb_font_t, FreeFont> font_;
  FontMetrics metrics_;
  std::string name_;
};

}  // namespace navette::pdf
