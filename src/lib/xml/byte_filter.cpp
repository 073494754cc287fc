#include "lib/xml/byte_filter.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>

namespace navette::xml {
namespace {

constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";

unsigned byte_at(std::string_view s, std::size_t i) {
  return static_cast<unsigned char>(s[i]);
}

bool is_continuation(unsigned byte) {
  return (byte & 0xC0U) == 0x80;
}

// Length of the sequence that `lead` begins; 0 when it begins none.
std::size_t sequence_length(unsigned lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

// The bounds of the second byte exclude overlong forms, surrogates and what lies beyond Unicode (table 3-7).
bool is_second(unsigned lead, unsigned second) {
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return second >= low && second <= high;
}

enum class Sequence { whole, cut, bad };

Sequence sequence_at(std::string_view s, std::size_t i, std::size_t length) {
  for (std::size_t k = 1; k < length; ++k) {
    if (i + k >= s.size()) return Sequence::cut;
    const unsigned byte = byte_at(s, i + k);
    if (k == 1 ? !is_second(byte_at(s, i), byte) : !is_continuation(byte)) return Sequence::bad;
  }
  return Sequence::whole;
}

bool is_forbidden_control(unsigned byte) {
  return byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r';
}

// Eight bytes that are all plain ASCII from U+0020 on, or tab, line feed, carriage return mistaken for a control: the
// caller looks closer when this is false.
bool all_plain(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  constexpr std::uint64_t high = 0x8080808080808080;
  constexpr std::uint64_t space = 0x2020202020202020;
  return ((word | (word - space)) & high) == 0;
}

// The value of encoding="…" in the XML declaration, in upper case; empty when there is none.
std::string declared_encoding(std::string_view bytes) {
  if (!bytes.starts_with("<?xml")) return {};
  const std::string_view declaration = bytes.substr(0, bytes.find("?>"));
  auto at = declaration.find("encoding");
  if (at == std::string_view::npos) return {};
  at = declaration.find_first_of("'\"", at);
  if (at == std::string_view::npos) return {};
  const auto end = declaration.find(declaration[at], at + 1);
  if (end == std::string_view::npos) return {};
  std::string name(declaration.substr(at + 1, end - at - 1));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
  return name;
}

// UTF-16 and UTF-32, with a mark or recognised by the zero bytes around "<"; EBCDIC.
bool is_wide(std::string_view first) {
  using namespace std::string_view_literals;
  for (const auto start : {"\xFE\xFF"sv, "\xFF\xFE"sv, "\0<"sv, "<\0"sv, "\0\0"sv, "\x4C\x6F\xA7\x94"sv}) {
    if (first.starts_with(start)) return true;
  }
  return false;
}

}  // namespace

ByteFault ByteFilter::begin(std::string_view first) {
  const bool marked = first.starts_with(utf8_mark);
  const std::string_view text = marked ? first.substr(utf8_mark.size()) : first;
  const std::string encoding = declared_encoding(text);
  latin1_ = encoding == "ISO-8859-1";
  const bool known = encoding.empty() || encoding == "UTF-8" || latin1_;
  const auto start = text.find_first_not_of(" \t\r\n");
  if (is_wide(first) || !known || (latin1_ && marked)) {
    fault_ = ByteFault::encoding;
  } else if (start != std::string_view::npos && text[start] != '<') {
    fault_ = ByteFault::not_xml;
  }
  return fault_;
}

std::string_view ByteFilter::filter(std::string_view chunk) {
  if (fault_ != ByteFault::none) return {};
  const std::string_view accepted = latin1_ ? filter_latin1(chunk) : filter_utf8(chunk);
  advance(accepted);
  return accepted;
}

ByteFault ByteFilter::finish() {
  if (fault_ == ByteFault::none && !carried_.empty()) fault_ = ByteFault::encoding;
  return fault_;
}

std::string_view ByteFilter::filter_utf8(std::string_view chunk) {
  std::string_view bytes = chunk;
  if (!carried_.empty()) {
    converted_ = carried_;
    converted_ += chunk;
    carried_.clear();
    bytes = converted_;
  }
  const std::size_t good = good_prefix(bytes);
  if (fault_ == ByteFault::none) carried_ = bytes.substr(good);
  return bytes.substr(0, good);
}

std::size_t ByteFilter::good_prefix(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    if (i + 8 <= bytes.size() && all_plain(bytes.data() + i)) {
      i += 8;
      continue;
    }
    const unsigned lead = byte_at(bytes, i);
    if (is_forbidden_control(lead)) {
      fault_ = ByteFault::not_xml;
      return i;
    }
    const std::size_t length = sequence_length(lead);
    const Sequence sequence = length == 0 ? Sequence::bad : sequence_at(bytes, i, length);
    if (sequence == Sequence::bad) fault_ = ByteFault::encoding;
    if (sequence != Sequence::whole) return i;
    i += length;
  }
  return i;
}

std::string_view ByteFilter::filter_latin1(std::string_view chunk) {
  converted_.clear();
  converted_.reserve(chunk.size() * 2);
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    const unsigned byte = byte_at(chunk, i);
    if (is_forbidden_control(byte)) {
      fault_ = ByteFault::not_xml;
      break;
    }
    // No text holds these controls: the bytes are Windows-1252 under another name (€ ’ œ …), and would be damaged.
    if (byte >= 0x80 && byte < 0xA0) {
      fault_ = ByteFault::encoding;
      break;
    }
    if (byte < 0x80) {
      converted_ += chunk[i];
    } else {
      converted_ += static_cast<char>(0xC0U | (byte >> 6U));
      converted_ += static_cast<char>(0x80U | (byte & 0x3FU));
    }
  }
  return converted_;
}

void ByteFilter::advance(std::string_view accepted) {
  line_ += std::count(accepted.begin(), accepted.end(), '\n');
  const auto newline = accepted.rfind('\n');
  if (newline != std::string_view::npos) {
    column_ = 0;
    accepted.remove_prefix(newline + 1);
  }
  column_ += std::count_if(accepted.begin(), accepted.end(),
                           [](char c) { return !is_continuation(static_cast<unsigned char>(c)); });
}

}  // namespace navette::xml
