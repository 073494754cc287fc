#include "base/log.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>

#include <fmt/chrono.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

namespace navette::log {
namespace {

std::atomic<Level> threshold{Level::info};

std::string quoted(const std::string& raw) {
  // Ours first: a backslash that printable() adds stays apart from one that was there.
  std::string escaped;
  for (const char c : raw) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  std::string value = text::printable(escaped);
  if (!value.empty() && value.find_first_of(" \"=\\") == std::string::npos) return value;
  return '"' + value + '"';
}

}  // namespace

void set_level(Level level) {
  threshold = level;
}

Level parse_level(std::string_view word) {
  if (word == "error") return Level::error;
  if (word == "warning") return Level::warning;
  if (word == "notice") return Level::notice;
  if (word == "info") return Level::info;
  if (word == "debug") return Level::debug;
  throw Error("unknown log level; use error, warning, notice, info or debug");
}

std::string format_line(std::string_view event, const Fields& fields) {
  std::string line = fmt::format("event={}", event);
  for (const Field& f : fields) line += fmt::format(" {}={}", f.key, quoted(f.value));
  return line;
}

void write(Level level, std::string_view event, const Fields& fields) {
  if (level > threshold.load()) return;
  // The journal stamps its lines itself and wants the priority in front; a terminal or a file wants the time instead.
  static const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  static const bool terminal = ::isatty(STDERR_FILENO) == 1;
  std::string line;
  if (!terminal) line += fmt::format("<{}>", static_cast<int>(level));
  if (!journal) line += fmt::format("ts={:%Y-%m-%dT%H:%M:%SZ} ", fmt::gmtime(std::time(nullptr)));
  line += format_line(event, fields) + '\n';
  // One write a line: lines of several threads do not mix. Nothing can be done about a failure.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace navette::log
