#include "render/font_embedder.h"

#include <algorithm>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "lib/pdf/unicode.h"
#include "render/pdf_syntax.h"

namespace navette::render {
namespace {

std::u16string_view text_of(const ShapedWord& word, const Cluster& cluster) {
  return std::u16string_view(word.text).substr(cluster.text_begin, cluster.text_end - cluster.text_begin);
}

constexpr std::size_t longest_meaning = 8;  // UTF-16 units; a ligature has three, a CMap holds 256

// What a glyph of `text` may be read as by its code alone, wherever it stands; empty: nothing. U+0000, U+FEFF and
// U+FFFE are forbidden in a ToUnicode, and private characters mean nothing without an ActualText (ISO
// 19005-3, 6.2.11.7). Joiners and selectors are this place's own: their glyph has the same meaning without them.
std::u16string meaning_of(std::u16string_view text) {
  std::u16string meaning;
  for (std::size_t at = 0; at < text.size() && meaning.size() <= longest_meaning;) {
    const char32_t c = unicode::next(text, at);
    if (c == 0 || c == 0xFFFE || unicode::is_private(c)) return {};
    if (!unicode::is_default_ignorable(c)) unicode::append(meaning, c);
  }
  return meaning.size() > longest_meaning ? std::u16string() : meaning;
}

// Six letters from the glyphs: subsets that differ must not share a name.
std::string subset_tag(const std::vector<pdf::GlyphId>& glyphs) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const pdf::GlyphId glyph : glyphs) hash = (hash ^ glyph) * 0x100000001b3U;
  hash ^= hash >> 32U;
  std::string tag;
  for (int i = 0; i < 6; ++i, hash /= 26) tag += static_cast<char>('A' + hash % 26);
  return tag;
}

}  // namespace

FontEmbedder::Glyph& FontEmbedder::Used::use(pdf::GlyphId glyph) {
  if (places.size() <= glyph) places.resize(glyph + 1);
  if (places[glyph] == 0) {
    glyphs.push_back({glyph, 0, {}});
    places[glyph] = static_cast<std::uint16_t>(glyphs.size());
  }
  return glyphs[places[glyph] - 1U];
}

void FontEmbedder::collect(const Page& page) {
  for (const auto& item : page.items) {
    const auto* text = std::get_if<TextItem>(&item);
    if (text == nullptr) continue;
    const ShapedWord& word = *text->word;
    if (used_.size() <= word.font) used_.resize(word.font + 1);
    Used& used = used_[word.font];
    for (unsigned c = text->cluster_begin; c < text->cluster_end; ++c) {
      const Cluster& cluster = word.clusters[c];
      for (unsigned g = cluster.glyph_begin; g < cluster.glyph_end; ++g) {
        auto& meaning = used.use(word.glyphs[g].id).text;
        const bool alone = cluster.glyph_end - cluster.glyph_begin == 1;
        const bool readable = alone && meaning.empty() && word.substituted == 0;
        if (readable) meaning = meaning_of(text_of(word, cluster));
      }
    }
  }
}

bool FontEmbedder::extracts(const ShapedWord& word, const Cluster& cluster) const {
  if (cluster.glyph_end - cluster.glyph_begin != 1) return false;
  return used_[word.font].of(word.glyphs[cluster.glyph_begin].id).text == text_of(word, cluster);
}

void FontEmbedder::embed(pdf::ObjectWriter& writer, pdf::Deflate& deflate) {
  for (FontId font = 0; font < used_.size(); ++font) {
    if (used_[font].glyphs.empty()) continue;
    const auto number = embed_one(font, used_[font], writer, deflate);
    resources_ += fmt::format("/F{} {}", font, syntax::reference(number));
  }
}

