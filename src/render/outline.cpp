#include "render/outline.h"

#include <fmt/format.h>

#include "render/clean_text.h"
#include "render/pdf_syntax.h"

namespace navette::render {
namespace {

using pdf::ObjectWriter;
using syntax::reference;

class OutlineWriter {
 public:
  OutlineWriter(const DisplayList& list, const std::vector<ObjectWriter::Number>& pages, ObjectWriter& writer)
      : list_(list), pages_(pages), writer_(writer) {}

  ObjectWriter::Number run() {
    const auto root = writer_.reserve();
    writer_.set(root, "<</Type/Outlines" + children(list_.outline, root) + ">>");
    return root;
  }

 private:
  // Writes the items; returns what their parent says of them. All are open: a demande has six.
  std::string children(const std::vector<OutlineItem>& items, ObjectWriter::Number parent) {
    if (items.empty()) return "";
    std::vector<ObjectWriter::Number> numbers;
    for (std::size_t i = 0; i < items.size(); ++i) numbers.push_back(writer_.reserve());
    for (std::size_t i = 0; i < items.size(); ++i) {
      const OutlineItem& item = items[i];
      std::string out = fmt::format(
          "<</Title{}/Parent {}/Dest[{}/XYZ null {} null]", syntax::text_string(clean_line(item.title)),
          reference(parent), reference(pages_[item.page]), syntax::number(list_.pages[item.page].height - item.y));
      if (i > 0) out += "/Prev " + reference(numbers[i - 1]);
      if (i + 1 < items.size()) out += "/Next " + reference(numbers[i + 1]);
      writer_.set(numbers[i], out + children(item.children, numbers[i]) + ">>");
    }
    return fmt::format("/First {}/Last {}/Count {}", reference(numbers.front()), reference(numbers.back()),
                       count(items));
  }

  static std::size_t count(const std::vector<OutlineItem>& items) {
    std::size_t n = items.size();
    for (const auto& item : items) n += count(item.children);
    return n;
  }

  const DisplayList& list_;
  const std::vector<ObjectWriter::Number>& pages_;
  ObjectWriter& writer_;
};

}  // namespace

ObjectWriter::Number write_outline(const DisplayList& list, const std::vector<ObjectWriter::Number>& pages,
                                   ObjectWriter& writer) {
  return OutlineWriter(list, pages, writer).run();
}

}  // namespace navette::render
