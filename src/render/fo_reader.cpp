#include "render/fo_reader.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "render/fo_declarations.h"
#include "render/fo_error.h"
#include "render/fo_properties.h"
#include "render/fo_values.h"

namespace navette::render {
namespace {

using namespace fo;
using xml::Node;

// The box that content begins with; null when that is text, or nothing.
BoxStyle* first_box(const std::vector<Content>& content) {
  for (const Content& one : content) {
    if (const auto* block = std::get_if<std::unique_ptr<Block>>(&one)) return &(*block)->box;
    if (const auto* list = std::get_if<std::unique_ptr<List>>(&one)) return &(*list)->box;
    if (const auto* table = std::get_if<std::unique_ptr<Table>>(&one)) return &(*table)->box;
    const auto& part = std::get<Inline>(one);
    if (part.kind != Inline::Kind::text || !is_xml_blank(part.text)) return nullptr;
  }
  return nullptr;
}

// A break before what a box begins with is one before the box: no part of its frame stays on the page before.
void break_outside(BoxStyle& box, BoxStyle* first) {
  if (first == nullptr || !first->break_before) return;
  box.break_before = true;
  first->break_before = false;
}

class Reader {
 public:
  explicit Reader(const ImageStore& images) : images_(images) {}
  Document read(const Node& root);

 private:
  void read_masters(const Node& set);
  void read_page_master(const Node& master);
  void read_page_sequence(const Node& sequence);
  std::vector<Content> read_content(const Node& parent, const TextStyle& inherited);
  std::vector<Content> read_blocks(const Node& parent, const TextStyle& inherited);
  Inline page_reference(const Node& element, const Inline& like, Inline::Kind kind);
  Inline read_graphic(const Node& element, const Inline& like);
  void read_child(const Node& child, const Inline& like, bool inside_inline, std::vector<Content>& out);
  std::unique_ptr<Block> read_block(const Node& element, const TextStyle& inherited);
  std::unique_ptr<List> read_list(const Node& element, const TextStyle& inherited);
  ListItem read_list_item(const Node& element, const TextStyle& inherited);
  std::unique_ptr<Table> read_table(const Node& element, const TextStyle& inherited);
  std::vector<Row> read_rows(const Node& group, TextStyle text, std::size_t columns);
  Row read_row(const Node& element, TextStyle text, std::size_t columns);
  Cell read_cell(const Node& element, TextStyle text);
  void read_inline(const Node& element, Inline like, std::vector<Content>& out);

  // A break has a meaning only where content goes on from page to page.
  BoxReading reading(BoxStyle& box, unsigned properties = box_all) const {
    return {&box, over_pages_ ? properties : properties & ~unsigned{box_breaks}};
  }

