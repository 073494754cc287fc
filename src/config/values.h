// The words of the configuration file: durations, sizes, lists.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace navette::config {

// A whole number and its unit: 500ms, 5s, 10min, 1h. No blank, no sign; nothing when it is not one.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view word);

// Bytes: 512B, 64KiB, 1MiB, 2GiB.
std::optional<std::uint64_t> parse_size(std::string_view word);

std::optional<unsigned> parse_number(std::string_view word);

// "yes" or "no".
std::optional<bool> parse_yes_no(std::string_view word);

// Words between commas, trimmed, sorted, without repetition; empty ones are left out.
std::vector<std::string> parse_list(std::string_view words);

}  // namespace navette::config
