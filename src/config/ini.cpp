#include "config/ini.h"

#include <algorithm>
#include <map>
#include <sstream>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <fmt/format.h>

#include "base/text.h"

namespace navette::config {
namespace {

constexpr std::string_view key_letters = "abcdefghijklmnopqrstuvwxyz_";
constexpr std::string_view section_letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

bool is_made_of(std::string_view s, std::string_view letters) {
  return !s.empty() && s.find_first_not_of(letters) == std::string_view::npos;
}

bool is_section(std::string_view s) {
  return s.size() > 2 && s.front() == '[' && s.back() == ']' &&
         is_made_of(s.substr(1, s.size() - 2), section_letters) && s[s.size() - 2] != '.';
}

bool is_entry(std::string_view s) {
  const auto equals = s.find('=');
  return equals != std::string_view::npos && is_made_of(text::trim(s.substr(0, equals)), key_letters);
}

// Why Boost.Program_options cannot be given this line, or would misread it; empty when it can. It stops at the first
// fault, knows no lines, and cuts a value at any '#'.
std::string fault_of(std::string_view line, std::string_view content, bool in_section) {
  if (!text::is_valid_utf8(line)) return "not UTF-8; save the file as UTF-8";
  const auto is_control = [](char c) { return (c >= 0 && c < ' ' && c != '\t' && c != '\r') || c == '\x7f'; };
  if (std::any_of(line.begin(), line.end(), is_control)) return "control character; remove it";
  if (content.empty() || is_section(content)) return {};
  if (!is_entry(content)) return "neither [section] nor key = value; correct it, or begin the line with '#'";
  if (!in_section) return "key before the first [section]; move it below its section";
  const auto hash = line.find('#');
  if (hash != std::string_view::npos && line[hash - 1] != ' ' && line[hash - 1] != '\t') {
    return "'#' begins a comment and cannot be part of a value; put a blank before the comment, or choose another "
           "value";
  }
  return {};
}

// Sections, faults and the lines of the entries. `clean` is the same text without what is at fault.
struct Outline {
  std::vector<Section> sections;
  std::vector<int> entry_lines;
  std::string clean;
};

Outline outline(std::string_view text, Problems& problems) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  Outline out;
  int number = 0;
  bool lost = false;  // below a section that cannot be read: its entries would be blamed on the one before
  for (const std::string& line : text::split(text, '\n')) {
    ++number;
    const std::string content(text::trim(std::string_view(line).substr(0, line.find('#'))));
    if (std::string fault = fault_of(line, content, !out.sections.empty()); !fault.empty()) {
      problems.push_back({number, std::move(fault)});
      if (content.starts_with('[')) lost = true;
    } else if (is_section(content)) {
      out.sections.push_back({content.substr(1, content.size() - 2), number});
      out.clean += content + '\n';
      lost = false;
    } else if (!content.empty() && !lost) {
      out.entry_lines.push_back(number);
      out.clean += content + '\n';
    }
  }
  return out;
}

// Leaves the first of each name; `line_of` remembers where it stands.
void note_repetition(std::map<std::string, int>& line_of, const std::string& name, int line, Problems& problems) {
  const auto [first, is_new] = line_of.emplace(name, line);
  if (!is_new) {
    problems.push_back({line, fmt::format("{} stands already in line {}; keep one of them", name, first->second)});
  }
}

}  // namespace

Ini parse_ini(std::string_view text, Problems& problems) {
  Outline lines = outline(text, problems);
  std::istringstream stream(lines.clean);
  const auto parsed =
      boost::program_options::parse_config_file(stream, boost::program_options::options_description(), true);

  Ini ini;
  std::map<std::string, int> line_of_entry;
  for (std::size_t i = 0; i < parsed.options.size(); ++i) {
    const auto& option = parsed.options[i];
    const auto dot = option.string_key.rfind('.');
    Entry entry{option.string_key.substr(0, dot), option.string_key.substr(dot + 1),
                option.value.empty() ? std::string() : option.value.front(), lines.entry_lines.at(i)};
    note_repetition(line_of_entry, fmt::format("{} in [{}]", entry.key, entry.section), entry.line, problems);
    ini.entries.push_back(std::move(entry));
  }
  std::map<std::string, int> line_of_section;
  for (const Section& section : lines.sections) {
    note_repetition(line_of_section, fmt::format("[{}]", section.name), section.line, problems);
  }
  ini.sections = std::move(lines.sections);
  return ini;
}

}  // namespace navette::config
