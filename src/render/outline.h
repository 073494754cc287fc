// Bookmarks → the document outline (ISO 32000-1, 12.3.3).
#pragma once

#include <vector>

#include "lib/pdf/object_writer.h"
#include "render/display_list.h"

namespace navette::render {

// `pages` are the page objects of `list`, whose outline is not empty. Returns the root of the outline.
pdf::ObjectWriter::Number write_outline(const DisplayList& list, const std::vector<pdf::ObjectWriter::Number>& pages,
                                        pdf::ObjectWriter& writer);

}  // namespace navette::render
