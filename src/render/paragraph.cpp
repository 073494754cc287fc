#include "render/paragraph.h"

#include <algorithm>
#include <optional>

#include "lib/pdf/unicode.h"
#include "render/total_fit.h"

namespace navette::render {
namespace {

// A shaped word on its way into a line; `level` is its bidi level.
struct Piece {
  const Run* run = nullptr;
  std::shared_ptr<const ShapedWord> word;
  std::uint8_t level = 0;
  bool blank = false;  // white space at which a line may end
  double scale = 0;    // points a font unit
  double width = 0;    // points
};

// What cannot be broken: from one opportunity to the next. Blanks come last and may hang over the edge.
struct Segment {
  std::vector<Piece> pieces;
  double width = 0;        // with blanks
  double black_width = 0;  // without
  bool ends_line = false;
};

// How short, in em, a ragged line is when that is as bad as justified blanks at their limit (Knuth & Plass: 3).
constexpr double ragged_em = 3;

// To lines an image is a word of one cluster.
Piece graphic_piece(const Run& run, std::uint8_t level) {
  auto word = std::make_shared<ShapedWord>();
  word->width = 1;
  word->clusters.push_back({0, 0, 0, 0, 1});
  return {&run, std::move(word), level, false, run.graphic->width, run.graphic->width};
}

bool is_breaking_blank(char16_t c) {
  return c == u' ' || (c >= u'\u2000' && c <= u'\u200B' && c != u'\u2007') || c == u'\u205F' || c == u'\u3000';
}

// Never begins a line here: Unicode (UAX 14, LB12a) allows it after a dash, as in "8 h – 17 h".
bool is_no_break_space(char16_t c) {
  return c == u'\u00A0' || c == u'\u202F' || c == u'\u2007';
}

class Breaker {
 public:
  Breaker(const std::vector<Run>& runs, const fo::TextStyle& style, double width, Shaper& shaper)
      : runs_(runs), style_(style), width_(width), shaper_(shaper) {}

  Lines run() {
    gather();
    std::size_t begin = 0;
    for (const std::size_t end : std::vector<std::size_t>(shaper_.line_boundaries().of(text_))) {
      if (end < text_.size() && is_no_break_space(text_[end]) && text_[end - 1] != u'\n') continue;
      segments_.push_back(segment(begin, end));
      begin = end;
      if (segments_.back().ends_line) place_segments();
    }
    if (!segments_.empty()) place_segments();
    return std::move(out_);
  }

 private:
  void gather();
  Segment segment(std::size_t begin, std::size_t end);
  void shape(std::size_t begin, std::size_t end, bool blank, Segment& out);
  void place_segments();
  std::optional<std::vector<std::size_t>> best_breaks() const;
  void place(Segment& segment);
  void place_first_fit(Segment& segment);
  void place_by_grapheme(const Segment& segment);
  enum class End { full, of_text };
  void end_line(End end);
  void drop_hanging_blanks(double black_width);
  void justify(double free);
  void set_height(Line& line) const;
  std::vector<Fragment> fragments() const;

  const std::vector<Run>& runs_;
  const fo::TextStyle& style_;
  const double width_;
  Shaper& shaper_;
  std::u16string text_;
  std::vector<std::size_t> run_ends_;
  std::vector<std::uint8_t> levels_;  // empty: all zero
  std::vector<Segment> segments_;     // up to the next line end

