#include "render/structure_tree.h"

#include <algorithm>

#include <fmt/format.h>

#include "render/clean_text.h"
#include "render/pdf_syntax.h"
#include "render/structure_rules.h"

namespace navette::render {

StructureTree::StructureTree(const std::vector<Tag>& tags) : tags_(tags), elements_(tags.size()) {}

unsigned StructureTree::mark(TagId tag, std::size_t page) {
  const auto index = static_cast<std::size_t>(tag);
  if (marked_.size() <= page) marked_.resize(page + 1);
  const auto mcid = static_cast<unsigned>(marked_[page].size());
  marked_[page].push_back(static_cast<unsigned>(index));
  link(index);
  elements_[index].kids.push_back({false, mcid, page});
  elements_[index].marked = true;
  return mcid;
}

void StructureTree::link(std::size_t tag) {
  Element& element = elements_[tag];
  element.needed = true;
  if (element.linked || tags_[tag].parent < 0) return;
  element.linked = true;
  const auto parent = static_cast<std::size_t>(tags_[tag].parent);
  elements_[parent].kids.push_back({true, static_cast<unsigned>(tag), 0});
  link(parent);
}

std::string StructureTree::dictionary(std::size_t tag, const std::vector<pdf::ObjectWriter::Number>& objects,
                                      const std::vector<pdf::ObjectWriter::Number>& pages,
                                      pdf::ObjectWriter::Number root, pdf::ObjectWriter::Number last) const {
  const Tag& what = tags_[tag];
  const Element& element = elements_[tag];
  const auto parent = what.parent < 0 ? root : objects[static_cast<std::size_t>(what.parent)];
  std::string out = fmt::format("<</S{}/P {}", syntax::name(what.role), syntax::reference(parent));
  const auto own = std::find_if(element.kids.begin(), element.kids.end(), [](const Kid& k) { return !k.is_element; });
  const std::size_t page = own == element.kids.end() ? 0 : own->page;
  if (own != element.kids.end()) out += "/Pg " + syntax::reference(pages[page]);
  if (!what.language.empty()) out += "/Lang" + syntax::text_string(what.language);
  if (what.role == "TH" || what.columns_spanned > 1) {
    out += "/A<</O/Table";
    if (!what.scope.empty()) out += "/Scope" + syntax::name(what.scope);
    if (what.columns_spanned > 1) out += fmt::format("/ColSpan {}", what.columns_spanned);
    out += ">>";
  }
  if (!what.alternative.empty()) out += "/Alt" + syntax::text_string(clean_line(what.alternative));
  if (element.box) {
    const auto& [left, bottom, right, top] = *element.box;
    out += fmt::format("/A<</O/Layout/BBox[{} {} {} {}]>>", syntax::number(left), syntax::number(bottom),
                       syntax::number(right), syntax::number(top));
  }
  if (!what.list_numbering.empty()) out += "/A<</O/List/ListNumbering" + syntax::name(what.list_numbering) + ">>";
  if (!element.kids.empty() || last != 0) {
    out += "/K[";
    for (const Kid& kid : element.kids) {
      if (kid.is_element) {
        out += syntax::reference(objects[kid.index]);
      } else if (kid.page == page) {
        out += std::to_string(kid.index);
      } else {
        out += fmt::format("<</Type/MCR/Pg {}/MCID {}>>", syntax::reference(pages[kid.page]), kid.index);
      }
      out += ' ';
    }
    if (last != 0) out += syntax::reference(last);
    out += ']';
  }
  return out + ">>";
}

pdf::ObjectWriter::Number StructureTree::write(pdf::ObjectWriter& writer,
                                               const std::vector<pdf::ObjectWriter::Number>& pages,
                                               pdf::ObjectWriter::Number field) {
  link(0);
  for (std::size_t tag = 0; tag < tags_.size(); ++tag) {
    if (tags_[tag].keep_when_empty) link(tag);
  }
  std::vector<bool> written;
  std::vector<bool> marked;
  for (const Element& element : elements_) {
    written.push_back(element.needed);
    marked.push_back(element.marked);
  }
  check_structure(tags_, written, marked);
  // Tags were made in the order of reading; an element met late (an empty cell) takes its place among its siblings.
  for (Element& element : elements_) {
    if (element.marked) continue;
    std::sort(element.kids.begin(), element.kids.end(), [](const Kid& a, const Kid& b) { return a.index < b.index; });
  }
  const auto root = writer.reserve();
  std::vector<pdf::ObjectWriter::Number> objects(tags_.size(), 0);
  for (std::size_t tag = 0; tag < tags_.size(); ++tag) {
    if (elements_[tag].needed) objects[tag] = writer.reserve();
  }
  const auto form =
      field == 0
          ? field
          : writer.add(fmt::format("<</S/Form/P {}/Pg {}/K<</Type/OBJR/Obj {}>>>>", syntax::reference(objects[0]),
                                   syntax::reference(pages[0]), syntax::reference(field)));
  for (std::size_t tag = 0; tag < tags_.size(); ++tag) {
    if (objects[tag] != 0) writer.set(objects[tag], dictionary(tag, objects, pages, root, tag == 0 ? form : 0));
  }
  std::string parents = "<</Nums[";
  for (std::size_t page = 0; page < pages.size(); ++page) {
    parents += fmt::format("{}[", page);
    if (page < marked_.size()) {
      for (const unsigned tag : marked_[page]) parents += syntax::reference(objects[tag]) + " ";
    }
    parents += ']';
  }
  if (form != 0) parents += fmt::format("{} {}", pages.size(), syntax::reference(form));
  const auto tree = writer.add(parents + "]>>");
  writer.set(root,
             fmt::format("<</Type/StructTreeRoot/K {}/ParentTree {}/ParentTreeNextKey {}>>",
                         syntax::reference(objects[0]), syntax::reference(tree), pages.size() + (form != 0 ? 1 : 0)));
  return root;
}

}  // namespace navette::render
