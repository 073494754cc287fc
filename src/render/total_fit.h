// Where the lines of a paragraph end, chosen for the paragraph as a whole: Donald E. Knuth and Michael F. Plass,
// "Breaking Paragraphs into Lines", Software: Practice and Experience 11 (1981), 1119-1184.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace navette::render {

constexpr double rounding = 0.001;  // points: widths are sums

// What stands between two places at which a line may end: the paper's box, and the glue after it, which vanishes at a
// line's end. Points.
struct TextBox {
  double width = 0;
  double blank = 0;
};

// How lines are filled.
struct Fill {
  double width = 0;   // of a line
  double ragged = 0;  // 0: blanks stretch and shrink (justified). Else they are rigid, and a line that is shorter by
                      // this much is as bad as one whose blanks are stretched to their limit
};

// The boxes that begin a line, the first one excepted. Nothing when there is no tolerable way, or none with as few
// lines as filling them one after the other takes: a better shape is not worth a page more. No line is wider than
// `fill.width`, once its blanks are shrunk.
std::optional<std::vector<std::size_t>> total_fit(const std::vector<TextBox>& boxes, const Fill& fill);

// By how much the blanks of a justified line may be narrowed, as a share of their width.
constexpr double most_shrunk = 1.0 / 3;

}  // namespace navette::render
