// The names of XSLT 1.0 (W3C Recommendation, 16 November 1999, appendix B), which libxslt does not ask for: it drops an
// element that it does not know with all that stands in it, heeds no attribute that it does not know, and passes over
// what an element like xsl:value-of holds.
#pragma once

#include <set>
#include <string>

#include "lib/xml/document.h"

namespace navette::xml {

// Of a file, the xsl:attribute-set elements.
std::set<std::string> attribute_sets(Node root);

// Throws Error "FILE:LINE: there is no xsl:NAME" (or: "xsl:NAME has no attribute X", "xsl:NAME holds no Y") at the
// first fault. What xsl:element and xsl:attribute make has its name written out. `sets` are those of all files.
void require_xslt(Node top, const std::string& file, const std::set<std::string>& sets);

}  // namespace navette::xml
