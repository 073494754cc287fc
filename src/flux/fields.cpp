#include "flux/fields.h"

#include "base/error.h"

namespace navette::flux {

std::string token(xml::Node node) {
  std::string out;
  bool gap = false;
  for (const char c : node.text()) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      gap = !out.empty();
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

std::string child_token(xml::Node node, std::string_view child) {
  return token(node.child(child));
}

model::Day day(xml::Node node) {
  const auto value = model::parse_day(token(node));
  if (!value) throw Error("a date that the schema accepts is not one: " + node.path());
  return *value;
}

std::optional<model::Day> optional_day(xml::Node parent, std::string_view child) {
  const xml::Node node = parent.child(child);
  return node ? std::optional(day(node)) : std::nullopt;
}

int minutes(xml::Node node) {
  const std::string text = token(node);
  const auto digit = [&](std::size_t at) { return text.at(at) - '0'; };
  return (digit(0) * 10 + digit(1)) * 60 + digit(3) * 10 + digit(4);
}

}  // namespace navette::flux
