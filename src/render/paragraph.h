// Text of one block to lines: bidi, shaping, line breaks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "render/display_list.h"
#include "render/fo_tree.h"
#include "render/shaper.h"

namespace navette::render {

// A stretch of clean text of one style and one tag; or an image, whose text is one U+FFFC.
struct Run {
  std::u16string text;
  const fo::TextStyle* style = nullptr;  // outlives the paragraph
  TagId tag = layout_artifact;
  const fo::Graphic* graphic = nullptr;  // outlives the paragraph
};

// Points, from the left edge of the line.
struct Fragment {
  double x = 0;
  double size = 0;
  fo::Colour colour;
  TagId tag = layout_artifact;
  std::shared_ptr<const ShapedWord> word;
  unsigned cluster_begin = 0, cluster_end = 0;
  const fo::Graphic* graphic = nullptr;  // drawn instead of the word
};

struct Line {
  double height = 0;
  double baseline = 0;              // from the top of the line
  std::vector<Fragment> fragments;  // in the order of reading
  bool blank = false;               // nothing is seen on it
};

struct Lines {
  std::vector<Line> lines;
  unsigned substituted = 0;
};

// No line is wider than `width`, unless a single grapheme is. U+000A ends a line. `style` is the block's: it sets the
// alignment and the least height of a line.
Lines break_paragraph(const std::vector<Run>& runs, const fo::TextStyle& style, double width, Shaper& shaper);

}  // namespace navette::render
