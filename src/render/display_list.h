// What Layout hands to an emitter: pages of positioned items, and the tree of tags that gives them meaning and order.
// No type of a PDF library here.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "render/fo_tree.h"
#include "render/shaper.h"

namespace navette::render {

// Index into DisplayList::tags; or one of these, for what a reader passes over.
using TagId = int;
constexpr TagId layout_artifact = -1;  // borders, backgrounds, repeated table headers
constexpr TagId pagination_header = -2;
constexpr TagId pagination_footer = -3;

// Points from the page's top left corner, y down; text is placed on its baseline.
struct TextItem {
  double x = 0, y = 0;
  double size = 0;
  fo::Colour colour;
  TagId tag = layout_artifact;
  std::shared_ptr<const ShapedWord> word;
  unsigned cluster_begin = 0, cluster_end = 0;  // the part of `word` that is drawn
};

// A filled rectangle: always an artifact.
struct RectItem {
  double x = 0, y = 0, width = 0, height = 0;
  fo::Colour colour;
  TagId tag = layout_artifact;
};

struct ImageItem {
  double x = 0, y = 0, width = 0, height = 0;
  std::shared_ptr<const pdf::Image> image;
  TagId tag = layout_artifact;
};

using DisplayItem = std::variant<RectItem, TextItem, ImageItem>;

// Where a block with an id begins.
struct Anchor {
  std::string id;
  double y = 0;
};

struct Page {
  double width = 0, height = 0;
  std::vector<DisplayItem> items;  // in the order of reading and of painting
  std::vector<Anchor> anchors;
};

struct Tag {
  std::string role;                // PDF structure type: P, H1, Table, TR ...
  TagId parent = layout_artifact;  // the document when negative
  std::string language;            // empty: as the parent
  std::string scope;               // of a TH: Column or Row
  std::string alternative;         // of a Figure
  std::string list_numbering;      // of an L: Decimal, Disc ...; empty: none
  unsigned columns_spanned = 1;
  bool keep_when_empty = false;  // a cell without text is still a cell
  fo::Origin origin;
};

struct OutlineItem {
  std::string title;
  std::size_t page = 0;
  double y = 0;  // from the page's top
  std::vector<OutlineItem> children;
};

struct DisplayList {
  std::vector<Tag> tags;  // a parent comes before its children
  std::vector<Page> pages;
  std::vector<OutlineItem> outline;
  unsigned substituted_glyphs = 0;
};

}  // namespace navette::render
