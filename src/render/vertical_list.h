// Content laid out at a given width, not yet cut into pages: lines, spaces, boxes and table rows from top to bottom.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "render/display_list.h"
#include "render/fo_tree.h"
#include "render/paragraph.h"

namespace navette::render {

// May a page end before this item?
enum class Break { allowed, avoided, never, forced };

struct VerticalList;

struct LineEntry {
  double x = 0;
  Line line;
};
struct SpaceEntry {};  // nothing at the top of a page
struct OpenEntry {     // a visible box begins: its border and padding above
  double x = 0, width = 0;
  const fo::BoxStyle* box = nullptr;  // owned by the FO tree
  TagId artifact = layout_artifact;
};
struct CloseEntry {};  // its padding and border below

// What stands beside the entries that follow, and takes no height of its own: the label of a list's item. No page ends
// before what is as high as it.
struct LabelEntry {
  std::unique_ptr<VerticalList> content;
};

struct CellEntry {
  double x = 0, width = 0;
  const fo::Cell* cell = nullptr;  // owned by the FO tree
  std::unique_ptr<VerticalList> content;
  double content_height = 0;
};
struct RowEntry {
  std::vector<CellEntry> cells;
  const fo::BoxStyle* box = nullptr;
  double x = 0, width = 0;
  double least = 0;  // height that is asked for
  TagId artifact = layout_artifact;
  std::shared_ptr<const VerticalList> header;  // to be repeated on top of a page that begins with this row
};

struct Entry {
  double height = 0;
  Break before = Break::allowed;
  fo::Origin origin{};
  std::ptrdiff_t box = -1;  // the OpenEntry that it lies in
  std::variant<LineEntry, SpaceEntry, OpenEntry, CloseEntry, LabelEntry, RowEntry> what;
  std::vector<const std::string*> ids{};  // of the blocks that begin here; owned by the FO tree
};

struct VerticalList {
  std::vector<Entry> entries;
};

// A place in a list: before an entry, or inside a row that goes on (one cursor a cell).
struct Cursor {
  std::size_t entry = 0;
  std::vector<Cursor> cells;
};

inline double horizontal_inset(const fo::BoxStyle& box) {
  return box.border.left.width + box.padding.left + box.border.right.width + box.padding.right;
}
inline double top_inset(const fo::BoxStyle& box) {
  return box.border.top.width + box.padding.top;
}
inline double bottom_inset(const fo::BoxStyle& box) {
  return box.border.bottom.width + box.padding.bottom;
}
// What the borders of a row and of its cell `i` and that one's padding take of its height.
inline double cell_inset(const RowEntry& row, std::size_t i) {
  const fo::BoxStyle& cell = row.cells[i].cell->box;
  return top_inset(*row.box) + top_inset(cell) + bottom_inset(cell) + bottom_inset(*row.box);
}

}  // namespace navette::render
