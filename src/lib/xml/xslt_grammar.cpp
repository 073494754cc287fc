#include "lib/xml/xslt_grammar.h"

#include <map>
#include <set>
#include <string_view>

namespace navette::xml {
namespace {

constexpr std::string_view xslt = "http://www.w3.org/1999/XSL/Transform";

using Names = std::set<std::string_view>;

// Each element of XSLT 1.0 with its attributes.
const std::map<std::string_view, Names>& elements() {
  static const std::map<std::string_view, Names> known{
      {"apply-imports", {}},
      {"apply-templates", {"select", "mode"}},
      {"attribute", {"name", "namespace"}},
      {"attribute-set", {"name", "use-attribute-sets"}},
      {"call-template", {"name"}},
      {"choose", {}},
      {"comment", {}},
      {"copy", {"use-attribute-sets"}},
      {"copy-of", {"select"}},
      {"decimal-format",
       {"name", "decimal-separator", "grouping-separator", "infinity", "minus-sign", "NaN", "percent", "per-mille",
        "zero-digit", "digit", "pattern-separator"}},
      {"element", {"name", "namespace", "use-attribute-sets"}},
      {"fallback", {}},
      {"for-each", {"select"}},
      {"if", {"test"}},
      {"import", {"href"}},
      {"include", {"href"}},
      {"key", {"name", "match", "use"}},
      {"message", {"terminate"}},
      {"namespace-alias", {"stylesheet-prefix", "result-prefix"}},
      {"number",
       {"level", "count", "from", "value", "format", "lang", "letter-value", "grouping-separator", "grouping-size"}},
      {"otherwise", {}},
      {"output",
       {"method", "version", "encoding", "omit-xml-declaration", "standalone", "doctype-public", "doctype-system",
        "cdata-section-elements", "indent", "media-type"}},
      {"param", {"name", "select"}},
      {"preserve-space", {"elements"}},
      {"processing-instruction", {"name"}},
      {"sort", {"select", "lang", "data-type", "order", "case-order"}},
      {"strip-space", {"elements"}},
      {"stylesheet", {"id", "extension-element-prefixes", "exclude-result-prefixes", "version"}},
      {"template", {"match", "name", "priority", "mode"}},
      {"text", {"disable-output-escaping"}},
      {"transform", {"id", "extension-element-prefixes", "exclude-result-prefixes", "version"}},
      {"value-of", {"select", "disable-output-escaping"}},
      {"variable", {"name", "select"}},
      {"when", {"test"}},
      {"with-param", {"name", "select"}},
  };
  return known;
}

// The attributes of xsl: that an element of another language may have.
const Names& attributes_elsewhere() {
  static const Names known{"use-attribute-sets", "version", "extension-element-prefixes", "exclude-result-prefixes"};
  return known;
}

[[noreturn]] void refuse(const Node& element, const std::string& file, const std::string& what) {
  throw Error(file + ":" + std::to_string(element.line()) + ": " + what);
}

}  // namespace

void require_xslt(Node top, const std::string& file) {  // NOLINT(misc-no-recursion): as deep as the file
  const bool ours = top.space() == xslt;
  const std::string name = (ours ? "xsl:" : "") + std::string(top.name());
  const auto element = elements().find(top.name());
  if (ours && element == elements().end()) refuse(top, file, "there is no " + name);
  const Names& attributes = ours ? element->second : attributes_elsewhere();
  top.each_attribute([&](std::string_view attribute, std::string_view space, const std::string& /*value*/) {
    if ((ours && space.empty() && !attributes.contains(attribute)) ||
        (!ours && space == xslt && !attributes.contains(attribute)))
      refuse(top, file, name + " has no attribute " + (ours ? "" : "xsl:") + std::string(attribute));
  });
  for (Node child = top.first_element(); child; child = child.next_element()) require_xslt(child, file);
}

}  // namespace navette::xml
