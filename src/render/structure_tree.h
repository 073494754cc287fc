// Tags → StructTreeRoot: which marked content of which page belongs to which element, in the order of reading.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "lib/pdf/object_writer.h"
#include "render/display_list.h"

namespace navette::render {

class StructureTree {
 public:
  explicit StructureTree(const std::vector<Tag>& tags);

  const std::string& role(TagId tag) const { return tags_[static_cast<std::size_t>(tag)].role; }
  // Marked content begins on `page` for `tag`; returns its identifier (MCID) there.
  unsigned mark(TagId tag, std::size_t page);

  // Where a figure is on its page: left, bottom, right, top.
  void set_box(TagId tag, std::array<double, 4> box) { elements_[static_cast<std::size_t>(tag)].box = box; }

  // `pages` are the page objects; `field`, unless 0, is a form field of the first one, read after everything else: its
  // StructParent is the number of pages. Returns the StructTreeRoot. Throws Error: check_structure().
  pdf::ObjectWriter::Number write(pdf::ObjectWriter& writer, const std::vector<pdf::ObjectWriter::Number>& pages,
                                  pdf::ObjectWriter::Number field);

 private:
  struct Kid {
    bool is_element = false;
    unsigned index = 0;    // of the tag; or the MCID
    std::size_t page = 0;  // of the MCID
  };
  struct Element {
    std::vector<Kid> kids;
    bool marked = false;  // has marked content of its own: children are then in the order they were met
    bool linked = false;  // its parent knows it
    bool needed = false;
    std::optional<std::array<double, 4>> box;
  };
  void link(std::size_t tag);
  std::string dictionary(std::size_t tag, const std::vector<pdf::ObjectWriter::Number>& objects,
                         const std::vector<pdf::ObjectWriter::Number>& pages, pdf::ObjectWriter::Number root,
                         pdf::ObjectWriter::Number last) const;

  const std::vector<Tag>& tags_;
  std::vector<Element> elements_;
  std::vector<std::vector<unsigned>> marked_;  // by page, by MCID: the tag
};

}  // namespace navette::render
