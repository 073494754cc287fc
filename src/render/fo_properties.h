// Properties of an XSL-FO element: each known one sets a field, any other is an error with the element's line.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "lib/xml/document.h"
#include "render/fo_tree.h"

namespace navette::render::fo {

constexpr const char* fo_space = "http://www.w3.org/1999/XSL/Format";
// Apache FOP's extensions; of them we know fox:alt-text.
constexpr const char* fox_space = "http://xmlgraphics.apache.org/fop/extensions";

// Throws Error: "FO line 12, fo:block: ...".
[[noreturn]] void fail(const xml::Node& element, const std::string& what);
// The same for an element that is not read where it stands.
[[noreturn]] void unknown(const xml::Node& element);

// XML's white space only: a no-break space is content.
bool is_xml_blank(std::string_view text);

// visit(child) for each child element, which must be XSL-FO's; text beside them is an error.
template <typename Visit>
void each_fo_child(const xml::Node& parent, Visit visit) {
  for (xml::Node child = parent.first(); child; child = child.next()) {
    if (child.is_text() && !is_xml_blank(child.text())) fail(parent, "text is not allowed directly inside");
    if (!child.is_element()) continue;
    if (child.space() != fo_space) unknown(child);
    visit(child);
  }
}

// Properties of boxes by what it takes to obey them: an element has those that it obeys.
enum BoxProperties : unsigned {
  box_margin = 1,
  box_padding = 2,
  box_frame = 4,  // borders, background
  box_spaces = 8,
  box_keeps = 16,
  box_role = 32,
  box_breaks = 64,
  box_all = 127,
  not_text = 128,  // nothing is set inside: no property of text either
  in_line = 256    // stands in a line: of those of text none that is a paragraph's
};

struct BoxReading {
  BoxStyle* box = nullptr;
  unsigned properties = box_all;
};

// Of an element that holds nothing.
void no_children(const xml::Node& element);

// Reads what text and boxes may carry: `text` holds what is inherited and is changed in place. Properties named in
// `own` are the element's own business and are left to it. Throws Error for any other.
void read_properties(const xml::Node& element, TextStyle& text, BoxReading box = {},
                     std::initializer_list<std::string_view> own = {});

// Of an element that takes none, or its own alone.
void no_properties(const xml::Node& element, std::initializer_list<std::string_view> own = {});

// A length that the element itself needs; `otherwise` when absent. An em is `font_size`. Throws Error.
double length_of(const xml::Node& element, const char* name, double otherwise, double font_size = 10);

}  // namespace navette::render::fo
