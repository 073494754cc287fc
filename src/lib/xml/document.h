// libxml2 documents: an owner and a read-only cursor. No libxml2 header leaves lib/xml.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

struct _xmlDoc;   // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
struct _xmlNode;  // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)

namespace navette::xml {

// The document is not well-formed, or holds what is never accepted (DOCTYPE, entities). what() says it in words of
// ours: libxml2's messages echo values and are not used (R9).
class ParseError : public Error {
 public:
  ParseError(const std::string& what, long line, long column) : Error(what), line_(line), column_(column) {}
  long line() const { return line_; }      // 1-based; 0 when unknown
  long column() const { return column_; }  // 1-based; 0 when unknown

 private:
  long line_;
  long column_;
};

// A place in a document that somebody else owns. Cheap to copy; a default one, or one past the end, is false.
class Node {
 public:
  Node() = default;
  explicit Node(_xmlNode* node) : node_(node) {}
  explicit operator bool() const { return node_ != nullptr; }

  bool is_element() const;
  bool is_text() const;                                                // text or CDATA
  std::string_view name() const;                                       // local name; empty for text
  std::string_view space() const;                                      // namespace URI; empty when none
  std::string text() const;                                            // all text below, concatenated
  std::string_view text_view() const;                                  // of a text node; empty for an element
  std::optional<std::string> attribute(const char* local_name) const;  // in no namespace
  std::optional<std::string> attribute(const char* local_name, const char* space) const;
  long line() const;    // 1-based; 0 when unknown
  long column() const;  // 1-based, of the element's "<"; 0 when unknown: only RecordParser keeps columns
  // /demandes/demande[3]/reference: names, and ranks where there are several; no prefix, no value.
  std::string path() const;
  // The rank that path() gives to this element, whose former siblings are no longer there.
  void set_rank(std::uint64_t rank);

  Node first() const;  // first child of any kind
  Node next() const;   // next sibling of any kind
  Node first_element() const;
  Node next_element() const;
  // The first child element of that local name, in any namespace.
  Node child(std::string_view local_name) const;
  // Text of that child; empty when there is none.
  std::string child_text(std::string_view local_name) const;

  // All attributes, in document order: visit(local name, namespace URI, value).
  template <typename Visit>
  void each_attribute(Visit visit) const;

  _xmlNode* raw() const { return node_; }  // for lib/xml only

 private:
  struct Attribute {
    std::string_view name;
    std::string_view space;
    std::string value;
  };
  // The k-th attribute; nothing past the last.
  std::optional<Attribute> attribute_at(std::size_t k) const;
  _xmlNode* node_ = nullptr;
};

template <typename Visit>
void Node::each_attribute(Visit visit) const {
  for (std::size_t k = 0;; ++k) {
    const auto a = attribute_at(k);
    if (!a) return;
    visit(a->name, a->space, a->value);
  }
}

class Document {
 public:
  // Parses UTF-8 or what the declaration names. No DOCTYPE, no entity but the five predefined, no network. Throws
  // ParseError.
  static Document parse(std::string_view bytes);
  // The same from a file of ours (stylesheet, FO). Throws ParseError or std::system_error.
  static Document load(const std::string& path);
  explicit Document(_xmlDoc* owned) : doc_(owned) {}

  // A copy of `element`, with the namespaces that it uses.
  static Document copy_of(Node element);

  Node root() const;
  // No element has a line any more: see Stylesheet::transform().
  void forget_lines();
  // UTF-8 with an XML declaration, not re-indented; the same bytes for the same document.
  std::string serialise() const;
  _xmlDoc* raw() const { return doc_.get(); }    // for lib/xml only
  _xmlDoc* release() { return doc_.release(); }  // for lib/xml only

 private:
  struct Free {
    void operator()(_xmlDoc* doc) const;
  };
  std::unique_ptr<_xmlDoc, Free> doc_;
};

// Initialises libxml2 and libxslt for use by several threads and installs the loader that denies every external entity
// and the silent error handlers. Called by every entry of lib/xml; harmless when called again.
void initialise();

}  // namespace navette::xml
