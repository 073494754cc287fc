#include "base/log.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <mutex>

#include <fmt/chrono.h>
#include <poll.h>
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

std::string stamped(Level level, std::string_view event, const Fields& fields) {
  // The journal stamps its lines itself and wants the priority in front; a terminal or a file wants the time instead.
  static const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  static const bool terminal = ::isatty(STDERR_FILENO) == 1;
  std::string line;
  if (!terminal) line += fmt::format("<{}>", static_cast<int>(level));
  if (!journal) line += fmt::format("ts={:%Y-%m-%dT%H:%M:%SZ} ", fmt::gmtime(std::time(nullptr)));
  return line + format_line(event, fields) + '\n';
}

// Standard error. Whoever reads it may have stopped reading without closing it: that must hold up neither the work nor
// the stop. Once it took nothing for a while, lines are dropped and counted until it takes some again.
class Output {
 public:
  void put(const std::string& line) {
    const std::lock_guard lock(mutex_);  // one line after the other, of whatever thread
    if (dropped_ > 0 && send(stamped(Level::warning, "log.dropped", {{"lines", dropped_}}), 0)) dropped_ = 0;
    if (dropped_ > 0 || !send(line, patience_ms)) ++dropped_;
  }

 private:
  static constexpr int patience_ms = 2000;

  // False when there is no room within `wait_ms`. Nothing can be done about another failure.
  static bool send(std::string_view text, int wait_ms) {
    while (!text.empty()) {
      pollfd out{STDERR_FILENO, POLLOUT, 0};
      if (::poll(&out, 1, wait_ms) == 0) return false;
      // So much a pipe takes without waiting when it is ready at all.
      const ssize_t n = ::write(STDERR_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
      if (n < 0 && errno != EINTR) return true;
      if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  std::mutex mutex_;
  std::uint64_t dropped_ = 0;
};

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
  static Output output;
  output.put(stamped(level, event, fields));
}

}  // namespace navette::log
