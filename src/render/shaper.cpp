#include "render/shaper.h"

#include <algorithm>

namespace navette::render {
namespace {

constexpr std::size_t longest_cached = 24;   // UTF-16 units: longer words seldom come back
constexpr std::size_t most_cached = 20'000;  // words, about 8 MB
constexpr std::size_t no_family = static_cast<std::size_t>(-1);
constexpr char16_t replacement_unit = u'\uFFFD';

// In em. Marks piled on a letter, or without one, ink the lines and words beside; and a grapheme may be as long as
// whoever writes it likes, and cannot be broken: letters that people use are far from either limit.
constexpr double most_overhang = 0.3;
constexpr double widest_grapheme = 5;

// HarfBuzz numbers a glyph by the first unit it stands for; a cluster's text ends where the logically next one begins.
void find_clusters(ShapedWord& word) {
  const auto& glyphs = word.glyphs;
  const auto count = static_cast<unsigned>(glyphs.size());
  for (unsigned i = 0; i < count;) {
    Cluster cluster{i, i, glyphs[i].cluster, 0, 0};
    for (; cluster.glyph_end < count && glyphs[cluster.glyph_end].cluster == cluster.text_begin; ++cluster.glyph_end) {
      cluster.width += glyphs[cluster.glyph_end].advance;
    }
    i = cluster.glyph_end;
    word.width += cluster.width;
    word.clusters.push_back(cluster);
  }
  auto end = static_cast<unsigned>(word.text.size());
  const auto close = [&end](Cluster& c) {
    c.text_end = end;
    end = c.text_begin;
  };
  if (word.right_to_left) {
    std::for_each(word.clusters.begin(), word.clusters.end(), close);
    if (!word.clusters.empty()) word.clusters.back().text_begin = 0;
  } else {
    std::for_each(word.clusters.rbegin(), word.clusters.rend(), close);
    if (!word.clusters.empty()) word.clusters.front().text_begin = 0;
  }
}

// Empty unless something would be seen.
std::u16string without_marks(std::u16string_view text) {
  std::u16string kept;
  bool seen = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = unicode::next(text, at);
    if (unicode::is_combining_mark(c) || unicode::is_default_ignorable(c)) continue;
    seen = seen || !unicode::is_blank(c);
    unicode::append(kept, c);
  }
  return seen ? kept : std::u16string();
}

}  // namespace

Shaper::Shaper(const FontStore& fonts) : fonts_(fonts) {}

const ShapedWords& Shaper::shape(std::u16string_view text, bool bold, bool italic, bool right_to_left) {
  const Style style{bold, italic, right_to_left};
  if (text.size() > longest_cached) return uncached_ = shape_uncached(text, style);
  Words& words = cache_.at((bold ? 1U : 0U) + (italic ? 2U : 0U) + (right_to_left ? 4U : 0U));
  if (const auto found = words.find(text); found != words.end()) return found->second;
  if (cached_ >= most_cached) {
    for (Words& former : cache_) former.clear();
    cached_ = 0;
  }
  ++cached_;
  return words.emplace(text, shape_uncached(text, style)).first->second;
}

ShapedWords Shaper::shape_uncached(std::u16string_view text, Style style) {
  ShapedWords out;
  const bool simple = std::all_of(text.begin(), text.end(), [](char16_t c) { return c < 0x300; });
  if (simple && shape_run(text, 0, style, out)) return out;
  // Grapheme by grapheme: which family has all of it; neighbours of the same family are shaped together.
  const std::vector<std::size_t> ends = graphemes_.of(text);
  std::size_t begin = 0;
  std::size_t family = no_family;
  std::size_t at = 0;
  const auto flush = [&](std::size_t end) {
    if (end == begin) return;
    const auto run = text.substr(begin, end - begin);
    if (family == no_family || !shape_run(run, family, style, out)) {
      std::size_t from = 0;
      for (const std::size_t to : std::vector<std::size_t>(graphemes_.of(run))) {
        const auto grapheme = run.substr(from, to - from);
        if (family == no_family || !shape_run(grapheme, family, style, out)) substitute(grapheme, style, out);
        from = to;
      }
    }
    begin = end;
  };
  for (const std::size_t end : ends) {
    const std::size_t next = family_for(text.substr(at, end - at), style);
    if (next != family) flush(at);
    family = next;
    at = end;
  }
  flush(text.size());
  return out;
}

