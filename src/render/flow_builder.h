// FO blocks, lists and tables → vertical list and tags.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "render/vertical_list.h"

namespace navette::render {

// What page numbers show; static content is laid out once the pages are counted.
struct PageNumbers {
  unsigned page = 0;  // 0: not known, page numbers are an error
  unsigned total = 0;
};

class FlowBuilder {
 public:
  // Tags are added to `out.tags`, under `root`; when `root` is negative all is that artifact.
  FlowBuilder(DisplayList& out, Shaper& shaper, TagId root, PageNumbers numbers = {})
      : out_(out), shaper_(shaper), tag_(root), numbers_(numbers) {}

  // `content` must outlive the list. Throws Error with the FO line.
  VerticalList build(const std::vector<fo::Content>& content, const fo::TextStyle& text, double width);

 private:
  struct Place {  // the column being filled
    double x = 0, width = 0;
  };
  TagId open_tag(const std::string& role, const std::string& otherwise, const std::string& language,
                 fo::Origin origin = {});
  void add_content(const std::vector<fo::Content>& content, const fo::TextStyle& text, Place place, fo::Origin origin);
  void add_paragraph(const fo::Content* begin, const fo::Content* end, const fo::TextStyle& text, Place place,
                     fo::Origin origin);
  // A box with its spaces, breaks, keeps and tag; `fill` adds what is inside.
  template <typename Fill>
  void add_boxed(const fo::BoxStyle& box, const fo::TextStyle& text, const std::string& otherwise, Place place,
                 fo::Origin origin, Fill fill);
  using Spans = std::map<const fo::Span*, TagId>;  // of a paragraph
  TagId open_span(const fo::Span& span, Spans& opened);
  void add_graphic(const fo::Inline& part, Place place, Run& run);
  void add_block(const fo::Block& block, Place place);
  void add_list(const fo::List& list, Place place);
  void add_list_item(const fo::List& list, const fo::ListItem& item, Place place);
  double add_label(const fo::ListItem& item, Place place);
  void add_table(const fo::Table& table, Place place);
  void add_groups(const fo::Table& table, Place place);
  void add_row(const fo::Row& row, const std::vector<double>& columns, double x, bool header,
               const std::shared_ptr<const VerticalList>& repeated);
  CellEntry build_cell(const fo::Cell& cell, double x, double width, bool header);
  void add_rows(const std::vector<fo::Row>& rows, const std::vector<double>& columns, double x, bool header,
                const std::shared_ptr<const VerticalList>& repeated);
  void before_box(const fo::BoxStyle& box);
  void after_box(const fo::BoxStyle& box, std::size_t first);
  void add_space(double height);
  void anchor(const std::string& id, std::size_t first);
  Entry& push(Entry entry);

  DisplayList& out_;
  Shaper& shaper_;
  VerticalList list_;
  TagId tag_;  // under which content comes
  PageNumbers numbers_;
  std::string language_;
  std::ptrdiff_t box_ = -1;
  Break next_break_ = Break::allowed;  // of the next line or row
};

}  // namespace navette::render
