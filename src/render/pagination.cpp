#include "render/pagination.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "render/fo_error.h"

namespace navette::render {
namespace {

constexpr double tolerance = 0.001;

const Cursor& cell_cursor(const std::vector<Cursor>& cells, std::size_t i) {
  static const Cursor start{};
  return cells.empty() ? start : cells[i];
}

double height_at(const Entry& entry, const std::vector<Cursor>& cells) {
  return std::holds_alternative<RowEntry>(entry.what) ? row_height(entry, cells) : entry.height;
}

bool is_space(const Entry& entry) {
  return std::holds_alternative<SpaceEntry>(entry.what);
}

std::optional<Cursor> try_break(const VerticalList& list, const Cursor& begin, double available, double full);

// Cuts a row at `available`: a cursor a cell; nothing when no cell would advance, or none would go on.
std::optional<std::vector<Cursor>> cut_row(const RowEntry& row, const std::vector<Cursor>& from, double available,
                                           double full) {
  std::vector<Cursor> cut;
  bool advanced = false;
  bool goes_on = false;
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    const CellEntry& cell = row.cells[i];
    const Cursor& begin = cell_cursor(from, i);
    const double inset = cell_inset(row, i);
    const VerticalList& content = *cell.content;
    const bool done = begin.entry >= content.entries.size();
    auto end = done ? std::nullopt : try_break(content, begin, available - inset, full - inset);
    advanced = advanced || end;
    if (end) {
      cut.push_back(std::move(*end));
    } else {
      cut.push_back(begin);
    }
    goes_on = goes_on || cut.back().entry < content.entries.size();
  }
  return advanced && goes_on ? std::optional(cut) : std::nullopt;
}

// As find_break(); nothing when not even the first entry has room.
std::optional<Cursor> try_break(const VerticalList& list, const Cursor& begin, double available, double full) {
  double y = 0;
  if (const auto* header = repeated_header(list, begin)) {
    y = height_of(*header, {}, end_of(*header));
    if (y > available / 2) {
      const fo::Origin& at = list.entries[begin.entry].origin;
      throw FoError(at.line, at.element, "the table's header is too high to be repeated");
    }
  }
  const double head = y;
  std::optional<std::size_t> allowed;
  std::optional<std::size_t> avoided;
  bool any = false;
  std::size_t i = begin.entry;
  for (; i < list.entries.size(); ++i) {
    const Entry& entry = list.entries[i];
    if (any && i > begin.entry) {
      if (entry.before == Break::forced) return Cursor{i, {}};
      if (entry.before == Break::allowed) allowed = i;
      if (entry.before == Break::avoided) avoided = i;
    }
    if (is_space(entry)) {
      if (any) y += entry.height;
      continue;
    }
    const double height = i == begin.entry ? height_at(entry, begin.cells) : entry.height;
    if (y + height > available + tolerance) break;
    y += height;
    any = true;
  }
  if (i == list.entries.size()) return Cursor{i, {}};

  const Entry& over = list.entries[i];
  const auto* row = std::get_if<RowEntry>(&over.what);
  const auto cells = i == begin.entry ? begin.cells : std::vector<Cursor>{};
  const bool too_high = row != nullptr && height_at(over, cells) > full - head + tolerance;
  if (too_high && row->least > full - head + tolerance) {
    throw FoError(over.origin.line, over.origin.element, "height: no page can hold it");
  }
  if (too_high || (row != nullptr && !any)) {
    if (auto cut = cut_row(*row, cells, available - y, full)) return Cursor{i, std::move(*cut)};
  }
  if (allowed) return Cursor{*allowed, {}};
  if (avoided) return Cursor{*avoided, {}};
  if (any && i > begin.entry) return Cursor{i, {}};
  return std::nullopt;
}

}  // namespace

double row_height(const Entry& entry, const std::vector<Cursor>& cells) {
  if (cells.empty()) return entry.height;
  double height = 0;
  const auto& row = std::get<RowEntry>(entry.what);
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    const CellEntry& cell = row.cells[i];
    const double content = height_of(*cell.content, cells[i], end_of(*cell.content));
    height = std::max(height, content + cell_inset(row, i));
  }
  return height;
}

double height_of(const VerticalList& list, const Cursor& begin, const Cursor& end) {
  double height = 0;
  double space = 0;  // pending: counts only once something follows
  bool any = false;
  const auto& entries = list.entries;
  for (std::size_t i = begin.entry; i < std::min(end.entry, entries.size()); ++i) {
    if (is_space(entries[i])) {
      space = any ? entries[i].height : 0;
      continue;
    }
    height += space + (i == begin.entry ? height_at(entries[i], begin.cells) : entries[i].height);
    space = 0;
    any = true;
  }
  if (!end.cells.empty()) {  // the upper part of a row
    const auto& row = std::get<RowEntry>(entries[end.entry].what);
    double part = 0;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const CellEntry& cell = row.cells[i];
      const Cursor& from = end.entry == begin.entry ? cell_cursor(begin.cells, i) : cell_cursor({}, i);
      const double content = height_of(*cell.content, from, end.cells[i]);
      part = std::max(part, content + cell_inset(row, i));
    }
    height += space + part;
  }
  return height;
}

const VerticalList* repeated_header(const VerticalList& list, const Cursor& begin) {
  if ((begin.entry == 0 && begin.cells.empty()) || begin.entry >= list.entries.size()) return nullptr;
  const auto* row = std::get_if<RowEntry>(&list.entries[begin.entry].what);
  return row == nullptr ? nullptr : row->header.get();
}

Cursor find_break(const VerticalList& list, const Cursor& begin, double available, double full) {
  if (auto end = try_break(list, begin, available, full)) return std::move(*end);
  const fo::Origin& at = list.entries[begin.entry].origin;
  throw FoError(at.line, at.element, "content is higher than a page");
}

}  // namespace navette::render
