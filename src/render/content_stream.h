// The items of a page → content operators, all inside marked content.
#pragma once

#include <string>

#include "render/display_list.h"
#include "render/font_embedder.h"
#include "render/structure_tree.h"

namespace navette::render {

// `fonts` have been embedded. `tree` learns which content is whose.
std::string content_stream(const Page& page, std::size_t page_index, const FontStore& store, const FontEmbedder& fonts,
                           StructureTree& tree);

}  // namespace navette::render
