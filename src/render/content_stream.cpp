#include "render/content_stream.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "render/pdf_syntax.h"

namespace navette::render {
namespace {

class Writer {
 public:
  Writer(const Page& page, std::size_t index, const FontStore& store, const FontEmbedder& fonts,
         const ImageEmbedder& images, StructureTree& tree)
      : page_(page), index_(index), store_(store), fonts_(fonts), images_(images), tree_(tree) {}

  std::string run() {
    for (const auto& item : page_.items) {
      if (const auto* rect = std::get_if<RectItem>(&item)) {
        mark(rect->tag);
        leave_text();
        write(*rect);
      } else if (const auto* image = std::get_if<ImageItem>(&item)) {
        mark(image->tag);
        leave_text();
        write(*image);
      } else {
        write(std::get<TextItem>(item));
      }
    }
    unmark();
    return std::move(out_);
  }

 private:
  void mark(TagId tag) {
    if (marked_ && *marked_ == tag) return;
    unmark();
    if (tag >= 0) {
      mark(tag, tree_.role(tag), "");
    } else if (tag == layout_artifact) {
      out_ += "/Artifact<</Type/Layout>>BDC\n";
    } else {
      out_ += "/Artifact<</Type/Pagination/Subtype";
      out_ += tag == pagination_header ? "/Header>>BDC\n" : "/Footer>>BDC\n";
    }
    marked_ = tag;
  }

  void mark(TagId tag, std::string_view role, const std::string& more) {
    out_ += syntax::name(role) + "<</MCID " + std::to_string(tree_.mark(tag, index_)) + more + ">>BDC\n";
    marked_ = tag;
  }

  void unmark() {
    leave_text();
    if (marked_) out_ += "EMC\n";
    marked_.reset();
  }

  void enter_text() {
    if (in_text_) return;
    out_ += "BT\n";
    in_text_ = true;
    line_x_ = line_y_ = 0;
  }

  void leave_text() {
    flush();
    if (in_text_) out_ += "ET\n";
    in_text_ = false;
  }

  void number(double value) {
    syntax::append_number(out_, value);
    out_ += ' ';
  }

  void colour(const fo::Colour& c) {
    if (colour_ && *colour_ == c) return;
    flush();
    colour_ = c;
    number(c.red / 255.0);
    if (c.red == c.green && c.green == c.blue) {
      out_ += "g\n";
      return;
    }
    number(c.green / 255.0);
    number(c.blue / 255.0);
    out_ += "rg\n";
  }

  void write(const RectItem& rect) {
    colour(rect.colour);
    number(rect.x);
    number(page_.height - rect.y - rect.height);
    number(rect.width);
    number(rect.height);
    out_ += "re f\n";
  }

  void write(const ImageItem& image) {
    const double bottom = page_.height - image.y - image.height;
    out_ += "q\n";
    for (const double value : {image.width, 0.0, 0.0, image.height, image.x, bottom}) number(value);
    out_ += "cm\n/" + images_.name(*image.image) + " Do\nQ\n";
    if (image.tag >= 0) tree_.set_box(image.tag, {image.x, bottom, image.x + image.width, bottom + image.height});
  }

  // Words follow one another as they are read; the letters of one that is read leftwards stand as they are seen, and it
  // is said so (ISO 32000-1, 14.8.2.3.3). Letter by letter in the order of reading pdf.js and others see no words.
  // Nothing stands inside what belongs to an element: poppler takes its end for the element's.
  void write(const TextItem& text) {
    const bool leftwards = text.word->right_to_left && extracts(text);
    if (leftwards) {
      unmark();
      out_ += "/ReversedChars BMC\n";
    }
    if (marked_ != text.tag) unmark();
    show(text);
    if (leftwards) {
      unmark();
      out_ += "EMC\n";
    }
  }

  bool extracts(const TextItem& text) const {
    for (unsigned c = text.cluster_begin; c < text.cluster_end; ++c) {
      if (!fonts_.extracts(*text.word, text.word->clusters[c])) return false;
    }
    return true;
  }

  void show(const TextItem& text) {
    colour(text.colour);
    const ShapedWord& word = *text.word;
    if (!font_ || *font_ != word.font || size_ != text.size) {
      flush();
      font_ = word.font;
      size_ = text.size;
      out_ += "/F" + std::to_string(word.font) + ' ';
      number(text.size);
      out_ += "Tf\n";
    }
    const double y = page_.height - text.y;
    // Words that follow one another on a line make one TJ: smaller, and read as one. Justified ones stand a little
    // apart, or too near.
    constexpr double near = 0.01;
    const bool apart = is_flushed() || std::abs(y - pen_y_) > near || std::abs(text.x - pen_x_) > text.size;
    if (in_text_ && apart) move_to(text.x, y);
    pen_x_ = text.x;
    pen_y_ = y;
    const auto& file = store_.file(word.font);
    const double unit = text.size / file.metrics().units_per_em;
    // One that is read leftwards is a span as a whole: its pieces would be read in the order they stand.
    const bool whole = word.right_to_left && !extracts(text);
    if (whole) begin_span(text.tag, text_of(word, text.cluster_begin, text.cluster_end));
    for (unsigned c = text.cluster_begin; c < text.cluster_end; ++c) {
      const bool span = !whole && !fonts_.extracts(word, word.clusters[c]);
      if (span) begin_span(text.tag, text_of(word, c, c + 1));
      go_on(text.tag);
      write(word, word.clusters[c], file, unit);
      if (span) end_span(text.tag);
    }
    if (whole) end_span(text.tag);
  }

