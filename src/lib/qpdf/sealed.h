// One encrypted PDF made of several, by libqpdf. No libqpdf header leaves lib/qpdf.
#pragma once

#include <string>
#include <vector>

namespace navette::qpdf {

struct Enclosed {
  std::string name;    // under which it is attached
  std::string type;    // "application/pdf"
  std::string bytes;   // attached as they are
  bool pages = false;  // a PDF of ours, whose pages are also those of the whole, in the order given
};

// A PDF encrypted with AES-256 (revision 6, PDF 2.0), everything in it: the pages of the parts that have some, each
// first one with a bookmark, and every part attached byte for byte. `password` (printable ASCII, 1 to 127) opens it.
// PoDoFo does not do: its keys come from the clock. Random: never twice the same bytes. The pages lose their tags and
// signatures (the attached originals keep them). Throws Error for a part that is no PDF where one belongs.
std::string seal(const std::vector<Enclosed>& parts, const std::string& title, const std::string& password);

}  // namespace navette::qpdf
