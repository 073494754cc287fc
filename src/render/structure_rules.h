// What PDF/UA asks of a tree of tags beyond its syntax: a stylesheet gives the roles, and may give them wrong.
#pragma once

#include <vector>

#include "render/display_list.h"

namespace navette::render {

// `written[i]`: whether tags[i] becomes an element. Throws Error with the FO line: a heading level left out, an element
// where none of its type may be, rows of one table that differ in their columns.
void check_structure(const std::vector<Tag>& tags, const std::vector<bool>& written);

}  // namespace navette::render
