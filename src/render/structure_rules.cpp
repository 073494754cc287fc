#include "render/structure_rules.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"
#include "render/fo_error.h"

namespace navette::render {
namespace {

struct Containment {
  std::string_view role;
  std::initializer_list<std::string_view> parents;   // empty: any that takes it
  std::initializer_list<std::string_view> children;  // empty: any that may be there
};

bool allows(std::initializer_list<std::string_view> roles, std::string_view role) {
  return roles.size() == 0 || std::find(roles.begin(), roles.end(), role) != roles.end();
}

// ISO 32000-1, 14.8.4.3. Roles without a row go anywhere and hold anything.
const Containment* containment_of(std::string_view role) {
  static const Containment rules[] = {
      {"Table", {}, {"THead", "TBody", "TFoot", "TR", "Caption"}},
      {"THead", {"Table"}, {"TR"}},
      {"TBody", {"Table"}, {"TR"}},
      {"TFoot", {"Table"}, {"TR"}},
      {"TR", {"Table", "THead", "TBody", "TFoot"}, {"TH", "TD"}},
      {"TH", {"TR"}, {}},
      {"TD", {"TR"}, {}},
      {"L", {}, {"L", "LI", "Caption"}},
      {"LI", {"L"}, {"Lbl", "LBody"}},
      {"Lbl", {"LI"}, {}},
      {"LBody", {"LI"}, {}},
      {"TOC", {}, {"TOC", "TOCI", "Caption"}},
      {"TOCI", {"TOC"}, {}},
  };
  // Paragraphs, and what stands in a line (14.8.4.4), hold such things and text alone.
  static const Containment line{"", {}, {"Span", "Quote", "Code", "Reference", "BibEntry", "Figure"}};
  const bool heading = role.size() == 2 && role[0] == 'H';
  if (role == "P" || heading || (role != "Figure" && allows(line.children, role))) return &line;
  const auto* found =
      std::find_if(std::begin(rules), std::end(rules), [&](const Containment& rule) { return rule.role == role; });
  return found == std::end(rules) ? nullptr : found;
}

class Checker {
 public:
  Checker(const std::vector<Tag>& tags, const std::vector<bool>& written, const std::vector<bool>& marked)
      : tags_(tags), written_(written), marked_(marked) {}

  void run() {
    for (std::size_t i = 0; i < tags_.size(); ++i) {
      if (!written_[i]) continue;
      place(i);
      content(i);
      if (tags_[i].role == "TH" && tags_[i].scope.empty()) fail(i, "TH must stand on a table-cell, which has a scope");
      if (tags_[i].role == "TH" || tags_[i].role == "TD") columns_[row_of(i)] += tags_[i].columns_spanned;
      heading(i);
    }
    rows();
  }

 private:
  std::size_t row_of(std::size_t cell) const { return static_cast<std::size_t>(tags_[cell].parent); }

  void place(std::size_t i) const {
    if (tags_[i].parent < 0) return;
    const Tag& parent = tags_[static_cast<std::size_t>(tags_[i].parent)];
    const Containment* own = containment_of(tags_[i].role);
    const Containment* outer = containment_of(parent.role);
    if ((own != nullptr && !allows(own->parents, parent.role)) ||
        (outer != nullptr && !allows(outer->children, tags_[i].role))) {
      fail(i, fmt::format("{} has no place in {}", tags_[i].role, parent.role));
    }
  }

  // The parts of a table or list alone hold text, not the table or list.
  void content(std::size_t i) const {
    if (!marked_[i]) return;
    const Containment* own = containment_of(tags_[i].role);
    if (own != nullptr && own->children.size() > 0 && !allows(own->children, "Span")) {
      fail(i, "text has no place directly in " + tags_[i].role);
    }
  }

  // A heading is one level below the one before it at most; the first is H1.
  void heading(std::size_t i) {
    const std::string& role = tags_[i].role;
    if (role.size() != 2 || role[0] != 'H' || role[1] < '1' || role[1] > '6') return;
    const int level = role[1] - '0';
    if (level > level_ + 1) fail(i, fmt::format("{} without an H{} before it", role, level - 1));
    level_ = level;
  }

  // A cell that is an artifact is none to a reader: then it must be one in all rows.
  void rows() const {
    std::map<std::size_t, unsigned> tables;
    for (const auto& [row, columns] : columns_) {
      std::size_t table = row;
      while (tags_[table].role != "Table" && tags_[table].parent >= 0) {
        table = static_cast<std::size_t>(tags_[table].parent);
      }
      const auto [first, is_first] = tables.try_emplace(table, columns);
      if (!is_first && first->second != columns) {
        fail(row,
             fmt::format("a row of {} columns for a reader, in a table whose first has {}", columns, first->second));
      }
    }
  }

  [[noreturn]] void fail(std::size_t i, const std::string& what) const {
    while (tags_[i].origin.line == 0 && tags_[i].parent >= 0) i = static_cast<std::size_t>(tags_[i].parent);
    throw FoError(tags_[i].origin.line, tags_[i].origin.element, "role: " + what);
  }

  const std::vector<Tag>& tags_;
  const std::vector<bool>& written_;
  const std::vector<bool>& marked_;
  std::map<std::size_t, unsigned> columns_;  // of rows
  int level_ = 0;
};

}  // namespace

void check_structure(const std::vector<Tag>& tags, const std::vector<bool>& written, const std::vector<bool>& marked) {
  Checker(tags, written, marked).run();
}

}  // namespace navette::render
