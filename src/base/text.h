// Small text helpers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace navette::text {

// `bytes` made fit for a log line, a table or an XML text: valid UTF-8 without control characters is kept, every other
// byte becomes \xHH. For names of files that came from outside.
std::string printable(std::string_view bytes);

// At most `limit` bytes of `utf8`, cut between characters.
std::string_view truncated(std::string_view utf8, std::size_t limit);

bool is_valid_utf8(std::string_view bytes);

std::string_view trim(std::string_view s);
std::vector<std::string> split(std::string_view s, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

// "0 remises", "1 remise", "2 remises"; `many` where an s does not make it: "entry", "entries".
std::string counted(std::uint64_t n, std::string_view one, std::string_view many = {});

// A to Z alone: names of hosts and files, whatever the locale.
std::string lower(std::string_view ascii);

// Lower-case hexadecimal.
std::string hex(std::string_view bytes);

}  // namespace navette::text
