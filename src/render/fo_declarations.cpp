#include "render/fo_declarations.h"

#include <set>

#include <fmt/format.h>

#include "lib/pdf/unicode.h"
#include "render/fo_properties.h"
#include "render/metadata.h"

namespace navette::render::fo {
namespace {

using xml::Node;

// Written as it is, or as the one entry of an rdf:Alt, rdf:Seq or rdf:Bag.
std::string property_text(const Node& property) {
  const Node entry = property.first_element().first_element();
  if (!entry) return property.text();
  if (const Node other = entry.next_element()) fail(other, "one entry is read");
  return entry.text();
}

void no_text(const Node& parent) {
  for (Node child = parent.first(); child; child = child.next()) {
    if (child.is_text() && !is_xml_blank(child.text())) fail(parent, "text is not allowed directly inside");
  }
}

// A name that is no path, and that reads as what it is.
bool is_file_name(const std::string& name) {
  const std::u16string text = unicode::utf16(name);
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = unicode::next(text, at);
    if (c == '/' || c == '\\' || unicode::is_control(c) || unicode::is_default_ignorable(c)) return false;
  }
  return !is_xml_blank(name) && name != "." && name != "..";
}

void read_description(const Node& description, Metadata& m) {
  no_text(description);
  description.each_attribute([&](std::string_view name, std::string_view, const std::string&) {
    if (name != "about") fail(description, fmt::format("{}: properties are elements here", name));
  });
  std::set<std::string_view> seen;
  for (Node property = description.first_element(); property; property = property.next_element()) {
    if (!seen.insert(property.name()).second) fail(property, "one is there already");
    if (property.name() == "title") {
      m.title = property_text(property);
    } else if (property.name() == "description") {
      m.description = property_text(property);
    } else if (property.name() == "creator") {
      m.creator = property_text(property);
    } else if (property.name() == "CreateDate") {
      m.created = property_text(property);
      if (!m.created.empty() && !is_date(m.created)) fail(property, "must be YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ");
    } else {
      unknown(property);
    }
  }
}

}  // namespace

Metadata read_declarations(const Node& declarations) {
  Metadata out;
  no_properties(declarations);
  no_text(declarations);
  for (Node child = declarations.first_element(); child; child = child.next_element()) {
    if (child.name() == "source-attachment" && child.space() == "urn:navette:fo:1") {
      no_properties(child, {"filename", "description"});
      no_children(child);
      if (!is_file_name(child.attribute("filename").value_or("")))
        fail(child, "filename: a name must be there, not a path, without what nobody sees");
      if (!out.attachment_name.empty()) fail(child, "one is there already");
      out.attachment_name = child.attribute("filename").value_or("");
      out.attachment_description = child.attribute("description").value_or("");
    } else if (child.name() == "xmpmeta") {
      no_text(child);
      no_text(child.child("RDF"));
      const Node description = child.child("RDF").first_element();
      if (!description || description.name() != "Description") fail(child, "rdf:RDF/rdf:Description is missing");
      if (const Node other = description.next_element()) fail(other, "nothing but one rdf:Description is read");
      read_description(description, out);
    } else {
      unknown(child);
    }
  }
  return out;
}

std::vector<Bookmark> read_bookmarks(const Node& parent) {
  std::vector<Bookmark> out;
  bool titled = parent.name() == "bookmark-tree";
  each_fo_child(parent, [&](const Node& child) {
    if (child.name() == "bookmark-title" && !titled) {
      titled = true;
      return;
    }
    if (child.name() != "bookmark") unknown(child);
    no_properties(child, {"internal-destination"});
    Bookmark bookmark;
    bookmark.line = child.line();
    bookmark.destination = child.attribute("internal-destination").value_or("");
    const Node title = child.child("bookmark-title");
    if (!title || is_xml_blank(title.text())) fail(child, "a bookmark-title is missing");
    no_properties(title);
    if (const Node other = title.first_element()) unknown(other);
    bookmark.title = title.text();
    bookmark.children = read_bookmarks(child);
    out.push_back(std::move(bookmark));
  });
  return out;
}

}  // namespace navette::render::fo
