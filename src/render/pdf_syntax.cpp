#include "render/pdf_syntax.h"

#include <cmath>
#include <cstdint>

#include "lib/pdf/unicode.h"

namespace navette::render::syntax {
namespace {

constexpr char digits[] = "0123456789ABCDEF";

}  // namespace

void append_number(std::string& out, double value) {
  auto thousandths = static_cast<std::int64_t>(std::llround(value * 1000));
  if (thousandths < 0) {
    out += '-';
    thousandths = -thousandths;
  }
  out += std::to_string(thousandths / 1000);
  auto rest = static_cast<unsigned>(thousandths % 1000);
  if (rest == 0) return;
  out += '.';
  for (unsigned unit = 100; rest != 0; unit /= 10) {
    out += digits[rest / unit];
    rest %= unit;
  }
}

std::string number(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

void append_hex16(std::string& out, unsigned value) {
  for (unsigned shift = 16; shift > 0;) {
    shift -= 4;
    out += digits[(value >> shift) & 0xFU];
  }
}

void append_literal16(std::string& out, unsigned value) {
  for (const unsigned shift : {8U, 0U}) {
    const char c = static_cast<char>((value >> shift) & 0xFFU);
    if (c == '\r') {  // a reader would take it for a line feed
      out += "\\r";
      continue;
    }
    if (c == '(' || c == ')' || c == '\\') out += '\\';
    out += c;
  }
}

void append_utf16_hex(std::string& out, std::u16string_view text) {
  for (const char16_t unit : text) append_hex16(out, unit);
}

std::string text_string(std::u16string_view text) {
  std::string out = "<FEFF";
  append_utf16_hex(out, text);
  return out += '>';
}

std::string text_string(std::string_view utf8) {
  return text_string(unicode::utf16(utf8));
}

std::string name(std::string_view text) {
  std::string out = "/";
  for (const char c : text) {
    const bool plain =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (plain) {
      out += c;
      continue;
    }
    out += '#';
    out += digits[static_cast<unsigned char>(c) >> 4U];
    out += digits[static_cast<unsigned char>(c) & 0xFU];
  }
  return out;
}

std::string reference(unsigned object) {
  return std::to_string(object) + " 0 R";
}

std::string xml_text(std::string_view utf8) {
  std::string out;
  for (const char c : utf8) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace navette::render::syntax
