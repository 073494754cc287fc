#include "render/flow_builder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "render/clean_text.h"
#include "render/fo_error.h"
#include "render/pagination.h"

namespace navette::render {
namespace {

bool is_inline(const fo::Content& content) {
  return std::holds_alternative<fo::Inline>(content);
}

bool is_blank(const fo::Content& content) {
  const auto* text = std::get_if<fo::Inline>(&content);
  return text != nullptr && text->kind == fo::Inline::Kind::text &&
         text->text.find_first_not_of(" \t\r\n") == std::string::npos;
}

bool has_blocks(const std::vector<fo::Content>& content) {
  for (const auto& one : content) {
    if (!is_inline(one)) return true;
  }
  return false;
}

// White space of a paragraph as CSS and FO collapse it: none at the edges, one blank between, across styles.
void collapse(std::vector<Run>& runs) {
  bool blank = true;
  for (Run& run : runs) {
    if (run.style->keep_blanks) {
      blank = false;
      continue;
    }
    std::u16string kept;
    for (const char16_t c : run.text) {
      const bool line_end = c == u'\n' && run.style->keep_linefeeds;
      const bool is_space = (c == u' ' || c == u'\n') && !line_end;
      if (line_end && !kept.empty() && kept.back() == u' ') kept.pop_back();
      if (is_space && blank) continue;
      kept += is_space ? u' ' : c;
      blank = is_space || line_end;
    }
    run.text = std::move(kept);
  }
  for (auto run = runs.rbegin(); run != runs.rend() && !run->style->keep_blanks; ++run) {
    while (!run->text.empty() && run->text.back() == u' ') run->text.pop_back();
    if (!run->text.empty()) break;
  }
}

// The first text there is.
std::string first_text(const std::vector<fo::Content>& content) {
  for (const auto& one : content) {
    const auto* text = std::get_if<fo::Inline>(&one);
    if (text != nullptr && !is_blank(one)) return text->text;
    const auto* block = std::get_if<std::unique_ptr<fo::Block>>(&one);
    if (block == nullptr) continue;
    if (auto inside = first_text((*block)->content); !inside.empty()) return inside;
  }
  return {};
}

// ListNumbering (ISO 32000-1, table 347) from the label of the first item; empty when the label says none.
std::string numbering(const std::vector<fo::Content>& label) {
  const std::string all = first_text(label);
  const std::string_view mark = text::trim(all);
  if (mark == "•") return "Disc";
  if (mark == "◦" || mark == "○") return "Circle";
  if (mark == "▪" || mark == "■") return "Square";
  if (mark.empty()) return {};
  if (mark[0] >= '0' && mark[0] <= '9') return "Decimal";
  if (mark.size() > 1 && mark.find_first_of(".)") != 1) return {};
  if (mark[0] == 'i') return "LowerRoman";
  if (mark[0] == 'I') return "UpperRoman";
  if (mark[0] == 'a') return "LowerAlpha";
  if (mark[0] == 'A') return "UpperAlpha";
  return {};
}

constexpr double length_tolerance = 0.01;  // points: the same length may be a sum on one side

std::vector<double> column_widths(const fo::Table& table, double available) {
  double fixed = 0;
  double shares = 0;
  for (const auto& column : table.columns) {
    fixed += column.width;
    shares += column.proportion;
  }
  const double rest = available - fixed;
  if (rest < -length_tolerance) throw FoError(table.line, "table", "its columns are wider than the place it has");
  std::vector<double> widths;
  for (const auto& column : table.columns) {
    widths.push_back(column.width > 0 ? column.width : rest * column.proportion / shares);
  }
  return widths;
}

}  // namespace

VerticalList FlowBuilder::build(const std::vector<fo::Content>& content, const fo::TextStyle& text, double width) {
  language_ = text.language;
  add_content(content, text, {0, width}, {});
  return std::move(list_);
}

TagId FlowBuilder::open_tag(const std::string& role, const std::string& otherwise, const std::string& language,
                            fo::Origin origin) {
  if (tag_ < 0) return tag_;
  if (role == "artifact") return layout_artifact;
  Tag tag;
  tag.role = role.empty() ? otherwise : role;
  tag.parent = tag_;
  tag.origin = origin;
  if (language != language_) tag.language = language;
  out_.tags.push_back(std::move(tag));
  return static_cast<TagId>(out_.tags.size() - 1);
}

Entry& FlowBuilder::push(Entry entry) {
  entry.box = box_;
  list_.entries.push_back(std::move(entry));
  return list_.entries.back();
}

// Two spaces that meet are as large as the larger one.
void FlowBuilder::add_space(double height) {
  if (height <= 0) return;
  if (!list_.entries.empty() && std::holds_alternative<SpaceEntry>(list_.entries.back().what)) {
    auto& last = list_.entries.back();
    last.height = std::max(last.height, height);
    return;
  }
  push({height, Break::never, {}, -1, SpaceEntry{}});
}

// `id` stands at what is shown first from entry `first` on; nowhere when nothing is.
void FlowBuilder::anchor(const std::string& id, std::size_t first) {
  const auto shown = std::find_if(list_.entries.begin() + static_cast<std::ptrdiff_t>(first), list_.entries.end(),
                                  [](const Entry& e) { return !std::holds_alternative<SpaceEntry>(e.what); });
  if (shown != list_.entries.end()) shown->ids.push_back(&id);
}

void FlowBuilder::before_box(const fo::BoxStyle& box) {
  add_space(box.space_before);
  if (box.break_before) next_break_ = Break::forced;
  if (box.keep_with_previous && next_break_ == Break::allowed) next_break_ = Break::avoided;
}

void FlowBuilder::after_box(const fo::BoxStyle& box, std::size_t first) {
  if (box.keep_together) {
    bool inside = false;  // the first line or row may begin a page, the others shall follow it
    for (std::size_t i = first; i < list_.entries.size(); ++i) {
      Entry& entry = list_.entries[i];
      if (inside && entry.before == Break::allowed) entry.before = Break::avoided;
      inside = inside || !std::holds_alternative<SpaceEntry>(entry.what);
    }
  }
  if (box.keep_with_next) next_break_ = Break::avoided;
  if (box.break_after) next_break_ = Break::forced;
  add_space(box.space_after);
}

void FlowBuilder::add_content(const std::vector<fo::Content>& content, const fo::TextStyle& text, Place place,
                              fo::Origin origin) {
  const TagId parent = tag_;
  const bool mixed = has_blocks(content);
  for (std::size_t i = 0; i < content.size();) {
    if (const auto* block = std::get_if<std::unique_ptr<fo::Block>>(&content[i])) {
      add_block(**block, place);
      ++i;
      continue;
    }
    if (const auto* list = std::get_if<std::unique_ptr<fo::List>>(&content[i])) {
      add_list(**list, place);
      ++i;
      continue;
    }
    if (const auto* table = std::get_if<std::unique_ptr<fo::Table>>(&content[i])) {
      add_table(**table, place);
      ++i;
      continue;
    }
    bool blank = true;
    std::size_t end = i;
    for (; end < content.size() && is_inline(content[end]); ++end) blank = blank && is_blank(content[end]);
    if (!blank) {
      if (mixed) tag_ = open_tag("", "P", text.language);
      add_paragraph(&content[i], &content[i] + (end - i), text, place, origin);
      tag_ = parent;
    }
    i = end;
  }
}

// Once a paragraph, inside the one that it stands in: what is in an artifact is one too.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the document
TagId FlowBuilder::open_span(const fo::Span& span, Spans& opened) {
  if (const auto found = opened.find(&span); found != opened.end()) return found->second;
  const TagId around = tag_;
  const std::string language = language_;
  if (span.outer) {
    tag_ = open_span(*span.outer, opened);
    language_ = span.outer->language;
  }
  const TagId tag = open_tag(span.role, "Span", span.language, {span.line, "inline"});
  tag_ = around;
  language_ = language;
  return opened[&span] = tag;
}

void FlowBuilder::add_graphic(const fo::Inline& part, Place place, Run& run) {
  const fo::Graphic& graphic = part.graphic;
  if (graphic.width > place.width + length_tolerance) {
    throw FoError(graphic.line, "external-graphic", "wider than the place it has");
  }
  run.text = u"\uFFFC";
  run.graphic = &graphic;
  const TagId around = std::exchange(tag_, run.tag);
  run.tag =
      open_tag(graphic.alternative.empty() ? "artifact" : "Figure", "", language_, {graphic.line, "external-graphic"});
  tag_ = around;
  if (run.tag < 0) return;
  Tag& figure = out_.tags[static_cast<std::size_t>(run.tag)];
  figure.alternative = graphic.alternative;
  figure.language = part.style.language;
}

void FlowBuilder::add_paragraph(const fo::Content* begin, const fo::Content* end, const fo::TextStyle& text,
                                Place place, fo::Origin origin) {
  std::vector<Run> runs;
  Spans spans;
  for (const auto* at = begin; at != end; ++at) {
    const auto& part = std::get<fo::Inline>(*at);
    Run run;
    run.style = &part.style;
    run.tag = part.span ? open_span(*part.span, spans) : tag_;
    if (part.kind == fo::Inline::Kind::text) {
      CleanText clean = clean_text(part.text);
      run.text = std::move(clean.text);
      out_.substituted_glyphs += clean.substituted;
    } else if (part.kind == fo::Inline::Kind::graphic) {
      add_graphic(part, place, run);
    } else if (numbers_.page == 0) {
      throw FoError(origin.line, origin.element, "page numbers stand in static-content only");
    } else {
      const auto number = std::to_string(part.kind == fo::Inline::Kind::page_number ? numbers_.page : numbers_.total);
      run.text.assign(number.begin(), number.end());
    }
    runs.push_back(std::move(run));
  }
  collapse(runs);
  Lines lines = break_paragraph(runs, text, place.width, shaper_);
  out_.substituted_glyphs += lines.substituted;
  while (lines.lines.size() > 1 && lines.lines.back().blank) lines.lines.pop_back();
  const std::size_t count = lines.lines.size();
  const auto is_seen = [](const Line& l) { return !l.blank; };
  auto after = static_cast<std::size_t>(std::count_if(lines.lines.begin(), lines.lines.end(), is_seen));
  for (std::size_t k = 0, before_it = 0; k < count; ++k) {
    const bool lonely = before_it < text.orphans || after < text.widows;
    if (is_seen(lines.lines[k])) {
      ++before_it;
      --after;
    }
    const Break before = k == 0 ? std::exchange(next_break_, Break::allowed) : lonely ? Break::avoided : Break::allowed;
    Line& one = lines.lines[k];
    if (one.blank && k > 0 && k + 1 < count) {
      add_space(one.height);  // no page begins with it
    } else {
      push({one.height, before, origin, -1, LineEntry{place.x, std::move(one)}});
    }
  }
}

template <typename Fill>
void FlowBuilder::add_boxed(const fo::BoxStyle& box, const fo::TextStyle& text, const std::string& otherwise,
                            Place place, fo::Origin origin, Fill fill) {
  before_box(box);
  const std::size_t first = list_.entries.size();
  const TagId parent = tag_;
  const std::string language = language_;
  tag_ = open_tag(box.role, otherwise, text.language, origin);
  language_ = text.language;
  add_space(box.margin.top);
  Place inside{place.x + box.margin.left, place.width - box.margin.left - box.margin.right};
  const std::ptrdiff_t outer = box_;
  const bool visible = box.is_visible();
  if (visible || top_inset(box) > 0) {
    const TagId artifact = tag_ < 0 ? tag_ : layout_artifact;
    push({top_inset(box), std::exchange(next_break_, Break::allowed), origin, -1,
          OpenEntry{inside.x, inside.width, &box, artifact}});
    box_ = static_cast<std::ptrdiff_t>(list_.entries.size() - 1);
    next_break_ = Break::never;
  }
  inside.x += box.border.left.width + box.padding.left;
  inside.width -= horizontal_inset(box);
  if (inside.width <= 0) throw FoError(origin.line, origin.element, "no width is left for the content");
  fill(inside);
  if (box_ != outer) {
    push({bottom_inset(box), Break::never, origin, -1, CloseEntry{}});
    box_ = outer;
    if (next_break_ == Break::never) next_break_ = Break::allowed;  // nothing stood in it
  } else {
    add_space(bottom_inset(box));
  }
  add_space(box.margin.bottom);
  tag_ = parent;
  language_ = language;
  after_box(box, first);
}

void FlowBuilder::add_block(const fo::Block& block, Place place) {
  const std::size_t first = list_.entries.size();
  const fo::Origin origin{block.line, "block"};
  add_boxed(block.box, block.text, has_blocks(block.content) ? "Div" : "P", place, origin,
            [&](Place inside) { add_content(block.content, block.text, inside, origin); });
  if (!block.id.empty()) anchor(block.id, first);
}

void FlowBuilder::add_list(const fo::List& list, Place place) {
  add_boxed(list.box, list.text, "L", place, {list.line, "list-block"}, [&](Place inside) {
    if (tag_ >= 0) out_.tags[static_cast<std::size_t>(tag_)].list_numbering = numbering(list.items.front().label);
    for (const auto& item : list.items) add_list_item(list, item, inside);
  });
}

void FlowBuilder::add_list_item(const fo::List& list, const fo::ListItem& item, Place place) {
  const fo::Origin origin{item.line, "list-item"};
  add_boxed(item.box, item.text, "LI", place, origin, [&](Place inside) {
    const TagId parent = tag_;
    const std::string language = language_;
    const Place body{inside.x + list.distance, inside.width - list.distance};
    if (body.width <= 0) throw FoError(item.line, "list-item", "no width is left for its body");
    const double label = add_label(item, {inside.x, list.distance - list.separation});
    const std::size_t first = list_.entries.size();
    tag_ = open_tag("", "LBody", item.body_text.language);
    language_ = item.body_text.language;
    add_content(item.body, item.body_text, body, origin);
    tag_ = parent;
    language_ = language;
    double height = 0;
    for (std::size_t i = first; i < list_.entries.size() && height < label; ++i) {
      list_.entries[i].before = Break::never;
      height += list_.entries[i].height;
    }
    if (height < label) push({label - height, Break::never, origin, -1, LineEntry{}});
    if (next_break_ == Break::never) next_break_ = Break::allowed;
  });
}

// Returns its height.
double FlowBuilder::add_label(const fo::ListItem& item, Place place) {
  FlowBuilder inside(out_, shaper_, open_tag("", "Lbl", item.label_text.language), numbers_);
  inside.language_ = item.label_text.language;
  const fo::Origin origin{item.line, "list-item"};
  inside.add_content(item.label, item.label_text, place, origin);
  LabelEntry label{std::make_unique<VerticalList>(std::move(inside.list_))};
  const double height = height_of(*label.content, {}, end_of(*label.content));
  push({0, std::exchange(next_break_, Break::never), origin, -1, std::move(label)});
  return height;
}

void FlowBuilder::add_table(const fo::Table& table, Place place) {
  const double width = table.width + table.box.margin.left + table.box.margin.right;
  if (width > place.width + length_tolerance) {
    throw FoError(table.line, "table", "wider than the place it has");
  }
  if (table.width > 0) place.width = width;
  add_boxed(table.box, table.text, "Table", place, {table.line, "table"},
            [&](Place inside) { add_groups(table, inside); });
}

void FlowBuilder::add_groups(const fo::Table& table, Place place) {
  const double x = place.x;
  const auto columns = column_widths(table, place.width);
  const TagId whole = tag_;
  std::shared_ptr<const VerticalList> repeated;
  if (!table.header.empty()) {
    FlowBuilder again(out_, shaper_, layout_artifact);  // what is read twice is announced once
    again.add_rows(table.header, columns, x, true, nullptr);
    repeated = std::make_shared<const VerticalList>(std::move(again.list_));
    tag_ = open_tag("", "THead", language_);
    add_rows(table.header, columns, x, true, nullptr);
    next_break_ = Break::never;
    tag_ = whole;
  }
  tag_ = open_tag("", "TBody", language_);
  add_rows(table.body, columns, x, false, repeated);
  tag_ = whole;
}

void FlowBuilder::add_rows(const std::vector<fo::Row>& rows, const std::vector<double>& columns, double x, bool header,
                           const std::shared_ptr<const VerticalList>& repeated) {
  const TagId group = tag_;
  for (const auto& row : rows) {
    if (row.box.keep_with_previous && next_break_ == Break::allowed) next_break_ = Break::avoided;
    tag_ = open_tag(row.box.role, "TR", language_, {row.line, "table-row"});
    add_row(row, columns, x, header, repeated);
    tag_ = group;
    next_break_ = header                   ? Break::never
                  : row.box.break_after    ? Break::forced
                  : row.box.keep_with_next ? Break::avoided
                                           : Break::allowed;
  }
}

void FlowBuilder::add_row(const fo::Row& row, const std::vector<double>& columns, double x, bool header,
                          const std::shared_ptr<const VerticalList>& repeated) {
  RowEntry entry;
  entry.box = &row.box;
  entry.x = x;
  entry.artifact = tag_ < 0 ? tag_ : layout_artifact;
  entry.header = repeated;
  entry.least = row.height;
  double height = row.height;
  std::size_t column = 0;
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    const fo::Cell& cell = row.cells[i];
    double width = 0;
    for (unsigned k = 0; k < cell.columns_spanned; ++k) width += columns[column++];
    // The row's border lies around its cells.
    const double left = i == 0 ? row.box.border.left.width : 0;
    const double right = i + 1 == row.cells.size() ? row.box.border.right.width : 0;
    entry.cells.push_back(build_cell(cell, x + left, width - left - right, header));
    height = std::max(height, entry.cells.back().content_height + cell_inset(entry, i));
    x += width;
  }
  entry.width = x - entry.x;
  const Break before = std::exchange(next_break_, Break::allowed);
  push({height, row.box.break_before ? Break::forced : before, {row.line, "table-row"}, -1, std::move(entry)});
}

CellEntry FlowBuilder::build_cell(const fo::Cell& cell, double x, double width, bool header) {
  const double inner = width - horizontal_inset(cell.box);
  if (inner <= 0) throw FoError(cell.line, "table-cell", "no width is left for its content");
  const fo::Origin origin{cell.line, "table-cell"};
  const TagId tag = open_tag(cell.box.role, header ? "TH" : "TD", cell.text.language, origin);
  if (tag >= 0) {
    Tag& made = out_.tags[static_cast<std::size_t>(tag)];
    made.keep_when_empty = true;
    made.columns_spanned = cell.columns_spanned;
    if (made.role == "TH") made.scope = header ? "Column" : "Row";
  }
  FlowBuilder inside(out_, shaper_, tag, numbers_);
  inside.language_ = cell.text.language;
  inside.add_content(cell.content, cell.text, {x + cell.box.border.left.width + cell.box.padding.left, inner}, origin);
  CellEntry built;
  built.x = x;
  built.width = width;
  built.cell = &cell;
  built.content = std::make_unique<VerticalList>(std::move(inside.list_));
  built.content_height = height_of(*built.content, {}, end_of(*built.content));
  return built;
}

}  // namespace navette::render
