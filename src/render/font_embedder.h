// The fonts of one document: which glyphs it uses, under which codes, and the PDF objects that hold them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/pdf/deflate.h"
#include "lib/pdf/object_writer.h"
#include "render/display_list.h"
#include "render/font_store.h"

namespace navette::render {

// Type0 / CIDFontType2 / Identity-H: a code is a glyph of the subset. Codes are known once all pages were collected.
class FontEmbedder {
 public:
  explicit FontEmbedder(const FontStore& fonts) : fonts_(fonts) {}

  void collect(const Page& page);
  // Cuts the subsets; codes and objects are known from here on. Throws Error.
  void embed(pdf::ObjectWriter& writer, pdf::Deflate& deflate);

  unsigned code(FontId font, pdf::GlyphId glyph) const { return used_[font].of(glyph).code; }
  // Whether the glyphs of a cluster alone would be read back as its text; else it needs an ActualText.
  bool extracts(const ShapedWord& word, const Cluster& cluster) const;
  // "/F0 12 0 R/F1 15 0 R": the Font resources.
  const std::string& resources() const { return resources_; }

 private:
  struct Glyph {
    pdf::GlyphId id = 0;
    pdf::GlyphId code = 0;
    std::u16string text;  // what it is read as: the first cluster it made alone
  };
  // Looked at for each glyph of each word.
  struct Used {
    std::vector<Glyph> glyphs;
    std::vector<std::uint16_t> places;  // by glyph: 1 + where it stands above; 0: not used
    const Glyph& of(pdf::GlyphId glyph) const { return glyphs[places[glyph] - 1U]; }
    Glyph& use(pdf::GlyphId glyph);
  };
  std::string to_unicode(const Used& used) const;
  pdf::ObjectWriter::Number embed_one(FontId font, Used& used, pdf::ObjectWriter& writer, pdf::Deflate& deflate) const;

  const FontStore& fonts_;
  std::vector<Used> used_;  // by font
  std::string resources_;
};

}  // namespace navette::render
