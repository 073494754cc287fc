// What the readers of records share: values of elements that the schema has already accepted.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/xml/document.h"
#include "model/civil_time.h"
#include "model/refusal.h"

namespace navette::flux {

// What is wrong with a record although its schema accepts it, and with which element.
struct Problem {
  model::Code code;
  xml::Node at;
};

// The text with blanks collapsed, as XML Schema reads a token or a date.
std::string token(xml::Node node);
std::string child_token(xml::Node node, std::string_view child);
// A date that the schema accepted. Throws Error for any other.
model::Day day(xml::Node node);
std::optional<model::Day> optional_day(xml::Node parent, std::string_view child);
// HH:MM to 24:00, in minutes after midnight.
int minutes(xml::Node node);

template <typename Visit>
void each_child(xml::Node parent, std::string_view name, Visit visit) {
  for (xml::Node child = parent.first_element(); child; child = child.next_element()) {
    if (child.name() == name) visit(child);
  }
}

}  // namespace navette::flux
