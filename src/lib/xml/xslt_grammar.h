// The names of XSLT 1.0 (W3C Recommendation, 16 November 1999, appendix B), which libxslt does not ask for: it drops an
// element that it does not know with all that stands in it, heeds no attribute that it does not know, and passes over
// what an element like xsl:value-of holds.
#pragma once

#include <set>
#include <string>

#include "lib/xml/document.h"

namespace navette::xml {

// What the files of a stylesheet name for one another, and libxslt takes for empty where it is not there.
struct Declared {
  std::set<std::string> attribute_sets, keys;
};
void add_declared(Node root, Declared& declared);

// Throws Error "FILE:LINE: there is no xsl:NAME" (or: "xsl:NAME has no attribute X", "xsl:NAME holds no Y") at the
// first fault. What xsl:element and xsl:attribute make has its name written out. `declared` is that of all files.
void require_xslt(Node top, const std::string& file, const Declared& declared);

}  // namespace navette::xml
