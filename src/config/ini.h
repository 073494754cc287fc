// An INI file as sections and entries with their lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace navette::config {

// What is wrong, and where (line 1-based; 0: the file as a whole).
struct Problem {
  int line = 0;
  std::string message;
};
using Problems = std::vector<Problem>;

struct Section {
  std::string name;
  int line = 0;
};

struct Entry {
  std::string section;
  std::string key;
  std::string value;  // trimmed
  int line = 0;
};

struct Ini {
  std::vector<Section> sections;
  std::vector<Entry> entries;
};

// Reads what can be read of `text`; what cannot is added to `problems`, as is an entry or a section that comes twice.
Ini parse_ini(std::string_view text, Problems& problems);

}  // namespace navette::config