  const ImageStore& images_;
  Document out_;
  bool over_pages_ = false;  // what is read now
  TextStyle root_text_;
  std::optional<std::string> master_;  // its name
  bool declared_ = false;
  std::string sequence_id_;
  std::set<std::string> ids_;
};

Document Reader::read(const Node& root) {
  if (!root || root.name() != "root" || root.space() != fo_space)
    throw FoError(root ? root.line() : 0, "", "the root element must be fo:root");
  read_properties(root, root_text_);
  if (!root_text_.language.empty()) out_.language = root_text_.language;
  bool sequence = false;
  each_fo_child(root, [&](const Node& child) {
    if (child.name() == "layout-master-set" && !master_) {
      read_masters(child);
    } else if (child.name() == "declarations" && !declared_) {
      declared_ = true;
      out_.metadata = read_declarations(child);
    } else if (child.name() == "bookmark-tree" && out_.bookmarks.empty()) {
      no_properties(child);
      out_.bookmarks = read_bookmarks(child);
    } else if (child.name() == "page-sequence" && !sequence) {
      read_page_sequence(child);
      sequence = true;
    } else {
      unknown(child);
    }
  });
  if (!sequence) fail(root, "a page-sequence is missing");
  if (is_xml_blank(out_.metadata.title))
    fail(root, "a dc:title is missing in its declarations: PDF/UA wants one to show");
  return std::move(out_);
}

void Reader::read_masters(const Node& set) {
  no_properties(set);
  bool found = false;
  each_fo_child(set, [&](const Node& child) {
    if (child.name() != "simple-page-master" || found) unknown(child);
    read_page_master(child);
    found = true;
  });
}

void Reader::read_page_master(const Node& master) {
  PageMaster& m = out_.master;
  master_ = master.attribute("master-name").value_or("");
  TextStyle text;
  BoxStyle box;
  read_properties(master, text, {&box, box_margin | not_text},
                  {"master-name", "page-width", "page-height", "margin-top", "margin-bottom"});
  m.width = length_of(master, "page-width", m.width);
  m.height = length_of(master, "page-height", m.height);
  for (const double side : {m.width, m.height}) {
    if (side < 3 || side > 14400) fail(master, "a page has from 3 to 14400 pt each way (ISO 19005-3, 6.1.13)");
  }
  m.line = master.line();
  m.margin = box.margin;
  m.margin.top = length_of(master, "margin-top", m.margin.top);
  m.margin.bottom = length_of(master, "margin-bottom", m.margin.bottom);
  std::set<std::string_view> regions;
  each_fo_child(master, [&](const Node& region) {
    if (!regions.insert(region.name()).second) fail(region, "a page has one");
    no_children(region);
    BoxStyle region_box;
    if (region.name() == "region-body") {
      read_properties(region, text, {&region_box, box_margin | not_text}, {"margin-top", "margin-bottom"});
      m.body_margin = region_box.margin;
      m.body_margin.top = length_of(region, "margin-top", m.body_margin.top);
      m.body_margin.bottom = length_of(region, "margin-bottom", m.body_margin.bottom);
    } else if (region.name() == "region-before" || region.name() == "region-after") {
      no_properties(region, {"extent"});
      const bool before = region.name() == "region-before";
      (before ? m.before_extent : m.after_extent) = length_of(region, "extent", 0);
      (before ? m.before_line : m.after_line) = region.line();
      if (m.before_extent + m.after_extent > m.height - m.margin.top - m.margin.bottom)
        fail(region, "extent: the page is not high enough");
    } else {
      unknown(region);
    }
  });
}

void Reader::read_page_sequence(const Node& sequence) {
  TextStyle text = root_text_;
  read_properties(sequence, text, {}, {"master-reference", "id"});
  if (!master_ || sequence.attribute("master-reference") != master_) {
    fail(sequence, "master-reference must name the simple-page-master that stands before");
  }
  out_.line = sequence.line();
  std::set<std::string> filled;
  sequence_id_ = sequence.attribute("id").value_or("");
  each_fo_child(sequence, [&](const Node& child) {
    TextStyle own = text;
    read_properties(child, own, {}, {"flow-name"});
    const std::string name = child.attribute("flow-name").value_or("");
    if (!filled.insert(name).second) fail(child, "flow-name: another has it too");
    const bool before = name == "xsl-region-before";
    const bool known = before || name == "xsl-region-after";
    if (child.name() == "static-content" && known && (before ? out_.master.before_line : out_.master.after_line) == 0)
      fail(child, fmt::format("its page has no region-{}", before ? "before" : "after"));
    if (child.name() == "static-content" && before) {
      out_.before = read_blocks(child, own);
    } else if (child.name() == "static-content" && name == "xsl-region-after") {
      out_.after = read_blocks(child, own);
    } else if (child.name() == "flow" && name == "xsl-region-body") {
      over_pages_ = true;
      out_.flow = read_blocks(child, own);
      over_pages_ = false;
    } else if (child.name() == "flow" || child.name() == "static-content") {
      fail(child, "flow-name: a flow has xsl-region-body, static-content xsl-region-before or xsl-region-after");
    } else {
      unknown(child);
    }
  });
  if (filled.count("xsl-region-body") == 0) fail(sequence, "a flow is missing");
  const PageMaster& m = out_.master;
  const auto apart = [](double extent, double margin, const std::vector<Content>& content, long line,
                        const char* name) {
    if (!content.empty() && extent > margin + 0.01)
      throw FoError(line, name, "extent: more than the margin that region-body leaves there");
  };
  apart(m.before_extent, m.body_margin.top, out_.before, m.before_line, "region-before");
  apart(m.after_extent, m.body_margin.bottom, out_.after, m.after_line, "region-after");
}

std::vector<Content> Reader::read_content(const Node& parent, const TextStyle& inherited) {
  std::vector<Content> out;
  Inline like;
  like.style = inherited;
  for (Node child = parent.first(); child; child = child.next()) read_child(child, like, false, out);
  return out;
}

// What a template that was forgotten lets through is text here.
std::vector<Content> Reader::read_blocks(const Node& parent, const TextStyle& inherited) {
  std::vector<Content> out = read_content(parent, inherited);
  for (const Content& one : out) {
    const auto* part = std::get_if<Inline>(&one);
    if (part != nullptr && (part->kind != Inline::Kind::text || !is_xml_blank(part->text)))
      fail(parent, "text and images stand in a block here");
  }
  return out;
}

void Reader::read_child(const Node& child, const Inline& like, bool inside_inline, std::vector<Content>& out) {
  if (child.is_text()) {
    Inline text = like;
    text.text = child.text();
    out.emplace_back(std::move(text));
    return;
  }
  if (!child.is_element()) return;
  if (child.space() != fo_space) unknown(child);
  const auto name = child.name();
  if (name == "inline") {
    read_inline(child, like, out);
  } else if (name == "page-number") {
    out.emplace_back(page_reference(child, like, Inline::Kind::page_number));
  } else if (name == "page-number-citation-last") {
    out.emplace_back(page_reference(child, like, Inline::Kind::page_total));
  } else if (name == "external-graphic") {
    out.emplace_back(read_graphic(child, like));
  } else if (name == "block" && !inside_inline) {
    out.emplace_back(read_block(child, like.style));
  } else if (name == "list-block" && !inside_inline) {
    out.emplace_back(read_list(child, like.style));
  } else if (name == "table" && !inside_inline) {
    out.emplace_back(read_table(child, like.style));
  } else {
    unknown(child);
  }
}

Inline Reader::page_reference(const Node& element, const Inline& like, Inline::Kind kind) {
  Inline number = like;
  number.kind = kind;
  read_properties(element, number.style, {nullptr, in_line}, {"ref-id"});
  no_children(element);
  const auto target = element.attribute("ref-id");
  if (kind == Inline::Kind::page_total && (!target || *target != sequence_id_)) {
    fail(element, "ref-id must name the id of the page-sequence");
  }
  return number;
}

Inline Reader::read_graphic(const Node& element, const Inline& like) {
  Inline out = like;
  out.kind = Inline::Kind::graphic;
  Graphic& graphic = out.graphic;
  graphic.line = element.line();
  no_children(element);
  read_properties(element, out.style, {nullptr, in_line},
                  {"src", "content-width", "content-height", "role", "fox:alt-text"});
  graphic.alternative = element.attribute("alt-text", fox_space).value_or("");
  const std::string role = element.attribute("role").value_or("");
  if (!role.empty() && role != "artifact") fail(element, "role: an image is a Figure, or an artifact");
  if (is_xml_blank(graphic.alternative) != (role == "artifact")) {
    fail(element, "an image needs fox:alt-text, what is said to those who do not see it, or role=\"artifact\"");
  }
  graphic.image = images_.find(element.attribute("src").value_or(""));
  if (!graphic.image) fail(element, "src must be written out in the stylesheet: one that is computed names no file");
  // How many pixels it has says nothing of its size on paper. With both given it fits in, undistorted.
  const double width = length_of(element, "content-width", 0, out.style.font_size);
  const double height = length_of(element, "content-height", 0, out.style.font_size);
  if (width <= 0 && height <= 0) fail(element, "content-width or content-height must be there");
  const double by_width = width > 0 ? width / graphic.image->width : height / graphic.image->height;
  const double scale = height > 0 ? std::min(by_width, height / graphic.image->height) : by_width;
  graphic.width = graphic.image->width * scale;
  graphic.height = graphic.image->height * scale;
  return out;
}

void Reader::read_inline(const Node& element, Inline like, std::vector<Content>& out) {
  const std::string language = like.style.language;
  read_properties(element, like.style, {nullptr, in_line}, {"role"});
  const auto role = element.attribute("role");
  if (role && !parse_role(*role)) fail(element, "role: value not understood");
  if (role || like.style.language != language) {
    like.span = std::make_shared<const Span>(
        Span{role.value_or("Span"), like.style.language, element.line(), std::move(like.span)});
  }
  for (Node child = element.first(); child; child = child.next()) read_child(child, like, true, out);
}

std::unique_ptr<Block> Reader::read_block(const Node& element, const TextStyle& inherited) {
  auto block = std::make_unique<Block>();
  block->line = element.line();
  block->text = inherited;
  read_properties(element, block->text, reading(block->box), {"id"});
  block->id = element.attribute("id").value_or("");
  if (!block->id.empty() && !ids_.insert(block->id).second) fail(element, "id: another block has it too");
  block->content = read_content(element, block->text);
  break_outside(block->box, first_box(block->content));
  return block;
}

std::unique_ptr<List> Reader::read_list(const Node& element, const TextStyle& inherited) {
  auto list = std::make_unique<List>();
  list->line = element.line();
  list->text = inherited;
  const char* distance = "provisional-distance-between-starts";
  const char* separation = "provisional-label-separation";
  read_properties(element, list->text, reading(list->box), {distance, separation});
  list->distance = length_of(element, distance, list->distance, list->text.font_size);
  list->separation = length_of(element, separation, list->separation, list->text.font_size);
  if (list->separation >= list->distance) fail(element, "no width is left for the labels");
  each_fo_child(element, [&](const Node& child) {
    if (child.name() != "list-item") unknown(child);
    list->items.push_back(read_list_item(child, list->text));
  });
  if (list->items.empty()) fail(element, "a list needs its list-item elements");
  break_outside(list->box, &list->items.front().box);
  return list;
}

ListItem Reader::read_list_item(const Node& element, const TextStyle& inherited) {
  ListItem item;
  item.line = element.line();
  item.text = inherited;
  read_properties(element, item.text, reading(item.box));
  // Anything else would let label and body overlap.
  const auto part = [&](const Node& child, const char* indent, std::string_view value, TextStyle& text) {
    text = item.text;
    read_properties(child, text, {}, {indent});
    if (child.attribute(indent) != value) fail(child, fmt::format("{} must be {}", indent, value));
    return read_content(child, text);
  };
  bool label = false;
  bool body = false;
  each_fo_child(element, [&](const Node& child) {
    if (child.name() == "list-item-label" && !label) {
      const bool outside = std::exchange(over_pages_, false);
      item.label = part(child, "end-indent", "label-end()", item.label_text);
      over_pages_ = outside;
      label = true;
    } else if (child.name() == "list-item-body" && label && !body) {
      item.body = part(child, "start-indent", "body-start()", item.body_text);
      body = true;
    } else {
      unknown(child);
    }
  });
  break_outside(item.box, first_box(item.body));
  if (!body) fail(element, "a list-item needs its list-item-label, then its list-item-body");
  return item;
}

Column read_column(const Node& element, const TextStyle& text) {
  no_properties(element, {"column-width"});
  no_children(element);
  const std::string width = element.attribute("column-width").value_or("proportional-column-width(1)");
  const std::string_view call = "proportional-column-width(";
  if (width.rfind(call, 0) == 0 && width.back() == ')') {
    const auto share = parse_number(std::string_view(width).substr(call.size(), width.size() - call.size() - 1));
    if (share && *share > 0) return {0, *share};
  } else if (const auto length = parse_length(width, text.font_size); length && *length > 0) {
    return {*length, 0};
  }
  fail(element, "column-width: value not understood");
}

std::unique_ptr<Table> Reader::read_table(const Node& element, const TextStyle& inherited) {
  auto table = std::make_unique<Table>();
  table->line = element.line();
  table->text = inherited;
  read_properties(element, table->text, reading(table->box), {"width", "table-layout", "border-collapse"});
  const std::string width = element.attribute("width").value_or("100%");
  if (width != "100%") table->width = length_of(element, "width", 0, table->text.font_size);
  if (element.attribute("table-layout").value_or("fixed") != "fixed") fail(element, "table-layout must be fixed");
  if (element.attribute("border-collapse").value_or("separate") != "separate")
    fail(element, "border-collapse must be separate");
  each_fo_child(element, [&](const Node& child) {
    const bool late = !table->header.empty() || !table->body.empty();
    if (child.name() == "table-column") {
      if (late) fail(child, "columns stand before the header and the body");
      table->columns.push_back(read_column(child, table->text));
    } else if (child.name() == "table-header") {
      if (late) fail(child, "a table has one header, before its body");
      const bool outside = std::exchange(over_pages_, false);
      table->header = read_rows(child, table->text, table->columns.size());
      over_pages_ = outside;
    } else if (child.name() == "table-body") {
      auto rows = read_rows(child, table->text, table->columns.size());
      for (auto& row : rows) table->body.push_back(std::move(row));
    } else {
      unknown(child);
    }
  });
  if (table->columns.empty()) fail(element, "a table needs its table-column elements");
  if (!table->body.empty()) break_outside(table->box, &table->body.front().box);
  return table;
}

std::vector<Row> Reader::read_rows(const Node& group, TextStyle text, std::size_t columns) {
  read_properties(group, text);
  std::vector<Row> rows;
  each_fo_child(group, [&](const Node& child) {
    if (child.name() != "table-row") unknown(child);
    rows.push_back(read_row(child, text, columns));
  });
  return rows;
}

Row Reader::read_row(const Node& element, TextStyle text, std::size_t columns) {
  Row row;
  row.line = element.line();
  read_properties(element, text, reading(row.box, box_frame | box_keeps | box_breaks | box_role), {"height"});
  row.height = length_of(element, "height", 0, text.font_size);
  std::size_t used = 0;
  each_fo_child(element, [&](const Node& child) {
    if (child.name() != "table-cell") unknown(child);
    row.cells.push_back(read_cell(child, text));
    used += row.cells.back().columns_spanned;
  });
  if (used != columns) fail(element, fmt::format("cells span {} columns, the table has {}", used, columns));
  return row;
}

Cell Reader::read_cell(const Node& element, TextStyle text) {
  Cell cell;
  cell.line = element.line();
  read_properties(element, text, {&cell.box, box_padding | box_frame | box_role},
                  {"number-columns-spanned", "display-align"});
  cell.text = text;
  if (const auto span = element.attribute("number-columns-spanned")) {
    const auto count = parse_count(*span);
    if (!count) fail(element, "number-columns-spanned: value not understood");
    cell.columns_spanned = *count;
  }
  const std::string align = element.attribute("display-align").value_or("before");
  if (align == "center") {
    cell.display_align = DisplayAlign::center;
  } else if (align == "after") {
    cell.display_align = DisplayAlign::after;
  } else if (align != "before") {
    fail(element, "display-align: value not understood");
  }
  const bool outside = std::exchange(over_pages_, false);
  cell.content = read_content(element, text);
  over_pages_ = outside;
  return cell;
}

}  // namespace

fo::Document read_fo(const xml::Document& document, const ImageStore& images) {
  return Reader(images).read(document.root());
}

}  // namespace navette::render
