#include "render/fo_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "base/text.h"

namespace navette::render::fo {
namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (auto& part : text::split(text, ' ')) {
    if (!part.empty()) out.push_back(std::move(part));
  }
  return out;
}

std::optional<unsigned> hex_digits(std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  constexpr double largest = 1e6;  // beyond, nothing is meant, and PDF cannot say it
  if (error != std::errc() || end != text.data() + text.size() || !(std::abs(value) <= largest)) return std::nullopt;
  return value;
}

std::optional<unsigned> parse_count(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > 999) return std::nullopt;
  return value;
}

std::optional<double> parse_length(std::string_view text, double font_size) {
  if (text == "0") return 0;
  if (text.size() < 3) return std::nullopt;
  const auto number = parse_number(text.substr(0, text.size() - 2));
  const auto unit = text.substr(text.size() - 2);
  if (!number || *number < 0) return std::nullopt;  // what is drawn beside its place could be off the page
  if (unit == "pt") return *number;
  if (unit == "mm") return *number * 72 / 25.4;
  if (unit == "cm") return *number * 72 / 2.54;
  if (unit == "in") return *number * 72;
  if (unit == "em") return *number * font_size;
  return std::nullopt;
}

std::optional<Colour> parse_colour(std::string_view text) {
  if (text == "black") return Colour{};
  if (text == "white") return Colour{255, 255, 255};
  if (text == "gray") return Colour{128, 128, 128};
  if (text.size() != 4 && text.size() != 7) return std::nullopt;
  const auto value = text[0] == '#' ? hex_digits(text.substr(1)) : std::nullopt;
  if (!value) return std::nullopt;
  const unsigned v = *value;
  if (text.size() == 7) {
    return Colour{static_cast<std::uint8_t>(v >> 16U), static_cast<std::uint8_t>((v >> 8U) & 0xFFU),
                  static_cast<std::uint8_t>(v & 0xFFU)};
  }
  return Colour{static_cast<std::uint8_t>((v >> 8U) * 17), static_cast<std::uint8_t>(((v >> 4U) & 0xFU) * 17),
                static_cast<std::uint8_t>((v & 0xFU) * 17)};
}

std::optional<Border> parse_border(std::string_view text, double font_size) {
  if (text == "none") return Border{};
  Border border{0.5, {}};
  bool solid = false;
  for (const auto& word : words(text)) {
    if (word == "solid") {
      solid = true;
    } else if (const auto width = parse_length(word, font_size)) {
      border.width = *width;
    } else if (const auto colour = parse_colour(word)) {
      border.colour = *colour;
    } else {
      return std::nullopt;
    }
  }
  return solid ? std::optional(border) : std::nullopt;
}

std::optional<LineHeight> parse_line_height(std::string_view text, double font_size) {
  const auto positive = [](double value, LineHeight height) {
    return value > 0 ? std::optional(height) : std::nullopt;
  };
  if (const auto factor = parse_number(text)) return positive(*factor, {*factor, 0});
  if (!text.empty() && text.back() == '%') {
    const auto percent = parse_number(text.substr(0, text.size() - 1));
    return percent ? positive(*percent, {0, *percent / 100 * font_size}) : std::nullopt;
  }
  const auto length = parse_length(text, font_size);
  return length ? positive(*length, {0, *length}) : std::nullopt;
}

std::optional<Edges> parse_edges(std::string_view text, double font_size) {
  std::vector<double> values;
  for (const auto& word : words(text)) {
    const auto length = parse_length(word, font_size);
    if (!length) return std::nullopt;
    values.push_back(*length);
  }
  switch (values.size()) {
    case 1:
      return Edges{values[0], values[0], values[0], values[0]};
    case 2:
      return Edges{values[0], values[1], values[0], values[1]};
    case 3:
      return Edges{values[0], values[1], values[2], values[1]};
    case 4:
      return Edges{values[0], values[1], values[2], values[3]};
    default:
      return std::nullopt;
  }
}

std::optional<std::string_view> parse_role(std::string_view text) {
  static constexpr std::string_view roles[] = {
      "artifact", "Part",      "Art",  "Sect",  "Div",       "BlockQuote", "Caption", "TOC",   "TOCI",
      "Index",    "NonStruct", "P",    "H1",    "H2",        "H3",         "H4",      "H5",    "H6",
      "L",        "LI",        "Lbl",  "LBody", "Table",     "THead",      "TBody",   "TFoot", "TR",
      "TH",       "TD",        "Span", "Quote", "Reference", "BibEntry",   "Code"};
  const auto* found = std::find(std::begin(roles), std::end(roles), text);
  return found == std::end(roles) ? std::nullopt : std::optional(*found);
}

}  // namespace navette::render::fo
