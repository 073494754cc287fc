// The items of a page → content operators, all inside marked content.
#pragma once

#include <string>

#include "render/display_list.h"
#include "render/font_embedder.h"
#include "render/image_embedder.h"
#include "render/structure_tree.h"

namespace navette::render {

// `fonts` and `images` have been embedded. `tree` learns which content is whose.
std::string content_stream(const Page& page, std::size_t page_index, const FontStore& store, const FontEmbedder& fonts,
                           const ImageEmbedder& images, StructureTree& tree);

}  // namespace navette::render
