#include "cli/table.h"

#include <algorithm>
#include <clocale>
#include <cwchar>
#include <numeric>

#include <fmt/format.h>

#include "base/text.h"

namespace navette::cli {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t least_width = 8;  // a column is not cut below

// wcwidth asks the thread's locale: ours whatever the environment says, and only while we look.
class Utf8Locale {
 public:
  Utf8Locale() : former_(::uselocale(ours())) {}
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() { ::uselocale(former_); }

 private:
  static locale_t ours() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;
  }
  locale_t former_;
};

// Bytes and columns of the character that `s` begins with.
std::pair<std::size_t, std::size_t> character(std::string_view s) {
  wchar_t c = 0;
  std::mbstate_t state{};
  const std::size_t bytes = std::mbrtowc(&c, s.data(), s.size(), &state);
  if (bytes == 0 || bytes > s.size()) return {1, 1};
  const int columns = ::wcwidth(c);
  return {bytes, columns < 0 ? 1 : static_cast<std::size_t>(columns)};
}

std::string padded(const std::string& text, std::size_t width, Align align) {
  const std::size_t have = display_width(text);
  const std::string blanks(width > have ? width - have : 0, ' ');
  return align == Align::left ? text + blanks : blanks + text;
}

// As shown() writes days and instants.
bool begins_with_date(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-dd";
  return text.size() >= form.size() && std::equal(form.begin(), form.end(), text.begin(), [](char f, char c) {
           return f == 'd' ? c >= '0' && c <= '9' : c == f;
         });
}

}  // namespace

std::size_t display_width(std::string_view utf8) {
  const Utf8Locale locale;
  std::size_t width = 0;
  while (!utf8.empty()) {
    const auto [bytes, columns] = character(utf8);
    width += columns;
    utf8.remove_prefix(bytes);
  }
  return width;
}

std::string fitted(std::string_view utf8, std::size_t width) {
  if (display_width(utf8) <= width) return std::string(utf8);
  if (width == 0) return {};
  const Utf8Locale locale;
  std::size_t taken = 0;
  std::size_t columns_taken = 0;
  while (taken < utf8.size()) {
    const auto [bytes, columns] = character(utf8.substr(taken));
    if (columns_taken + columns > width - 1) break;
    taken += bytes;
    columns_taken += columns;
  }
  return std::string(utf8.substr(0, taken)) + "…";
}

void Table::add_column(std::string header, Align align) {
  headers_.push_back(std::move(header));
  aligns_.push_back(align);
}

void Table::add_row(const std::vector<std::string>& cells) {
  std::vector<std::string> row;
  row.reserve(headers_.size());
  for (const std::string& cell : cells) row.push_back(cell.empty() ? "-" : text::printable(cell));
  row.resize(headers_.size(), "-");
  rows_.push_back(std::move(row));
}

bool Table::may_be_cut(std::size_t column) const {
  if (column == 0 || aligns_[column] == Align::right) return false;
  return std::none_of(rows_.begin(), rows_.end(), [&](const auto& row) { return begins_with_date(row[column]); });
}

// Of the columns that are shown.
std::vector<std::size_t> Table::widths(std::optional<std::size_t> width) const {
  std::vector<std::size_t> natural;
  for (std::size_t k = 0; k < headers_.size(); ++k) {
    std::size_t widest = display_width(headers_[k]);
    for (const auto& row : rows_) widest = std::max(widest, display_width(row[k]));
    natural.push_back(widest);
  }
  if (!width) return natural;
  std::vector<std::size_t> out;
  for (std::size_t shown = natural.size(); shown > 0; --shown) {
    out.assign(natural.begin(), natural.begin() + static_cast<std::ptrdiff_t>(shown));
    const std::size_t room = shown < natural.size() ? *width - std::min(*width, gap + 1) : *width;  // for the "…"
    const auto total = [&] { return std::accumulate(out.begin(), out.end(), gap * (out.size() - 1)); };
    while (total() > room) {
      std::size_t widest = 0;
      for (std::size_t k = 1; k < shown; ++k) {
        if (out[k] > least_width && may_be_cut(k) && (widest == 0 || out[k] >= out[widest])) widest = k;
      }
      if (widest == 0) break;
      --out[widest];
    }
    if (total() <= room) break;
  }
  return out;
}

std::string Table::text(std::optional<std::size_t> width) const {
  const auto columns = widths(width);
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out;
    for (std::size_t k = 0; k < columns.size(); ++k) {
      if (k > 0) out += std::string(gap, ' ');
      out += padded(fitted(cells[k], columns[k]), columns[k], aligns_[k]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
  };
  std::string out = line(headers_) + (columns.size() < headers_.size() ? std::string(gap, ' ') + "…" : "") + '\n';
  for (const auto& row : rows_) out += line(row) + '\n';
  return out;
}

std::string facts(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::size_t widest = 0;
  for (const auto& [name, value] : pairs) {
    if (!value.empty()) widest = std::max(widest, display_width(name));
  }
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (value.empty()) continue;
    out += padded(name + ":", widest + 1, Align::left) + "  " + text::printable(value) + "\n";
  }
  return out;
}

}  // namespace navette::cli
