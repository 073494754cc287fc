// Values of XSL-FO properties: lengths, colours, keywords. Each returns nothing when the text is not one.
#pragma once

#include <optional>
#include <string_view>

#include "render/fo_tree.h"

namespace navette::render::fo {

// "12pt", "4.5mm", "1cm", "0.5in", "1.2em" (of `font_size`), "0". Points.
std::optional<double> parse_length(std::string_view text, double font_size);
// "#rgb", "#rrggbb", or black, white, gray.
std::optional<Colour> parse_colour(std::string_view text);
// "0.5pt solid #333": width, style (solid only), colour in any order; "none".
std::optional<Border> parse_border(std::string_view text, double font_size);
// "1.4", "140%" or a length.
std::optional<LineHeight> parse_line_height(std::string_view text, double font_size);
// One to four lengths: all; vertical horizontal; top horizontal bottom; top right bottom left.
std::optional<Edges> parse_edges(std::string_view text, double font_size);
// "artifact", or a structure type of ISO 32000-1, 14.8.4 that content alone makes: not H, which does not go with H1 to
// H6, nor Note, Link, Form, Figure and Formula, which need an identifier, an annotation or a description beside it.
std::optional<std::string_view> parse_role(std::string_view text);
std::optional<double> parse_number(std::string_view text);
// A whole number from 1 to 999.
std::optional<unsigned> parse_count(std::string_view text);

}  // namespace navette::render::fo
