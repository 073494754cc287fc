// A list of rows as a table or as JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/table.h"

namespace navette::cli {

template <typename Row>
struct Column {
  const char* header;
  std::function<std::string(const Row&)> cell;
  Align align = Align::left;
};

template <typename Row>
std::string table_of(const std::vector<Row>& rows, const std::vector<Column<Row>>& columns) {
  Table table;
  for (const auto& c : columns) table.add_column(c.header, c.align);
  for (const Row& row : rows) {
    std::vector<std::string> cells;
    cells.reserve(columns.size());
    for (const auto& c : columns) cells.push_back(c.cell(row));
    table.add_row(cells);
  }
  return table.text(terminal_width());
}

template <typename Row, typename ToJson>
Json json_array(const std::vector<Row>& rows, ToJson to_json) {
  Json out = Json::array();
  for (const Row& row : rows) out.push_back(to_json(row));
  return out;
}

// text::counted of a column: rows have signed numbers.
inline std::string counted(std::int64_t n, std::string_view one, std::string_view many = {}) {
  return text::counted(static_cast<std::uint64_t>(n), one, many);
}

// One row more than the limit is asked for, so that a list says when it is cut.
inline std::int64_t probe_limit(const Invocation& call) {
  const std::int64_t limit = call.limit();
  return limit < 0 ? limit : limit + 1;
}

template <typename Row, typename ToJson>
void show_list(const Invocation& call, std::vector<Row> rows, const std::vector<Column<Row>>& columns, ToJson to_json) {
  const std::int64_t limit = call.limit();
  const bool cut = limit >= 0 && static_cast<std::int64_t>(rows.size()) > limit;
  if (cut) rows.resize(static_cast<std::size_t>(limit));
  if (call.json()) {
    print_json(json_array(rows, to_json));
  } else {
    print(table_of(rows, columns));
    if (rows.empty() && stdout_is_terminal()) print("(none)\n");
  }
  if (cut) remark(fmt::format("navette: there are more than these {}; --all shows every one", limit));
}

}  // namespace navette::cli
