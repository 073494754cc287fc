// Where a page ends. Pure functions of a vertical list.
#pragma once

#include "render/vertical_list.h"

namespace navette::render {

inline Cursor end_of(const VerticalList& list) {
  return {list.entries.size(), {}};
}

// Height of [begin, end): spaces at its top and bottom count for nothing.
double height_of(const VerticalList& list, const Cursor& begin, const Cursor& end);

// Height of what is left of a row whose cells go on from `cells` (empty: from their beginning).
double row_height(const Entry& entry, const std::vector<Cursor>& cells);

// The header that the list must repeat when a page begins at `begin`; null when none.
const VerticalList* repeated_header(const VerticalList& list, const Cursor& begin);

// The furthest place at which a page that begins at `begin` and has `available` points may end. `full` is the height of
// an empty page. Keeps are given up when a page cannot hold what they tie; a row is cut only if no page can hold it.
// Always past `begin`. Throws Error when an entry is higher than a page.
Cursor find_break(const VerticalList& list, const Cursor& begin, double available, double full);

}  // namespace navette::render
