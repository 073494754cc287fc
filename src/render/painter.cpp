#include "render/painter.h"

#include <algorithm>
#include <vector>

#include "render/pagination.h"

namespace navette::render {
namespace {

struct Box {
  double x, y, width, height;
};

// Background, then borders; `top` and `bottom` are false where the box goes on over another page.
std::vector<DisplayItem> box_items(const fo::BoxStyle& style, Box box, TagId artifact, bool top, bool bottom) {
  std::vector<DisplayItem> items;
  const auto add = [&](double x, double y, double width, double height, const fo::Colour& colour) {
    if (width > 0 && height > 0) items.emplace_back(RectItem{x, y, width, height, colour, artifact});
  };
  const auto& [above, right, below, left] = style.border;
  if (style.background) add(box.x, box.y, box.width, box.height, *style.background);
  if (top) add(box.x, box.y, box.width, above.width, above.colour);
  if (bottom) add(box.x, box.y + box.height - below.width, box.width, below.width, below.colour);
  add(box.x, box.y, left.width, box.height, left.colour);
  add(box.x + box.width - right.width, box.y, right.width, box.height, right.colour);
  return items;
}

class Painter {
 public:
  Painter(const VerticalList& list, double x, double y, Page& page) : list_(list), x_(x), y_(y), page_(page) {}

  double run(const Cursor& begin, const Cursor& end) {
    reopen(begin);  // first: a header that is repeated stands inside
    if (const auto* header = repeated_header(list_, begin)) y_ = paint(*header, {}, end_of(*header), x_, y_, page_);
    for (std::size_t i = begin.entry; i < std::min(end.entry, list_.entries.size()); ++i) {
      one(i, i == begin.entry ? begin.cells : std::vector<Cursor>{}, nullptr);
    }
    if (!end.cells.empty()) {
      one(end.entry, end.entry == begin.entry ? begin.cells : std::vector<Cursor>{}, &end.cells);
    }
    while (!open_.empty()) close(false);
    return y_;
  }

 private:
  struct Open {
    const OpenEntry* entry;
    double top;
    std::size_t item;  // where its rectangles belong: under what it holds
    bool continued;
  };

  // Boxes that began on a former page.
  void reopen(const Cursor& begin) {
    if (begin.entry >= list_.entries.size()) return;
    for (std::ptrdiff_t box = list_.entries[begin.entry].box; box >= 0;) {
      const Entry& entry = list_.entries[static_cast<std::size_t>(box)];
      open_.insert(open_.begin(), {&std::get<OpenEntry>(entry.what), y_, page_.items.size(), true});
      box = entry.box;
    }
  }

  void one(std::size_t index, const std::vector<Cursor>& from, const std::vector<Cursor>* to) {
    const Entry& entry = list_.entries[index];
    if (std::holds_alternative<SpaceEntry>(entry.what)) {
      if (any_) space_ = entry.height;
      return;
    }
    y_ += space_;
    space_ = 0;
    any_ = true;
    for (const auto* id : entry.ids) page_.anchors.push_back({*id, y_});
    if (const auto* line = std::get_if<LineEntry>(&entry.what)) {
      paint_line(*line);
      y_ += entry.height;
    } else if (const auto* row = std::get_if<RowEntry>(&entry.what)) {
      paint_row(entry, *row, from, to);
    } else if (const auto* label = std::get_if<LabelEntry>(&entry.what)) {
      paint(*label->content, {}, end_of(*label->content), x_, y_, page_);
    } else if (const auto* box = std::get_if<OpenEntry>(&entry.what)) {
      open_.push_back({box, y_, page_.items.size(), false});
      y_ += entry.height;
    } else {
      y_ += entry.height;
      close(true);
    }
  }

  void close(bool bottom) {
    const Open open = open_.back();
    open_.pop_back();
    const Box box{x_ + open.entry->x, open.top, open.entry->width, y_ - open.top};
    const auto items = box_items(*open.entry->box, box, open.entry->artifact, !open.continued, bottom);
    page_.items.insert(page_.items.begin() + static_cast<std::ptrdiff_t>(open.item), items.begin(), items.end());
  }

  void paint_line(const LineEntry& entry) {
    for (const Fragment& f : entry.line.fragments) {
      if (f.graphic != nullptr) {
        const double top = y_ + entry.line.baseline - f.graphic->height;
        page_.items.emplace_back(
            ImageItem{x_ + entry.x + f.x, top, f.graphic->width, f.graphic->height, f.graphic->image, f.tag});
        continue;
      }
      page_.items.emplace_back(TextItem{x_ + entry.x + f.x, y_ + entry.line.baseline, f.size, f.colour, f.tag, f.word,
                                        f.cluster_begin, f.cluster_end});
    }
  }

  void paint_row(const Entry& entry, const RowEntry& row, const std::vector<Cursor>& from,
                 const std::vector<Cursor>* to) {
    const bool whole = from.empty() && to == nullptr;
    double height = whole ? entry.height : 0;
    const auto begin_of = [&](std::size_t i) { return from.empty() ? Cursor{} : from[i]; };
    const auto end_in = [&](std::size_t i) { return to == nullptr ? end_of(*row.cells[i].content) : (*to)[i]; };
    const auto height_in = [&](std::size_t i) {
      return whole ? row.cells[i].content_height : height_of(*row.cells[i].content, begin_of(i), end_in(i));
    };
    for (std::size_t i = 0; !whole && i < row.cells.size(); ++i) {
      height = std::max(height, height_in(i) + cell_inset(row, i));
    }
    const auto add = [&](const std::vector<DisplayItem>& items) {
      page_.items.insert(page_.items.end(), items.begin(), items.end());
    };
    add(box_items(*row.box, {x_ + row.x, y_, row.width, height}, row.artifact, true, true));
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const CellEntry& cell = row.cells[i];
      const auto& box = cell.cell->box;
      const double top = y_ + top_inset(*row.box);
      const double inside = height - top_inset(*row.box) - bottom_inset(*row.box);
      add(box_items(box, {x_ + cell.x, top, cell.width, inside}, row.artifact, true, true));
      double y = top + top_inset(box);
      // Of a row that goes on, each part aligns what ends in it.
      const bool ends = end_in(i).entry >= cell.content->entries.size();
      const double free = ends ? height - height_in(i) - cell_inset(row, i) : 0;
      if (cell.cell->display_align == fo::DisplayAlign::center) y += free / 2;
      if (cell.cell->display_align == fo::DisplayAlign::after) y += free;
      paint(*cell.content, begin_of(i), end_in(i), x_, y, page_);
    }
    y_ += height;
  }

  const VerticalList& list_;
  double x_, y_;
  Page& page_;
  std::vector<Open> open_;
  double space_ = 0;
  bool any_ = false;
};

}  // namespace

double paint(const VerticalList& list, const Cursor& begin, const Cursor& end, double x, double y, Page& page) {
  return Painter(list, x, y, page).run(begin, end);
}

}  // namespace navette::render