pdf::ObjectWriter::Number FontEmbedder::embed_one(FontId font, Used& used, pdf::ObjectWriter& writer,
                                                  pdf::Deflate& deflate) const {
  const pdf::FontFile& file = fonts_.file(font);
  const auto& m = file.metrics();
  const auto scaled = [&](int units) { return syntax::number(units * 1000.0 / m.units_per_em); };
  std::vector<pdf::GlyphId> glyphs;
  for (const Glyph& glyph : used.glyphs) glyphs.push_back(glyph.id);
  std::sort(glyphs.begin(), glyphs.end());
  const auto subset = file.subset(glyphs);

  std::map<unsigned, int> widths;
  for (const auto& [glyph, code] : subset.new_ids) {
    widths[code] = file.advance(glyph);
    used.use(glyph).code = code;
  }
  std::string w = "[";
  unsigned next = 0;
  for (const auto& [code, width] : widths) {
    if (code != next || w.size() == 1) w += fmt::format("{}{}[", w.size() == 1 ? "" : "]", code);
    w += scaled(width) + " ";
    next = code + 1;
  }
  w += "]]";

  const std::string base = subset_tag(glyphs) + "+" + file.postscript_name();
  const auto data = writer.add_stream({{"Filter", "/FlateDecode"}, {"Length1", std::to_string(subset.bytes.size())}},
                                      deflate.compress(subset.bytes));
  const int flags = 4 | (m.italic_angle != 0 ? 64 : 0);  // symbolic: codes are glyphs, no standard encoding
  const int stem = 50 + m.weight * m.weight / 4225;      // no TrueType table has it; the usual guess from the weight
  const auto descriptor = writer.add(fmt::format(
      "<</Type/FontDescriptor/FontName/{}/Flags {}/FontBBox[{} {} {} {}]/ItalicAngle {}/Ascent {}/Descent {}/CapHeight "
      "{}/StemV {}/FontFile2 {}>>",
      base, flags, scaled(m.x_min), scaled(m.y_min), scaled(m.x_max), scaled(m.y_max), syntax::number(m.italic_angle),
      scaled(m.ascent), scaled(m.descent), scaled(m.cap_height), stem, syntax::reference(data)));
  const auto descendant = writer.add(fmt::format(
      "<</Type/Font/Subtype/CIDFontType2/BaseFont/{}/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement "
      "0>>/FontDescriptor {}/W {}/CIDToGIDMap/Identity>>",
      base, syntax::reference(descriptor), w));
  const auto map = writer.add_stream({{"Filter", "/FlateDecode"}}, deflate.compress(to_unicode(used)));
  return writer.add(
      fmt::format("<</Type/Font/Subtype/Type0/BaseFont/{}/Encoding/Identity-H/DescendantFonts[{}]/ToUnicode {}>>", base,
                  syntax::reference(descendant), syntax::reference(map)));
}

// Every code has an entry: a glyph that only ever comes in larger clusters (a mark, a part) is read as U+FFFD where an
// ActualText is not understood.
std::string FontEmbedder::to_unicode(const Used& used) const {
  std::map<unsigned, std::u16string_view> entries;
  for (const Glyph& glyph : used.glyphs)
    entries[glyph.code] = glyph.text.empty() ? std::u16string_view(u"\uFFFD") : glyph.text;
  std::string out =
      "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo <</Registry (Adobe) /Ordering "
      "(UCS) /Supplement 0>> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> "
      "<FFFF>\nendcodespacerange\n";
  constexpr std::size_t block = 100;  // most entries a bfchar block may have
  std::size_t left = entries.size();
  std::size_t in_block = 0;
  for (const auto& [code, text] : entries) {
    if (in_block == 0) out += fmt::format("{} beginbfchar\n", std::min(left, block));
    out += '<';
    syntax::append_hex16(out, code);
    out += "> <";
    syntax::append_utf16_hex(out, text);
    out += ">\n";
    --left;
    if (++in_block == block || left == 0) {
      out += "endbfchar\n";
      in_block = 0;
    }
  }
  return out + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n";
}

}  // namespace navette::render
