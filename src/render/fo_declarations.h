// What an FO document says of itself beside its pages: metadata, attachment, bookmarks.
#pragma once

#include <vector>

#include "lib/xml/document.h"
#include "render/fo_tree.h"

namespace navette::render::fo {

// Of fo:declarations, the way Apache FOP has it: an x:xmpmeta with Dublin Core and XMP properties; and urn:navette:fo:1
// for the attachment. Throws Error with the line, as all that reads FO.
Metadata read_declarations(const xml::Node& declarations);

// Of a fo:bookmark-tree, or the ones in a fo:bookmark.
std::vector<Bookmark> read_bookmarks(const xml::Node& parent);

}  // namespace navette::render::fo
