// FO tree → display list.
#pragma once

#include "render/display_list.h"
#include "render/fo_tree.h"
#include "render/shaper.h"

namespace navette::render {

// Throws Error with the FO line when content cannot be placed. Never loses any.
DisplayList lay_out(const fo::Document& document, Shaper& shaper);

}  // namespace navette::render
