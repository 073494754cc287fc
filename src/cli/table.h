// Tables and lists of facts, aligned by what a terminal shows.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace navette::cli {

// Columns of a terminal that valid UTF-8 takes: combining marks none, wide characters two.
std::size_t display_width(std::string_view utf8);
// At most `width` columns; what is cut ends in "…".
std::string fitted(std::string_view utf8, std::size_t width);

enum class Align { left, right };

class Table {
 public:
  void add_column(std::string header, Align align = Align::left);
  // One cell a column; made printable; an empty one is shown as "-".
  void add_row(const std::vector<std::string>& cells);
  bool empty() const { return rows_.empty(); }

  // Two blanks between columns, none at the end of a line, no tab. With `width` the table is made to fit: the widest
  // columns of text are cut, then columns are left out from the right, which a "…" after the headers tells. The first
  // column, by which a row is named, numbers and dates are never cut: a line is longer than `width` rather.
  std::string text(std::optional<std::size_t> width) const;

 private:
  bool may_be_cut(std::size_t column) const;
  std::vector<std::size_t> widths(std::optional<std::size_t> width) const;

  std::vector<std::string> headers_;
  std::vector<Align> aligns_;
  std::vector<std::vector<std::string>> rows_;
};

// "name:   value" lines, values aligned; made printable. Facts without a value are left out.
std::string facts(const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace navette::cli
