#include "render/signature.h"

#include <fmt/format.h>

#include "base/error.h"
#include "render/metadata.h"
#include "render/pdf_syntax.h"

namespace navette::render {
namespace {

// What it stands for is written over it, and blanks over the rest.
constexpr std::string_view range_to_come = "[0 0000000000 0000000000 0000000000]";
constexpr std::string_view before_range = "/ByteRange";
constexpr std::string_view before_contents = "/Contents<";
constexpr std::string_view spoken = "Signature électronique du document";

}  // namespace

// Not shown, hence without appearance (ISO 19005-3, 6.3.3); printed and not hidden all the same (6.3.2), locked; TU and
// the Form element for screen readers (ISO 14289-1, 7.18).
void write_signature_field(pdf::ObjectWriter& writer, pdf::ObjectWriter::Number field,
                           const std::vector<pdf::ObjectWriter::Number>& pages, const fo::Metadata& metadata,
                           const Signing& signing) {
  constexpr int print_and_locked = 4 + 128;
  const auto value = writer.add_in_clear(fmt::format(
      "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M{}{}{}{}{}>>>", pdf_date(metadata.created),
      before_range, range_to_come, before_contents, std::string(2 * signing.largest, '0')));
  writer.set(field, fmt::format("<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature)/TU{}/Rect[0 0 0 0]/F {}/P "
                                "{}/StructParent {}/V {}>>",
                                syntax::text_string(spoken), print_and_locked, syntax::reference(pages.front()),
                                pages.size(), syntax::reference(value)));
}

void sign(std::string& file, const Signing& signing) {
  // From the end: behind the signature there is the cross-reference alone.
  const std::size_t contents = file.rfind(before_contents);
  const std::size_t range = file.rfind(before_range, contents);
  if (contents == std::string::npos || range == std::string::npos)
    throw Error("the PDF has no place for its signature");
  const std::size_t begin = contents + before_contents.size() - 1;
  const std::size_t end = begin + 1 + 2 * signing.largest + 1;
  const std::string covered = fmt::format("[0 {} {} {}]", begin, end, file.size() - end);
  if (covered.size() > range_to_come.size()) throw Error("the PDF is too large to be signed");
  file.replace(range + before_range.size(), range_to_come.size(), fmt::format("{:<{}}", covered, range_to_come.size()));

  const std::string_view all = file;
  const std::string signature = signing.sign(all.substr(0, begin), all.substr(end));
  if (signature.size() > signing.largest) throw Error("the signature is larger than was said");
  std::string hex;
  hex.reserve(2 * signature.size());
  for (const char c : signature) fmt::format_to(std::back_inserter(hex), "{:02X}", static_cast<unsigned char>(c));
  file.replace(begin + 1, hex.size(), hex);
}

}  // namespace navette::render
