#include "config/values.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>
#include <system_error>

#include "base/text.h"

namespace navette::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

std::optional<std::uint64_t> parse_quantity(std::string_view word, std::span<const Unit> units, std::uint64_t most) {
  std::uint64_t number = 0;
  const char* end = word.data() + word.size();
  const auto [rest, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  const auto* const unit = std::find_if(units.data(), units.data() + units.size(),  // clang-tidy 14: no ranges
                                        [&](const Unit& u) { return u.name == name; });
  if (unit == units.data() + units.size() || number > most / unit->factor) return std::nullopt;
  return number * unit->factor;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view word) {
  static constexpr Unit units[] = {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}};
  constexpr std::uint64_t most = 1'000'000'000'000;  // ms: thirty years, far from any overflow
  const auto ms = parse_quantity(word, units, most);
  if (!ms) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(*ms));
}

std::optional<std::uint64_t> parse_size(std::string_view word) {
  static constexpr Unit units[] = {{"B", 1}, {"KiB", 1U << 10U}, {"MiB", 1U << 20U}, {"GiB", 1U << 30U}};
  return parse_quantity(word, units, std::numeric_limits<std::int64_t>::max());
}

std::optional<unsigned> parse_number(std::string_view word) {
  static constexpr Unit units[] = {{"", 1}};
  const auto number = parse_quantity(word, units, std::numeric_limits<unsigned>::max());
  if (!number) return std::nullopt;
  return static_cast<unsigned>(*number);
}

std::optional<bool> parse_yes_no(std::string_view word) {
  if (word == "yes") return true;
  if (word == "no") return false;
  return std::nullopt;
}

std::vector<std::string> parse_list(std::string_view words) {
  std::vector<std::string> list;
  for (const std::string& word : text::split(words, ',')) {
    if (const auto trimmed = text::trim(word); !trimmed.empty()) list.emplace_back(trimmed);
  }
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

}  // namespace navette::config
