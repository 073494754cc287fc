// The names of XSLT 1.0 (W3C Recommendation, 16 November 1999, appendix B), which libxslt does not ask for: it drops an
// element that it does not know with all that stands in it, and heeds no attribute that it does not know.
#pragma once

#include <string>

#include "lib/xml/document.h"

namespace navette::xml {

// Throws Error "FILE:LINE: there is no xsl:NAME" (or: "xsl:NAME has no attribute X") at the first fault.
void require_xslt(Node top, const std::string& file);

}  // namespace navette::xml