std::size_t Shaper::family_for(std::u16string_view grapheme, Style style) const {
  for (std::size_t family = 0; family < fonts_.families(); ++family) {
    const auto& file = fonts_.file(fonts_.id(family, style.bold, style.italic));
    bool all = true;
    for (std::size_t at = 0; all && at < grapheme.size();) {
      const char32_t c = unicode::next(grapheme, at);
      all = file.covers(c) || unicode::is_default_ignorable(c);
    }
    if (all) return family;
  }
  return no_family;
}

// False, and nothing added, when the font has no glyph for something in it.
bool Shaper::shape_run(std::u16string_view text, std::size_t family, Style style, ShapedWords& out) {
  const FontId font = fonts_.id(family, style.bold, style.italic);
  const auto& glyphs = glyphs_.shape(fonts_.file(font), text, style.right_to_left);
  if (std::any_of(glyphs.begin(), glyphs.end(), [](const pdf::Glyph& g) { return g.id == 0; })) return false;
  if (glyphs.empty()) return true;  // joiners alone: nothing to see, nothing to say
  auto word = std::make_shared<ShapedWord>();
  word->font = font;
  word->right_to_left = style.right_to_left;
  word->text = text;
  word->glyphs = glyphs;
  find_clusters(*word);
  const bool simple = std::all_of(text.begin(), text.end(), [](char16_t c) { return c < 0x300; });
  if (!simple && !keeps_its_place(*word, style)) return false;
  out.push_back(std::move(word));
  return true;
}

// Whether each grapheme inks no more than its width and the height of a line, or a little beyond.
bool Shaper::keeps_its_place(const ShapedWord& word, Style style) const {
  const auto& file = fonts_.file(word.font);
  const auto& line = fonts_.file(fonts_.id(0, style.bold, style.italic)).metrics();
  const double em = file.metrics().units_per_em;
  const double overhang = most_overhang * em;
  const double top = line.ascent * em / line.units_per_em + overhang;
  const double bottom = line.descent * em / line.units_per_em - overhang;
  return std::all_of(word.clusters.begin(), word.clusters.end(), [&](const Cluster& cluster) {
    if (cluster.width > widest_grapheme * em) return false;
    int pen = 0;
    for (unsigned g = cluster.glyph_begin; g < cluster.glyph_end; ++g) {
      const pdf::Glyph& glyph = word.glyphs[g];
      const auto ink = file.ink(glyph.id);
      const int x = pen + glyph.dx;
      if (x + ink.left < -overhang || x + ink.right > cluster.width + overhang) return false;
      if (glyph.dy + ink.bottom < bottom || glyph.dy + ink.top > top) return false;
      pen += glyph.advance;
    }
    return true;
  });
}

// The glyphs of `other`, read as `grapheme`; null when no font has them all.
std::shared_ptr<ShapedWord> Shaper::shown_as(std::u16string_view grapheme, std::u16string_view other, Style style) {
  const std::size_t family = family_for(other, style);
  if (family == no_family) return nullptr;
  auto word = std::make_shared<ShapedWord>();
  word->font = fonts_.id(family, style.bold, style.italic);
  word->right_to_left = style.right_to_left;
  word->substituted = 1;
  word->text = grapheme;
  word->glyphs = glyphs_.shape(fonts_.file(word->font), other, style.right_to_left);
  if (std::any_of(word->glyphs.begin(), word->glyphs.end(), [](const pdf::Glyph& g) { return g.id == 0; }))
    return nullptr;
  for (auto& glyph : word->glyphs) glyph.cluster = 0;
  find_clusters(*word);
  return word;
}

// A blank that no font has is shown as a space: lines end at it, and past their edge. Of other graphemes the plain
// letters (of "𝓑", of a keycap), else what bears the marks, else U+FFFD.
void Shaper::substitute(std::u16string_view grapheme, Style style, ShapedWords& out) {
  if (grapheme.size() == 1 && unicode::is_blank(grapheme.front())) {
    if (auto word = shown_as(grapheme, u" ", style)) {
      word->substituted = 0;
      out.push_back(std::move(word));
      return;
    }
  }
  if (grapheme.size() <= longest_cached) {
    const std::u16string plain = unicode::nfkc(grapheme);
    for (const auto& shown : {plain, without_marks(plain)}) {
      if (shown.empty() || shown == grapheme) continue;
      auto word = shown_as(grapheme, shown, style);
      if (word && keeps_its_place(*word, style)) {
        out.push_back(std::move(word));
        return;
      }
    }
  }
  for (const auto& mark : {std::u16string_view(&replacement_unit, 1), std::u16string_view(u"?")}) {
    if (auto word = shown_as(grapheme, mark, style)) {
      out.push_back(std::move(word));
      return;
    }
  }
}

}  // namespace navette::render
