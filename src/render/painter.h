// Vertical lists → positioned items of a page.
#pragma once

#include "render/vertical_list.h"

namespace navette::render {

// Paints [begin, end) with its top left corner at (x, y); a repeated table header comes first. Returns the y below.
double paint(const VerticalList& list, const Cursor& begin, const Cursor& end, double x, double y, Page& page);

}  // namespace navette::render
