#include "lib/xml/writer.h"

#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace navette::xml {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::size_t buffer_size = std::size_t{16} << 10U;

// The bytes that cannot be copied as they are: markup, controls, the lead byte of U+FFFE and U+FFFF.
bool is_special(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 ? c != '\t' && c != '\n' : c == '&' || c == '<' || c == '>' || c == '"';
}

// What stands for one special byte.
std::string_view escaped(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\r':
      return "&#13;";
    default:
      return replacement;
  }
}

// U+FFFE and U+FFFF are UTF-8 but no XML.
bool is_noncharacter(std::string_view character) {
  return character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF";
}

}  // namespace

void append_escaped(std::string& out, std::string_view utf8) {
  std::size_t copied = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    if (!is_special(utf8[i])) continue;
    out.append(utf8.substr(copied, i - copied)).append(escaped(utf8[i]));
    copied = i + 1;
  }
  out.append(utf8.substr(copied));
}

void append_repaired(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t length = 1;
    while (length < 4 && length < bytes.size() && !text::is_valid_utf8(bytes.substr(0, length))) ++length;
    std::string_view character = bytes.substr(0, length);
    if (!text::is_valid_utf8(character)) {
      character = bytes.substr(0, 1);
      out += replacement;
    } else if (is_noncharacter(character)) {
      out += replacement;
    } else {
      append_escaped(out, character);
    }
    bytes.remove_prefix(character.size());
  }
}

Writer::Writer(Sink sink) : sink_(std::move(sink)), buffer_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

void Writer::open(std::string_view name, const std::vector<std::pair<std::string_view, std::string_view>>& attributes) {
  indent();
  buffer_.append(1, '<').append(name);
  for (const auto& [key, value] : attributes) {
    buffer_.append(1, ' ').append(key).append("=\"");
    append_repaired(buffer_, value);
    buffer_ += '"';
  }
  buffer_ += ">\n";
  open_.emplace_back(name);
}

void Writer::close() {
  if (open_.empty()) throw Error("XML writer: nothing is open");
  const std::string name = std::move(open_.back());
  open_.pop_back();
  indent();
  buffer_.append("</").append(name).append(">\n");
  flush(buffer_size);
}

void Writer::leaf(std::string_view name, std::string_view text) {
  indent();
  buffer_.append(1, '<').append(name).append(1, '>');
  append_repaired(buffer_, text);
  buffer_.append("</").append(name).append(">\n");
  flush(buffer_size);
}

void Writer::finish() {
  if (!open_.empty()) throw Error("XML writer: elements are still open");
  flush(0);
}

void Writer::indent() {
  buffer_.append(2 * open_.size(), ' ');
}

void Writer::flush(std::size_t beyond) {
  if (buffer_.size() <= beyond) return;
  sink_(buffer_);
  buffer_.clear();
}

}  // namespace navette::xml
