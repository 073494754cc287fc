// XSL-FO document → typed tree. What is not in the subset is an error that names its line: a stylesheet author must see
// what was not understood, not wonder why it does nothing.
#pragma once

#include "lib/xml/document.h"
#include "render/fo_tree.h"
#include "render/image_store.h"

namespace navette::render {

// Throws Error: "FO line N, element: what". `images` are all that it may show.
fo::Document read_fo(const xml::Document& document, const ImageStore& images = {});

}  // namespace navette::render
