// Pieces of PDF syntax.
#pragma once

#include <string>
#include <string_view>

namespace navette::render::syntax {

// At most three decimals, no trailing zero, no exponent: the same on every machine.
void append_number(std::string& out, double value);
std::string number(double value);

// A text string (ISO 32000-1, 7.9.2.2) in hexadecimal UTF-16BE, with its byte order mark.
std::string text_string(std::u16string_view text);
std::string text_string(std::string_view utf8);
// UTF-16BE in hexadecimal, without mark or brackets.
void append_utf16_hex(std::string& out, std::u16string_view text);
void append_hex16(std::string& out, unsigned value);
// Two bytes of a literal string (ISO 32000-1, 7.3.4.2), without its brackets: half of what hexadecimal takes.
void append_literal16(std::string& out, unsigned value);

// A name with its "/": what is not a letter, a digit, "-" or "." is written #xx.
std::string name(std::string_view text);
std::string reference(unsigned object);  // "12 0 R"

// Text for an XML document.
std::string xml_text(std::string_view utf8);

}  // namespace navette::render::syntax
