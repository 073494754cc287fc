#include "flux/canonical.h"

#include "lib/xml/writer.h"

namespace navette::flux {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// As XML Schema collapses a token, in place.
void collapse(std::string& text) {
  std::size_t out = 0;
  bool gap = false;
  for (const char c : text) {
    if (is_space(c)) {
      gap = out > 0;
      continue;
    }
    if (gap) text[out++] = ' ';
    gap = false;
    text[out++] = c;
  }
  text.resize(out);
}

void write_element(xml::Node element, std::string& out, std::string& text) {
  const std::string_view name = element.name();
  out.append(1, '<').append(name);
  if (const xml::Node first = element.first_element()) {
    out += '>';
    for (xml::Node child = first; child; child = child.next_element()) write_element(child, out, text);
  } else {
    text.clear();
    for (xml::Node part = element.first(); part; part = part.next()) text += part.text_view();
    if (name != "commentaire") collapse(text);
    if (text.empty()) {
      out += "/>";
      return;
    }
    out += '>';
    xml::append_escaped(out, text);
  }
  out.append("</").append(name).append(1, '>');
}

}  // namespace

std::string canonical(xml::Node record) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  std::string text;
  out.reserve(2048);
  const auto start = out.size();
  write_element(record, out, text);
  // The schemas allow no attribute in a record: the namespace is all there is to declare.
  const auto name_end = start + 1 + record.name().size();
  out.insert(name_end, " xmlns=\"" + std::string(record.space()) + "\"");
  out += '\n';
  return out;
}

std::string fragment(xml::Node element) {
  return xml::Document::copy_of(element).serialise();
}

}  // namespace navette::flux
