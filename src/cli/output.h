// Standard output and standard error, for people and for programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "model/civil_time.h"

namespace navette::cli {

using Json = nlohmann::ordered_json;

// Writes all of it to standard output. When nobody reads any more (EPIPE) the rest is dropped in silence: what was
// asked for is still done, and the exit code tells it. Throws std::system_error for any other failure.
void print(std::string_view text);
void print_json(const Json& json);

// To standard error: "navette: message"; made printable line by line.
void complain(std::string_view message);
// To standard error, without the name in front: a remark.
void remark(std::string_view message);

bool stdout_is_terminal();
bool stderr_is_terminal();
// Columns of the terminal that standard output is; nothing when it is none.
std::optional<std::size_t> terminal_width();

enum class Colour { none, green, yellow, red, bold };
// `text` in a colour when standard output is a terminal and NO_COLOR is not set.
std::string coloured(std::string_view text, Colour colour);

// ---- values: "-" or null when there is none

std::string shown(const std::optional<Instant>& at);                    // Paris, 2026-11-22 06:10
std::string shown_next(const std::optional<Instant>& at, Instant now);  // what is to come: "due now" once it has
std::string shown(const std::optional<std::string>& text);
std::string shown(const std::optional<model::Day>& day);
std::string shown_or_dash(const std::string& text);
std::string shown_bytes(std::uint64_t bytes);  // "1,3 MiB" with a point
// "3 d", "2 h", "5 min": how long ago; "now" under a minute.
std::string shown_age(Instant since, Instant now);

Json json_of(const std::optional<Instant>& at);  // ISO 8601 in UTC
Json json_of(const std::optional<std::string>& text);
Json json_of(const std::optional<model::Day>& day);
Json json_or_null(const std::string& text);  // null when empty

}  // namespace navette::cli
