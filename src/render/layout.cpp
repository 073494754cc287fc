#include "render/layout.h"

#include <map>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"
#include "render/flow_builder.h"
#include "render/fo_error.h"
#include "render/pagination.h"
#include "render/painter.h"

namespace navette::render {
namespace {

constexpr std::size_t most_pages = 1000;  // a demande has one or two; beyond, something loops

struct Area {
  double x, y, width, height;
};

Area body_area(const fo::PageMaster& m) {
  const double x = m.margin.left + m.body_margin.left;
  const double y = m.margin.top + m.body_margin.top;
  return {x, y, m.width - x - m.margin.right - m.body_margin.right,
          m.height - y - m.margin.bottom - m.body_margin.bottom};
}

void paint_static(const std::vector<fo::Content>& content, const fo::TextStyle& text, Area area, long line,
                  TagId artifact, PageNumbers numbers, Shaper& shaper, DisplayList& out, Page& page) {
  if (content.empty()) return;
  const VerticalList list = FlowBuilder(out, shaper, artifact, numbers).build(content, text, area.width);
  if (height_of(list, {}, end_of(list)) > area.height + 0.01) {
    const bool header = artifact == pagination_header;
    throw FoError(line, header ? "region-before" : "region-after",
                  fmt::format("the page {} is higher than its extent", header ? "header" : "footer"));
  }
  paint(list, {}, end_of(list), area.x, area.y, page);
}

struct Position {
  std::size_t page = 0;
  double y = 0;
};
using Positions = std::map<std::string_view, Position>;  // by id

Positions places_of(const std::vector<Page>& pages) {
  Positions places;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    for (const Anchor& anchor : pages[i].anchors) places.emplace(anchor.id, Position{i, anchor.y});
  }
  return places;
}

std::vector<OutlineItem> outline_of(const std::vector<fo::Bookmark>& bookmarks, const Positions& places) {
  std::vector<OutlineItem> items;
  for (const auto& bookmark : bookmarks) {
    const auto place = places.find(bookmark.destination);
    if (place == places.end()) {
      throw FoError(bookmark.line, "bookmark", "internal-destination is not the id of a block that shows something");
    }
    items.push_back({bookmark.title, place->second.page, place->second.y, outline_of(bookmark.children, places)});
  }
  return items;
}

}  // namespace

DisplayList lay_out(const fo::Document& document, Shaper& shaper) {
  const fo::PageMaster& m = document.master;
  const Area body = body_area(m);
  if (body.width <= 0 || body.height <= 0)
    throw FoError(m.line, "simple-page-master", "the margins leave no room on the page");
  fo::TextStyle text;
  text.language = document.language;
  DisplayList out;
  Tag root;
  root.role = "Document";
  out.tags.push_back(std::move(root));

  const VerticalList list = FlowBuilder(out, shaper, 0).build(document.flow, text, body.width);
  Cursor at;
  do {
    if (out.pages.size() == most_pages)
      throw FoError(document.line, "page-sequence", fmt::format("more than {} pages", most_pages));
    Page page{m.width, m.height, {}, {}};
    const Cursor next = list.entries.empty() ? end_of(list) : find_break(list, at, body.height, body.height);
    paint(list, at, next, body.x, body.y, page);
    out.pages.push_back(std::move(page));
    at = next;
  } while (at.entry < list.entries.size());

  out.outline = outline_of(document.bookmarks, places_of(out.pages));

  const auto total = static_cast<unsigned>(out.pages.size());
  const double width = m.width - m.margin.left - m.margin.right;
  const Area before{m.margin.left, m.margin.top, width, m.before_extent};
  const Area after{m.margin.left, m.height - m.margin.bottom - m.after_extent, width, m.after_extent};
  for (unsigned i = 0; i < total; ++i) {
    const PageNumbers numbers{i + 1, total};
    paint_static(document.before, text, before, m.before_line, pagination_header, numbers, shaper, out, out.pages[i]);
    paint_static(document.after, text, after, m.after_line, pagination_footer, numbers, shaper, out, out.pages[i]);
  }
  return out;
}

}  // namespace navette::render
