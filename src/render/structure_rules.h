// What PDF/UA asks of a tree of tags beyond its syntax: a stylesheet gives the roles, and may give them wrong.
#pragma once

#include <vector>

#include "render/display_list.h"

namespace navette::render {

// `written[i]`: whether tags[i] becomes an element; `marked[i]`: whether it holds text or an image itself. Throws Error
// with the FO line: a heading level left out, an element where none of its type may be, text that only parts of its
// element may hold, a header cell without a scope, rows of one table that differ in their columns.
void check_structure(const std::vector<Tag>& tags, const std::vector<bool>& written, const std::vector<bool>& marked);

}  // namespace navette::render