  struct Placed {
    Piece piece;
    unsigned cluster_begin, cluster_end;
    double width;
  };
  std::vector<Placed> line_;
  double used_ = 0;
  Lines out_;
};

void Breaker::gather() {
  for (const Run& run : runs_) {
    text_ += run.text;
    run_ends_.push_back(text_.size());
  }
  if (!unicode::may_be_right_to_left(text_)) return;
  // Each for itself, as values of their own: a name turns no number that stands behind it.
  for (const Run& run : runs_) {
    const auto levels = unicode::bidi_levels(run.text);
    levels_.insert(levels_.end(), levels.begin(), levels.end());
  }
}

Segment Breaker::segment(std::size_t begin, std::size_t end) {
  Segment out;
  if (end > begin && text_[end - 1] == u'\n') {
    out.ends_line = true;
    text_[end - 1] = u' ';  // read aloud or copied, the last word of a line and the first of the next are two
  }
  std::size_t blank = end;
  while (blank > begin && is_breaking_blank(text_[blank - 1])) --blank;
  shape(begin, blank, false, out);
  out.black_width = out.width;
  shape(blank, end, true, out);
  return out;
}

// Cuts [begin, end) where the run or the direction changes, and shapes each part.
void Breaker::shape(std::size_t begin, std::size_t end, bool blank, Segment& out) {
  while (begin < end) {
    const auto run = static_cast<std::size_t>(
        std::distance(run_ends_.begin(), std::upper_bound(run_ends_.begin(), run_ends_.end(), begin)));
    const std::uint8_t level = levels_.empty() ? std::uint8_t{0} : levels_[begin];
    std::size_t stop = std::min(end, run_ends_[run]);
    if (!levels_.empty()) {
      const auto from = levels_.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto to = levels_.begin() + static_cast<std::ptrdiff_t>(stop);
      stop = begin + static_cast<std::size_t>(
                         std::distance(from, std::find_if(from, to, [&](std::uint8_t l) { return l != level; })));
    }
    if (runs_[run].graphic != nullptr) {
      out.pieces.push_back(graphic_piece(runs_[run], level));
      out.width += out.pieces.back().width;
      begin = stop;
      continue;
    }
    const fo::TextStyle& style = *runs_[run].style;
    const auto part = std::u16string_view(text_).substr(begin, stop - begin);
    for (const auto& word : shaper_.shape(part, style.bold, style.italic, level % 2 == 1)) {
      const double scale = style.font_size / shaper_.fonts().file(word->font).metrics().units_per_em;
      out.pieces.push_back({&runs_[run], word, level, blank, scale, word->width * scale});
      out.width += out.pieces.back().width;
      out_.substituted += word->substituted;
    }
    begin = stop;
  }
}

// All that stands between two line ends.
void Breaker::place_segments() {
  if (const auto begins = best_breaks()) {
    auto next = begins->begin();
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      if (next != begins->end() && *next == i) {
        end_line(End::full);
        ++next;
      }
      place(segments_[i]);
    }
  } else {
    for (Segment& segment : segments_) place_first_fit(segment);
  }
  if (!line_.empty() || segments_.back().ends_line) end_line(End::of_text);
  segments_.clear();
}

// The segments that begin a line; nothing when there is no good way, or a word that no line can hold.
std::optional<std::vector<std::size_t>> Breaker::best_breaks() const {
  std::vector<TextBox> boxes;
  boxes.reserve(segments_.size());
  double all = 0;
  bool fits = true;
  for (const Segment& segment : segments_) {
    boxes.push_back({segment.black_width, segment.width - segment.black_width});
    all += segment.width;
    fits = fits && segment.black_width <= width_ + rounding;
  }
  if (!fits) return std::nullopt;
  if (all - boxes.back().blank <= width_ + rounding) return std::vector<std::size_t>{};
  const double ragged = style_.align == fo::Align::justify ? 0 : ragged_em * style_.font_size;
  return total_fit(boxes, {width_, ragged});
}

void Breaker::place(Segment& segment) {
  for (Piece& piece : segment.pieces) {
    used_ += piece.width;
    const auto clusters = static_cast<unsigned>(piece.word->clusters.size());
    const double width = piece.width;
    line_.push_back({std::move(piece), 0, clusters, width});
  }
}

void Breaker::place_first_fit(Segment& segment) {
  if (used_ > 0 && used_ + segment.black_width > width_ + rounding) end_line(End::full);
  if (segment.black_width > width_ + rounding) {
    place_by_grapheme(segment);
  } else {
    place(segment);
  }
}

// A word that no line can hold: cut wherever the line is full.
void Breaker::place_by_grapheme(const Segment& segment) {
  for (const Piece& piece : segment.pieces) {
    const auto& clusters = piece.word->clusters;
    const auto count = static_cast<unsigned>(clusters.size());
    // Clusters are in visual order; what is read first must go on the first line.
    const auto nth = [&](unsigned k) { return piece.word->right_to_left ? count - 1 - k : k; };
    for (unsigned k = 0; k < count;) {
      double width = 0;
      unsigned first = k;
      while (k < count) {
        const double next = clusters[nth(k)].width * piece.scale;
        const bool full = used_ + width + next > width_ && !piece.blank;
        if (full && (k > first || used_ > 0)) break;
        width += next;
        ++k;
      }
      if (k > first) {
        const unsigned a = nth(first), b = nth(k - 1);
        line_.push_back({piece, std::min(a, b), std::max(a, b) + 1, width});
        used_ += width;
      }
      if (k < count) end_line(End::full);
    }
  }
}

// In the order of reading, each where the Unicode Bidirectional Algorithm, rule L2, puts it: from the highest level
// down to 1, each stretch at or above it is turned around.
std::vector<Fragment> Breaker::fragments() const {
  std::vector<const Placed*> order;
  std::uint8_t highest = 0;
  for (const Placed& placed : line_) {
    order.push_back(&placed);
    highest = std::max(highest, placed.piece.level);
  }
  for (std::uint8_t level = highest; level > 0; --level) {
    const auto in = [level](const Placed* p) { return p->piece.level >= level; };
    for (auto from = order.begin(); from != order.end();) {
      from = std::find_if(from, order.end(), in);
      const auto to = std::find_if_not(from, order.end(), in);
      std::reverse(from, to);
      from = to;
    }
  }
  std::vector<Fragment> out(line_.size());
  double x = 0;
  for (const Placed* p : order) {
    const fo::TextStyle& style = *p->piece.run->style;
    out[static_cast<std::size_t>(p - line_.data())] = {x,
                                                       style.font_size,
                                                       style.colour,
                                                       p->piece.run->tag,
                                                       p->piece.word,
                                                       p->cluster_begin,
                                                       p->cluster_end,
                                                       p->piece.run->graphic};
    x += p->width;
  }
  return out;
}

// Half of the leading goes above, half below; the first family's metrics count, so that a fallback moves no line.
void Breaker::set_height(Line& line) const {
  double above = 0;
  double below = 0;
  const auto grow = [&](const fo::TextStyle& style) {
    const auto& m = shaper_.fonts().file(shaper_.fonts().id(0, style.bold, style.italic)).metrics();
    const double scale = style.font_size / m.units_per_em;
    const double leading = style.line_height.at(style.font_size) - (m.ascent - m.descent) * scale;
    above = std::max(above, m.ascent * scale + leading / 2);
    below = std::max(below, -m.descent * scale + leading / 2);
  };
  grow(style_);
  for (const Placed& placed : line_) {
    if (placed.piece.run->graphic != nullptr) {
      above = std::max(above, placed.piece.run->graphic->height);
    } else if (placed.piece.run->style != &style_) {
      grow(*placed.piece.run->style);
    }
  }
  line.height = above + below;
  line.baseline = above;
}

// Makes the blanks between the words of the line `free` wider, or narrower, all by the same share. No-break spaces are
// part of words: before « : ; ? ! » and inside numbers they keep their width. Nor does what indents a line change.
void Breaker::justify(double free) {
  const auto is_black = [](const Placed& p) { return !p.piece.blank; };
  const auto first = std::find_if(line_.begin(), line_.end(), is_black);
  const auto last = std::find_if(line_.rbegin(), line_.rend(), is_black).base();
  if (first == line_.end()) return;
  double blanks = 0;
  for (auto p = first; p != last; ++p) blanks += p->piece.blank ? p->width : 0;
  if (blanks <= 0) return;
  for (auto p = first; p != last; ++p) {
    if (p->piece.blank) p->width *= 1 + free / blanks;
  }
}

// Blanks at the end of a line hang over its edge. One parts its last word from the next line's first; of the others
// those past the edge are left out: a comment of nothing else would be as wide as three pages.
void Breaker::drop_hanging_blanks(double black_width) {
  const auto is_black = [](const Placed& p) { return !p.piece.blank; };
  double x = black_width;
  bool parted = false;
  for (auto p = std::find_if(line_.rbegin(), line_.rend(), is_black).base(); p != line_.end(); ++p) {
    const double from = x;
    for (unsigned c = p->cluster_begin; c < p->cluster_end; ++c) {
      if (parted && x > width_) {
        p->cluster_end = c;
        p->width = x - from;
        line_.erase(p + 1, line_.end());
        return;
      }
      x += p->piece.word->clusters[c].width * p->piece.scale;
      parted = true;
    }
  }
}

void Breaker::end_line(End end) {
  Line line;
  set_height(line);
  double blanks = 0;
  for (auto p = line_.rbegin(); p != line_.rend() && p->piece.blank; ++p) {
    blanks += p->width;
    p->piece.level = 0;  // rule L1: blanks at the end of a line stand at its end
  }
  drop_hanging_blanks(used_ - blanks);
  double free = width_ - (used_ - blanks);
  if (style_.align == fo::Align::justify && (end == End::full || free < 0)) justify(free);
  line.fragments = fragments();
  line.blank = std::all_of(line_.begin(), line_.end(), [](const Placed& p) { return p.piece.blank; });
  free = std::max(0.0, free);
  const double shift = style_.align == fo::Align::end ? free : style_.align == fo::Align::center ? free / 2 : 0;
  for (Fragment& fragment : line.fragments) fragment.x += shift;
  out_.lines.push_back(std::move(line));
  line_.clear();
  used_ = 0;
}

}  // namespace

Lines break_paragraph(const std::vector<Run>& runs, const fo::TextStyle& style, double width, Shaper& shaper) {
  return Breaker(runs, style, width, shaper).run();
}

}  // namespace navette::render
