#include "render/content_stream.h"

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
        const auto& text = std::get<TextItem>(item);
        mark(text.tag);
        write(text);
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
      out_ += syntax::name(tree_.role(tag)) + "<</MCID " + std::to_string(tree_.mark(tag, index_)) + ">>BDC\n";
    } else if (tag == layout_artifact) {
      out_ += "/Artifact<</Type/Layout>>BDC\n";
    } else {
      out_ += "/Artifact<</Type/Pagination/Subtype";
      out_ += tag == pagination_header ? "/Header>>BDC\n" : "/Footer>>BDC\n";
    }
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

  void write(const TextItem& text) {
    enter_text();
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
    if (is_flushed() || std::abs(y - pen_y_) > near || std::abs(text.x - pen_x_) > text.size) move_to(text.x, y);
    pen_x_ = text.x;
    const auto& file = store_.file(word.font);
    const double unit = text.size / file.metrics().units_per_em;
    if (word.right_to_left) reversed(true);
    for (unsigned c = text.cluster_begin; c < text.cluster_end; ++c) write(word, word.clusters[c], file, unit);
    if (word.right_to_left) reversed(false);
  }

  // Words follow one another as they are read; the letters of one that is read leftwards stand as they are seen, and it
  // is said so (ISO 32000-1, 14.8.2.3.3). Letter by letter in the order of reading pdf.js and others see no words.
  void reversed(bool begins) {
    flush();
    out_ += begins ? "/ReversedChars BMC\n" : "EMC\n";
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
    const bool actual = !fonts_.extracts(word, cluster);
    if (actual) {
      flush();
      const auto text =
          std::u16string_view(word.text).substr(cluster.text_begin, cluster.text_end - cluster.text_begin);
      out_ += "/Span<</ActualText" + syntax::text_string(text) + ">>BDC\n";
    }
    for (unsigned g = cluster.glyph_begin; g < cluster.glyph_end; ++g) {
      const pdf::Glyph& glyph = word.glyphs[g];
      if (glyph.dy != rise_) {
        flush();
        rise_ = glyph.dy;
        number(rise_ * unit);
        out_ += "Ts\n";
      }
      adjust(pen_x_ + glyph.dx * unit);
      syntax::append_hex16(hex_, fonts_.code(word.font, glyph.id));
      drawn_x_ += file.advance(glyph.id) * unit;
      pen_x_ += glyph.advance * unit;
    }
    if (rise_ != 0) {
      flush();
      rise_ = 0;
      out_ += "0 Ts\n";
    }
    if (actual) {
      flush();
      out_ += "EMC\n";
    }
  }

  void adjust(double x) {
    const double thousandths = (drawn_x_ - x) * 1000 / size_;
    if (std::abs(thousandths) < 0.5) return;
    end_hex();
    if (array_.empty()) array_ = "[";
    // Rounded, and the pen moved by what was rounded: errors must not add up along a line.
    const double rounded = std::round(thousandths);
    syntax::append_number(array_, rounded);
    drawn_x_ -= rounded * size_ / 1000;
  }

  void end_hex() {
    if (hex_.empty()) return;
    if (array_.empty()) array_ = "[";
    array_ += '<' + hex_ + '>';
    hex_.clear();
  }

  bool is_flushed() const { return array_.empty() && hex_.empty(); }

  void flush() {
    end_hex();
    if (array_.empty()) return;
    out_ += array_ + "]TJ\n";
    array_.clear();
  }

  const Page& page_;
  std::size_t index_;
  const FontStore& store_;
  const FontEmbedder& fonts_;
  const ImageEmbedder& images_;
  StructureTree& tree_;
  std::string out_;
  std::string array_, hex_;
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
