#include "cli/output.h"

#include <array>
#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

namespace navette::cli {
namespace {

// False when the reader is gone.
bool write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EPIPE) return false;
      throw_errno("write to standard output");
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string safe_lines(std::string_view message) {
  std::string out;
  for (const std::string& line : text::split(message, '\n')) {
    if (!out.empty()) out += '\n';
    out += text::printable(line);
  }
  return out + '\n';
}

void to_stderr(const std::string& text) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

void print(std::string_view text) {
  static bool reader_is_gone = false;
  if (!reader_is_gone) reader_is_gone = !write_whole(STDOUT_FILENO, text);
}

void print_json(const Json& json) {
  print(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void complain(std::string_view message) {
  to_stderr("navette: " + safe_lines(message));
}

void remark(std::string_view message) {
  to_stderr(safe_lines(message));
}

bool stdout_is_terminal() {
  static const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  return terminal;
}

bool stderr_is_terminal() {
  static const bool terminal = ::isatty(STDERR_FILENO) == 1;
  return terminal;
}

std::optional<std::size_t> terminal_width() {
  winsize size{};
  if (!stdout_is_terminal() || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

std::string coloured(std::string_view text, Colour colour) {
  static const bool wanted = stdout_is_terminal() && std::getenv("NO_COLOR") == nullptr;
  if (!wanted || colour == Colour::none) return std::string(text);
  constexpr std::array codes{"0", "32", "33", "31", "1"};
  return fmt::format("\x1b[{}m{}\x1b[0m", codes.at(static_cast<std::size_t>(colour)), text);
}

std::string shown(const std::optional<Instant>& at) {
  return at ? model::to_paris_text(*at) : "-";
}
std::string shown_next(const std::optional<Instant>& at, Instant now) {
  return at && *at <= now ? "due now" : shown(at);
}
std::string shown(const std::optional<std::string>& text) {
  return text ? shown_or_dash(*text) : "-";
}
std::string shown(const std::optional<model::Day>& day) {
  return day ? model::to_iso(*day) : "-";
}
std::string shown_or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string shown_bytes(std::uint64_t bytes) {
  constexpr std::array units{"KiB", "MiB", "GiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units.at(unit));
}

std::string shown_age(Instant since, Instant now) {
  using namespace std::chrono;
  const auto age = now - since;
  if (age < 1min) return "now";
  if (age < 1h) return fmt::format("{} min", duration_cast<minutes>(age).count());
  if (age < days(2)) return fmt::format("{} h", duration_cast<hours>(age).count());
  return fmt::format("{} d", duration_cast<days>(age).count());
}

Json json_of(const std::optional<Instant>& at) {
  return at ? Json(model::to_iso_utc(*at)) : Json(nullptr);
}
Json json_of(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}
Json json_of(const std::optional<model::Day>& day) {
  return day ? Json(model::to_iso(*day)) : Json(nullptr);
}
Json json_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

}  // namespace navette::cli