  static std::u16string_view text_of(const ShapedWord& word, unsigned cluster_begin, unsigned cluster_end) {
    auto begin = word.clusters[cluster_begin].text_begin;
    auto end = word.clusters[cluster_begin].text_end;
    for (unsigned c = cluster_begin; c < cluster_end; ++c) {
      begin = std::min(begin, word.clusters[c].text_begin);
      end = std::max(end, word.clusters[c].text_end);
    }
    return std::u16string_view(word.text).substr(begin, end - begin);
  }

  // Begins what is shown, again where a span was between.
  void go_on(TagId tag) {
    if (in_text_) return;
    mark(tag);
    enter_text();
    move_to(pen_x_, pen_y_);
  }

  // Its glyphs are read as `text`.
  void begin_span(TagId tag, std::u16string_view text) {
    const std::string actual = "/ActualText" + syntax::text_string(text);
    if (tag < 0) {
      go_on(tag);
      flush();
      out_ += "/Span<<" + actual + ">>BDC\n";
      return;
    }
    unmark();
    mark(tag, "Span", actual);
  }

  void end_span(TagId tag) {
    if (tag >= 0) return unmark();
    flush();
    out_ += "EMC\n";
  }

  void move_to(double x, double y) {
    flush();
    number(x - line_x_);
    number(y - line_y_);
    out_ += "Td\n";
    line_x_ = pen_x_ = drawn_x_ = x;
    line_y_ = pen_y_ = y;
  }

  // drawn_x_ is where the viewer's pen is after what the array holds; pen_x_ where the shaper wants it.
  void write(const ShapedWord& word, const Cluster& cluster, const pdf::FontFile& file, double unit) {
    for (unsigned g = cluster.glyph_begin; g < cluster.glyph_end; ++g) {
      const pdf::Glyph& glyph = word.glyphs[g];
      if (glyph.dy != rise_) {
        flush();
        rise_ = glyph.dy;
        number(rise_ * unit);
        out_ += "Ts\n";
      }
      adjust(pen_x_ + glyph.dx * unit);
      syntax::append_literal16(codes_, fonts_.code(word.font, glyph.id));
      drawn_x_ += file.advance(glyph.id) * unit;
      pen_x_ += glyph.advance * unit;
    }
    if (rise_ != 0) {
      flush();
      rise_ = 0;
      out_ += "0 Ts\n";
    }
  }

  void adjust(double x) {
    const double thousandths = (drawn_x_ - x) * 1000 / size_;
    if (std::abs(thousandths) < 0.5) return;
    end_codes();
    if (array_.empty()) array_ = "[";
    // Rounded, and the pen moved by what was rounded: errors must not add up along a line.
    const double rounded = std::round(thousandths);
    syntax::append_number(array_, rounded);
    drawn_x_ -= rounded * size_ / 1000;
  }

  void end_codes() {
    if (codes_.empty()) return;
    if (array_.empty()) array_ = "[";
    array_ += '(';
    array_ += codes_;
    array_ += ')';
    codes_.clear();
  }

  bool is_flushed() const { return array_.empty() && codes_.empty(); }

  void flush() {
    end_codes();
    if (array_.empty()) return;
    out_ += array_;
    out_ += "]TJ\n";
    array_.clear();
  }

  const Page& page_;
  std::size_t index_;
  const FontStore& store_;
  const FontEmbedder& fonts_;
  const ImageEmbedder& images_;
  StructureTree& tree_;
  std::string out_;
  std::string array_, codes_;
  std::optional<TagId> marked_;
  std::optional<fo::Colour> colour_;
  std::optional<FontId> font_;
  double size_ = 0;
  int rise_ = 0;
  bool in_text_ = false;
  double line_x_ = 0, line_y_ = 0, pen_x_ = 0, pen_y_ = 0, drawn_x_ = 0;
};

}  // namespace

std::string content_stream(const Page& page, std::size_t page_index, const FontStore& store, const FontEmbedder& fonts,
                           const ImageEmbedder& images, StructureTree& tree) {
  return Writer(page, page_index, store, fonts, images, tree).run();
}

}  // namespace navette::render
