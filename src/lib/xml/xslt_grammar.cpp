#include "lib/xml/xslt_grammar.h"

#include <map>
#include <optional>
#include <regex>
#include <sstream>
#include <string_view>

namespace navette::xml {
namespace {

constexpr const char* xslt = "http://www.w3.org/1999/XSL/Transform";

using Names = std::set<std::string_view>;

struct Element {
  Names attributes;
  std::optional<Names> children = std::nullopt;  // elements of xsl: that it may hold, no other and no text; or any
};

// Each element of XSLT 1.0.
const std::map<std::string_view, Element>& elements() {
  static const Names nothing;
  static const std::map<std::string_view, Element> known{
      {"apply-imports", {{}, nothing}},
      {"apply-templates", {{"select", "mode"}, Names{"sort", "with-param"}}},
      {"attribute", {{"name", "namespace"}}},
      {"attribute-set", {{"name", "use-attribute-sets"}, Names{"attribute"}}},
      {"call-template", {{"name"}, Names{"with-param"}}},
      {"choose", {{}, Names{"when", "otherwise"}}},
      {"comment", {{}}},
      {"copy", {{"use-attribute-sets"}}},
      {"copy-of", {{"select"}, nothing}},
      {"decimal-format",
       {{"name", "decimal-separator", "grouping-separator", "infinity", "minus-sign", "NaN", "percent", "per-mille",
         "zero-digit", "digit", "pattern-separator"},
        nothing}},
      {"element", {{"name", "namespace", "use-attribute-sets"}}},
      {"fallback", {{}}},
      {"for-each", {{"select"}}},
      {"if", {{"test"}}},
      {"import", {{"href"}, nothing}},
      {"include", {{"href"}, nothing}},
      {"key", {{"name", "match", "use"}, nothing}},
      {"message", {{"terminate"}}},
      {"namespace-alias", {{"stylesheet-prefix", "result-prefix"}, nothing}},
      {"number",
       {{"level", "count", "from", "value", "format", "lang", "letter-value", "grouping-separator", "grouping-size"},
        nothing}},
      {"otherwise", {{}}},
      {"output",
       {{"method", "version", "encoding", "omit-xml-declaration", "standalone", "doctype-public", "doctype-system",
         "cdata-section-elements", "indent", "media-type"},
        nothing}},
      {"param", {{"name", "select"}}},
      {"preserve-space", {{"elements"}, nothing}},
      {"processing-instruction", {{"name"}}},
      {"sort", {{"select", "lang", "data-type", "order", "case-order"}, nothing}},
      {"strip-space", {{"elements"}, nothing}},
      {"stylesheet", {{"id", "extension-element-prefixes", "exclude-result-prefixes", "version"}}},
      {"template", {{"match", "name", "priority", "mode"}}},
      {"text", {{"disable-output-escaping"}}},
      {"transform", {{"id", "extension-element-prefixes", "exclude-result-prefixes", "version"}}},
      {"value-of", {{"select", "disable-output-escaping"}, nothing}},
      {"variable", {{"name", "select"}}},
      {"when", {{"test"}}},
      {"with-param", {{"name", "select"}}},
  };
  return known;
}

// The attributes of xsl: that an element of another language may have.
const Names& attributes_elsewhere() {
  static const Names known{"use-attribute-sets", "version", "extension-element-prefixes", "exclude-result-prefixes"};
  return known;
}

const Names names_what_it_makes{"attribute", "element", "processing-instruction"};

[[noreturn]] void refuse(const Node& element, const std::string& file, const std::string& what) {
  throw Error(file + ":" + std::to_string(element.line()) + ": " + what);
}

// libxslt passes over what has no place there, and text.
void require_children(const Node& top, const Names& allowed, const std::string& name, const std::string& file) {
  for (Node child = top.first(); child; child = child.next()) {
    const bool blank = !child.is_text() || child.text().find_first_not_of(" \t\r\n") == std::string::npos;
    if (!blank) refuse(top, file, name + " holds no text");
    if (child.is_element() && (child.space() != xslt || !allowed.contains(child.name())))
      refuse(child, file, name + " holds no " + (child.space() == xslt ? "xsl:" : "") + std::string(child.name()));
  }
}

}  // namespace

void add_declared(Node root, Declared& declared) {
  for (Node child = root.first_element(); child; child = child.next_element()) {
    if (child.space() != xslt) continue;
    if (child.name() == "attribute-set") declared.attribute_sets.insert(child.attribute("name").value_or(""));
    if (child.name() == "key") declared.keys.insert(child.attribute("name").value_or(""));
  }
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the file
void require_xslt(Node top, const std::string& file, const Declared& declared) {
  const bool ours = top.space() == xslt;
  const std::string name = (ours ? "xsl:" : "") + std::string(top.name());
  const auto element = elements().find(top.name());
  if (ours && element == elements().end()) refuse(top, file, "there is no " + name);
  const Names& attributes = ours ? element->second.attributes : attributes_elsewhere();
  top.each_attribute([&](std::string_view attribute, std::string_view space, const std::string& value) {
    if ((ours && space.empty() && !attributes.contains(attribute)) ||
        (!ours && space == xslt && !attributes.contains(attribute)))
      refuse(top, file, name + " has no attribute " + (ours ? "" : "xsl:") + std::string(attribute));
    // A name is told in errors, which may stand in a log: none may come from a demande (R9).
    if (ours && names_what_it_makes.contains(top.name()) && value.find('{') != std::string::npos)
      refuse(top, file, name + ": " + std::string(attribute) + " must be written out, without {…}");
    static const std::regex call("\\bkey\\s*\\(\\s*['\"]([^'\"]*)['\"]");
    for (std::sregex_iterator found(value.begin(), value.end(), call), end; found != end; ++found) {
      if (!declared.keys.contains((*found)[1])) refuse(top, file, "there is no xsl:key " + (*found)[1].str());
    }
  });
  std::istringstream used(top.attribute("use-attribute-sets", ours ? "" : xslt).value_or(""));
  for (std::string set; used >> set;) {
    if (!declared.attribute_sets.contains(set)) refuse(top, file, "there is no xsl:attribute-set " + set);
  }
  if (ours && element->second.children) require_children(top, *element->second.children, name, file);
  for (Node child = top.first_element(); child; child = child.next_element()) require_xslt(child, file, declared);
}

}  // namespace navette::xml
