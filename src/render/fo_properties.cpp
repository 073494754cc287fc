#include "render/fo_properties.h"

#include <algorithm>
#include <optional>
#include <regex>
#include <unordered_map>

#include <fmt/format.h>

#include "render/fo_error.h"
#include "render/fo_values.h"

namespace navette::render::fo {
namespace {

constexpr std::string_view xml_space = "http://www.w3.org/XML/1998/namespace";

// A setter says whether the value was understood.
using TextSetter = bool (*)(TextStyle&, std::string_view);
using BoxSetter = bool (*)(BoxStyle&, std::string_view, double font_size);

struct BoxProperty {
  BoxProperties group;
  BoxSetter set;
};

template <typename T, typename V>
bool assign(T& field, const std::optional<V>& value) {
  if (value) field = static_cast<T>(*value);
  return value.has_value();
}

bool one_of(std::string_view value, std::initializer_list<std::string_view> accepted) {
  return std::find(accepted.begin(), accepted.end(), value) != accepted.end();
}

std::optional<bool> switch_value(std::string_view value, std::string_view off, std::string_view on) {
  if (value == off) return false;
  if (value == on) return true;
  return std::nullopt;
}

std::optional<bool> keep_value(std::string_view value) {
  return switch_value(value, "auto", "always");
}

bool set_align(TextStyle& t, std::string_view v) {
  if (v == "start" || v == "left") return t.align = Align::start, true;
  if (v == "center") return t.align = Align::center, true;
  if (v == "end" || v == "right") return t.align = Align::end, true;
  if (v == "justify") return t.align = Align::justify, true;
  return false;
}

bool set_font_size(TextStyle& t, std::string_view v) {
  const auto size = parse_length(v, t.font_size);
  return size && *size >= 1 && *size <= 200 && assign(t.font_size, size);
}

const std::unordered_map<std::string_view, TextSetter>& text_setters() {
  static const std::unordered_map<std::string_view, TextSetter> table{
      {"font-family", [](TextStyle&, std::string_view v) { return v == "sans-serif"; }},  // fonts are configuration
      {"font-size", set_font_size},
      {"font-weight",
       [](TextStyle& t, std::string_view v) { return assign(t.bold, switch_value(v, "normal", "bold")); }},
      {"font-style",
       [](TextStyle& t, std::string_view v) { return assign(t.italic, switch_value(v, "normal", "italic")); }},
      {"color", [](TextStyle& t, std::string_view v) { return assign(t.colour, parse_colour(v)); }},
      {"line-height",
       [](TextStyle& t, std::string_view v) { return assign(t.line_height, parse_line_height(v, t.font_size)); }},
      {"text-align", set_align},
      {"orphans", [](TextStyle& t, std::string_view v) { return assign(t.orphans, parse_count(v)); }},
      {"widows", [](TextStyle& t, std::string_view v) { return assign(t.widows, parse_count(v)); }},
      {"linefeed-treatment",
       [](TextStyle& t, std::string_view v) {
         return assign(t.keep_linefeeds, switch_value(v, "treat-as-space", "preserve"));
       }},
      {"white-space-collapse",
       [](TextStyle& t, std::string_view v) { return assign(t.keep_blanks, switch_value(v, "true", "false")); }},
      {"white-space-treatment",  // goes with the former, as read_properties() sees to
       [](TextStyle&, std::string_view v) {
         return one_of(v, {"preserve", "ignore-if-surrounding-linefeed"});
       }},
  };
  return table;
}

const std::unordered_map<std::string_view, BoxProperty>& box_properties() {
  static const std::unordered_map<std::string_view, BoxProperty> table{
      {"space-before",
       {box_spaces,
        [](BoxStyle& b, std::string_view v, double s) { return assign(b.space_before, parse_length(v, s)); }}},
      {"space-after",
       {box_spaces,
        [](BoxStyle& b, std::string_view v, double s) { return assign(b.space_after, parse_length(v, s)); }}},
      {"margin",
       {box_margin, [](BoxStyle& b, std::string_view v, double s) { return assign(b.margin, parse_edges(v, s)); }}},
      {"margin-left",
       {box_margin,
        [](BoxStyle& b, std::string_view v, double s) { return assign(b.margin.left, parse_length(v, s)); }}},
      {"margin-right",
       {box_margin,
        [](BoxStyle& b, std::string_view v, double s) { return assign(b.margin.right, parse_length(v, s)); }}},
      {"padding",
       {box_padding, [](BoxStyle& b, std::string_view v, double s) { return assign(b.padding, parse_edges(v, s)); }}},
      {"padding-top",
       {box_padding,
        [](BoxStyle& b, std::string_view v, double s) { return assign(b.padding.top, parse_length(v, s)); }}},
      {"padding-right",
       {box_padding,
        [](BoxStyle& b, std::string_view v, double s) { return assign(b.padding.right, parse_length(v, s)); }}},
      {"padding-bottom",
       {box_padding,
        [](BoxStyle& b, std::string_view v, double s) { return assign(b.padding.bottom, parse_length(v, s)); }}},
      {"padding-left",
       {box_padding,
        [](BoxStyle& b, std::string_view v, double s) { return assign(b.padding.left, parse_length(v, s)); }}},
      {"border",
       {box_frame,
        [](BoxStyle& b, std::string_view v, double s) {
          const auto border = parse_border(v, s);
          if (border) b.border = {*border, *border, *border, *border};
          return border.has_value();
        }}},
      {"border-top",
       {box_frame, [](BoxStyle& b, std::string_view v, double s) { return assign(b.border.top, parse_border(v, s)); }}},
      {"border-right",
       {box_frame,
        [](BoxStyle& b, std::string_view v, double s) { return assign(b.border.right, parse_border(v, s)); }}},
      {"border-bottom",
       {box_frame,
        [](BoxStyle& b, std::string_view v, double s) { return assign(b.border.bottom, parse_border(v, s)); }}},
      {"border-left",
       {box_frame,
        [](BoxStyle& b, std::string_view v, double s) { return assign(b.border.left, parse_border(v, s)); }}},
      {"background-color",
       {box_frame, [](BoxStyle& b, std::string_view v,
                      double) { return v == "transparent" || assign(b.background, parse_colour(v)); }}},
      {"keep-together.within-page",
       {box_keeps, [](BoxStyle& b, std::string_view v, double) { return assign(b.keep_together, keep_value(v)); }}},
      {"keep-with-next.within-page",
       {box_keeps, [](BoxStyle& b, std::string_view v, double) { return assign(b.keep_with_next, keep_value(v)); }}},
      {"keep-with-previous.within-page",
       {box_keeps,
        [](BoxStyle& b, std::string_view v, double) { return assign(b.keep_with_previous, keep_value(v)); }}},
      {"break-before",
       {box_breaks, [](BoxStyle& b, std::string_view v,
                       double) { return assign(b.break_before, switch_value(v, "auto", "page")); }}},
      {"break-after",
       {box_breaks, [](BoxStyle& b, std::string_view v,
                       double) { return assign(b.break_after, switch_value(v, "auto", "page")); }}},
      {"role", {box_role, [](BoxStyle& b, std::string_view v, double) { return assign(b.role, parse_role(v)); }}},
  };
  return table;
}

bool set_known(TextStyle& text, BoxStyle* box, std::string_view name, std::string_view value) {
  if (const auto found = text_setters().find(name); found != text_setters().end()) return found->second(text, value);
  return box_properties().at(name).set(*box, value, text.font_size);
}

}  // namespace

void fail(const xml::Node& element, const std::string& what) {
  throw FoError(element.line(), element.name(), what);
}

void unknown(const xml::Node& element) {
  fail(element, "element is not supported here (docs/pdf.md lists those that are)");
}

bool is_xml_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

namespace {

// As PDF wants them (RFC 3066).
bool is_language_tag(const std::string& value) {
  static const std::regex tag("[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,8}");
  return std::regex_match(value, tag);
}

}  // namespace

void read_properties(const xml::Node& element, TextStyle& text, BoxReading box,
                     std::initializer_list<std::string_view> own) {
  const auto of_text = [&](std::string_view name) {
    const bool of_paragraph = one_of(name, {"text-align", "orphans", "widows"});
    return (box.properties & not_text) == 0 && !(of_paragraph && (box.properties & in_line) != 0) &&
           (name == "xml:lang" || text_setters().count(name) > 0);
  };
  const auto refuse = [&](std::string_view name) {
    fail(element, fmt::format("property {} is not supported here (docs/pdf.md lists those that are)", name));
  };
  // First, because every em and every line-height of this element counts in it.
  if (const auto size = element.attribute("font-size"); size && !set_font_size(text, *size)) {
    fail(element, "font-size: value not understood");
  }
  const auto read = [&](std::string_view name, std::string_view space, const std::string& value) {
    if (space == xml_space && name == "lang") {
      if (!of_text("xml:lang")) refuse("xml:lang");
      if (!is_language_tag(value)) fail(element, "xml:lang: no language tag, as fr-FR is one");
      text.language = value;
      return;
    }
    if (space == fox_space && name == "alt-text" && one_of("fox:alt-text", own)) return;
    if (!space.empty()) fail(element, fmt::format("attribute {} of another namespace is not supported", name));
    if (one_of(name, own) || (name == "font-size" && of_text(name))) return;
    const auto property = box_properties().find(name);
    const bool of_box =
        box.box != nullptr && property != box_properties().end() && (property->second.group & box.properties) != 0;
    if (!of_box && !of_text(name)) refuse(name);
    if (!set_known(text, box.box, name, value)) fail(element, fmt::format("{}: value not understood", name));
  };
  // margin-left says more than margin, whatever stands first (XSL 1.1, 5.2).
  for (const bool shorthands : {true, false}) {
    element.each_attribute([&](std::string_view name, std::string_view space, const std::string& value) {
      if (one_of(name, {"border", "margin", "padding"}) == shorthands) read(name, space, value);
    });
  }
  // Blanks are kept or collapsed as a whole.
  const auto treatment = element.attribute("white-space-treatment");
  if (treatment && (*treatment == "preserve") != text.keep_blanks)
    fail(element, "white-space-treatment: preserve goes with white-space-collapse=\"false\", no other value does");
}

void no_properties(const xml::Node& element, std::initializer_list<std::string_view> own) {
  TextStyle none;
  read_properties(element, none, {nullptr, not_text}, own);
}

void no_children(const xml::Node& element) {
  each_fo_child(element, [](const xml::Node& child) { unknown(child); });
}

double length_of(const xml::Node& element, const char* name, double otherwise, double font_size) {
  const auto value = element.attribute(name);
  if (!value) return otherwise;
  const auto length = parse_length(*value, font_size);
  if (!length || *length < 0) fail(element, fmt::format("{}: not a length", name));
  return *length;
}

}  // namespace navette::render::fo
