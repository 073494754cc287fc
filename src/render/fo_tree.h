// The XSL-FO subset as typed values: what FoReader makes and Layout reads. Lengths are points; x to the right, y down.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/pdf/image.h"

namespace navette::render::fo {

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Colour&) const = default;
};

// The element that something comes from, for messages.
struct Origin {
  long line = 0;  // in the FO document; 0: its parent's
  const char* element = "";
};

enum class Align { start, center, end, justify };
enum class DisplayAlign { before, center, after };

struct Edges {
  double top = 0, right = 0, bottom = 0, left = 0;
};

struct Border {
  double width = 0;  // 0: none
  Colour colour;
};

struct Borders {
  Border top, right, bottom, left;
};

// A number is inherited as such; a length or a percentage as the length that it makes (XSL 1.1, 7.16.4).
struct LineHeight {
  double factor = 1.35;  // of the font size
  double length = 0;     // pt; counts in its place unless 0

  double at(double font_size) const { return length > 0 ? length : font_size * factor; }
};

// Inherited by what is inside.
struct TextStyle {
  double font_size = 10;
  LineHeight line_height;
  bool bold = false;
  bool italic = false;
  Colour colour;
  Align align = Align::start;
  bool keep_linefeeds = false;  // linefeed-treatment="preserve"
  bool keep_blanks = false;     // white-space-collapse="false"
  unsigned orphans = 2;
  unsigned widows = 2;
  std::string language;  // BCP 47
};

// Not inherited.
struct BoxStyle {
  double space_before = 0;
  double space_after = 0;
  Edges margin;
  Edges padding;
  Borders border;
  std::optional<Colour> background;
  bool keep_together = false;
  bool keep_with_next = false;
  bool keep_with_previous = false;
  bool break_before = false;
  bool break_after = false;
  std::string role;  // a PDF structure type, or "artifact"; empty: by the element

  bool is_visible() const {
    return background || border.top.width > 0 || border.right.width > 0 || border.bottom.width > 0 ||
           border.left.width > 0;
  }
};

// An image in a line, which it stands on.
struct Graphic {
  long line = 0;
  std::shared_ptr<const pdf::Image> image;
  double width = 0, height = 0;
  std::string alternative;  // what a screen reader says; empty: an artifact
};

// An fo:inline with a role or a language of its own.
struct Span {
  std::string role;
  std::string language;
  long line = 0;
  std::shared_ptr<const Span> outer;  // the one that it stands in; null: in the block itself
};

// A stretch of text of one style, a page number or an image.
struct Inline {
  enum class Kind { text, page_number, page_total, graphic };
  Kind kind = Kind::text;
  std::string text;
  TextStyle style;
  std::shared_ptr<const Span> span;  // the innermost that it stands in; null: none
  Graphic graphic;
};

struct Block;
struct List;
struct Table;
using Content = std::variant<Inline, std::unique_ptr<Block>, std::unique_ptr<List>, std::unique_ptr<Table>>;

struct Block {
  long line = 0;   // in the FO document, for messages
  std::string id;  // what a bookmark may lead to; empty: none
  BoxStyle box;
  TextStyle text;
  std::vector<Content> content;
};

struct ListItem {
  long line = 0;
  BoxStyle box;
  TextStyle text, label_text, body_text;
  std::vector<Content> label;
  std::vector<Content> body;
};

struct List {
  long line = 0;
  BoxStyle box;
  TextStyle text;
  double distance = 24;   // provisional-distance-between-starts: from the label's left edge to the body's
  double separation = 6;  // provisional-label-separation: the part of it that stays empty
  std::vector<ListItem> items;
};

struct Column {
  double width = 0;       // fixed; 0: by proportion
  double proportion = 0;  // share of what the fixed columns leave
};

struct Cell {
  long line = 0;
  BoxStyle box;
  TextStyle text;
  unsigned columns_spanned = 1;
  DisplayAlign display_align = DisplayAlign::before;
  std::vector<Content> content;
};

struct Row {
  long line = 0;
  BoxStyle box;
  double height = 0;  // at least
  std::vector<Cell> cells;
};

struct Table {
  long line = 0;
  BoxStyle box;
  TextStyle text;
  double width = 0;  // 0: all there is
  std::vector<Column> columns;
  std::vector<Row> header;  // repeated at the top of each page that the table continues on
  std::vector<Row> body;
};

struct Bookmark {
  long line = 0;
  std::string destination;  // id of a block of the flow
  std::string title;
  std::vector<Bookmark> children;
};

struct PageMaster {
  double width = 595.276;  // A4
  double height = 841.89;
  Edges margin;
  Edges body_margin;
  double before_extent = 0;
  double after_extent = 0;
  long line = 0;  // of its element; these of the regions'
  long before_line = 0;
  long after_line = 0;
};

struct Metadata {
  std::string title;
  std::string description;
  std::string creator;
  std::string created;          // ISO 8601 date, or date and time; empty: 1970-01-01
  std::string attachment_name;  // under which the source document is attached; empty: it is not
  std::string attachment_description;
};

struct Document {
  std::string language = "fr-FR";
  Metadata metadata;
  std::vector<Bookmark> bookmarks;
  PageMaster master;
  std::vector<Content> before;  // static content of the header
  std::vector<Content> after;   // and of the footer
  std::vector<Content> flow;
  long line = 0;  // of its page-sequence
};

}  // namespace navette::render::fo
