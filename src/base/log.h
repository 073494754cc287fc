// One line an event, key=value, to standard error, with the priority prefix that the journal reads (sd-daemon(3)).
// Persons and families never appear: callers log ids, counts and codes only (R9).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace navette::log {

enum class Level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

// A key and its value; values are quoted when they hold blanks, quotes or '='; control characters are escaped.
struct Field {
  template <typename T>
  Field(std::string_view k, const T& v) : key(k), value(fmt::format("{}", v)) {}
  std::string key;
  std::string value;
};
using Fields = std::vector<Field>;

// Lines below this level are dropped. Set once, at start.
void set_level(Level level);
// "error", "warning", "notice", "info" or "debug"; throws Error for another word.
Level parse_level(std::string_view word);

void write(Level level, std::string_view event, const Fields& fields);

inline void error(std::string_view event, const Fields& fields = {}) {
  write(Level::error, event, fields);
}
inline void warning(std::string_view event, const Fields& fields = {}) {
  write(Level::warning, event, fields);
}
inline void notice(std::string_view event, const Fields& fields = {}) {
  write(Level::notice, event, fields);
}
inline void info(std::string_view event, const Fields& fields = {}) {
  write(Level::info, event, fields);
}
inline void debug(std::string_view event, const Fields& fields = {}) {
  write(Level::debug, event, fields);
}

// The line without prefix and end of line; for tests.
std::string format_line(std::string_view event, const Fields& fields);

}  // namespace navette::log
