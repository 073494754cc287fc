// Any bytes through the two lowest layers. ByteFilter: the pieces in which bytes come change nothing, and what passes
// is UTF-8. RecordParser under narrow limits: what a handler sees keeps to them.
#include <string>

#include "base/text.h"
#include "fuzz/fuzz.h"
#include "lib/xml/byte_filter.h"
#include "lib/xml/record_parser.h"

using namespace navette;
using fuzz::require;

namespace {

struct Filtered {
  std::string text;
  xml::ByteFault fault = xml::ByteFault::none;
  xml::Place place;
};

constexpr std::size_t first_piece = 1024;

Filtered filter(std::string_view bytes, std::size_t piece) {
  xml::ByteFilter filter;
  Filtered out;
  if (filter.begin(bytes.substr(0, first_piece)) == xml::ByteFault::none) {
    for (std::size_t at = 0; at < bytes.size() && filter.fault() == xml::ByteFault::none;) {
      const std::size_t length = at == 0 ? first_piece : piece;
      out.text += filter.filter(bytes.substr(at, length));
      at += length;
    }
    if (filter.fault() == xml::ByteFault::none) filter.finish();
  }
  out.fault = filter.fault();
  out.place = filter.place();
  return out;
}

void check_filter(std::string_view bytes) {
  const Filtered whole = filter(bytes, bytes.size());
  require(text::is_valid_utf8(whole.text), "what passes is UTF-8");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}}) {
    const Filtered pieces = filter(bytes, piece);
    require(pieces.text == whole.text && pieces.fault == whole.fault, "pieces give what the whole gives");
    require(pieces.place.line == whole.place.line && pieces.place.column == whole.place.column,
            "and the same place of a fault");
  }
}

constexpr xml::ParseLimits narrow{
    .depth = 6, .text = 200, .record = 4000, .elements = 60, .attributes = 4, .pending = 3000};

class Walker final : public xml::RecordHandler {
 public:
  bool root(xml::Node root, xml::ParseLimits& /*limits*/) override {
    require(root.is_element() && !root.first(), "a root comes without children");
    return true;
  }
  bool begins(xml::Node child) override {
    child.set_rank(++rank_);
    return true;
  }
  bool ends(xml::Record child) override {
    std::size_t elements = 0;
    walk(child.node(), 2, elements);
    // With the one that was too many.
    require(elements <= narrow.elements + 1, "a record's elements are bounded");
    require(child.fault() || child.bytes() <= narrow.record + narrow.pending, "a record is bounded");
    xml::Document::parse(xml::Document::copy_of(child.node()).serialise());
    return true;
  }
  bool stray_text(xml::Node /*root*/) override { return true; }

 private:
  static void walk(xml::Node element, std::size_t depth, std::size_t& elements) {
    ++elements;
    require(depth <= narrow.depth, "depth is bounded");
    require(!element.path().empty() && element.line() > 0, "an element has a place");
    std::size_t attributes = 0;
    element.each_attribute([&](std::string_view, std::string_view, const std::string&) { ++attributes; });
    require(attributes <= narrow.attributes, "attributes are bounded");
    for (xml::Node child = element.first(); child; child = child.next()) {
      if (child.is_element()) {
        walk(child, depth + 1, elements);
      } else if (child.is_text()) {
        require(child.text_view().size() <= narrow.text, "a text is bounded");
      }
    }
  }
  std::uint64_t rank_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::view(data, size);
  check_filter(bytes);
  const UniqueFd fd = fuzz::file_of(bytes);
  Walker walker;
  const xml::ParseResult result = xml::RecordParser(walker, narrow).read(fd.get());
  require(result.line >= 0 && result.column >= 0, "a place is none or from 1");
  try {  // the other way in: a small document at once
    xml::Document::parse(xml::Document::parse(bytes).serialise());
  } catch (const xml::ParseError&) {  // said in words of ours
  }
  return 0;
}
