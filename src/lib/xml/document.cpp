#include "lib/xml/document.h"

#include <algorithm>
#include <climits>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>

#include "base/directory.h"
#include "lib/xml/place.h"
#include "lib/xml/setup.h"

namespace navette::xml {
namespace {

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view{} : std::string_view(reinterpret_cast<const char*>(text));
}

// libxml2 goes on to call a document well-formed after xmlStopParser: the flag of our own is what counts.
struct Guard {
  bool doctype = false;
};

void refuse_doctype(void* context, const xmlChar* /*name*/, const xmlChar* /*id*/, const xmlChar* /*system*/) {
  auto* parser = static_cast<xmlParserCtxt*>(context);
  static_cast<Guard*>(parser->_private)->doctype = true;
  xmlStopParser(parser);
}

// node->line is a 16-bit short: those further down have theirs beside it.
void keep_far_line(void* context, const xmlChar* name, const xmlChar* prefix, const xmlChar* space, int spaces,
                   const xmlChar** space_names, int attributes, int defaulted, const xmlChar** values) {
  xmlSAX2StartElementNs(context, name, prefix, space, spaces, space_names, attributes, defaulted, values);
  const auto* parser = static_cast<xmlParserCtxt*>(context);
  const long line = parser->input == nullptr ? 0 : parser->input->line;
  if (parser->node != nullptr && line >= USHRT_MAX) parser->node->_private = pack({line, 0});
}

[[noreturn]] void throw_malformed(xmlParserCtxt* parser) {
  const xmlError* last = xmlCtxtGetLastError(parser);
  const bool known = last != nullptr && last->line > 0;
  const long line = known ? last->line : 0;
  const long column = known ? std::max(last->int2, 0) : 0;
  throw ParseError(fmt::format("not well-formed XML, line {}, column {}", line, column), line, column);
}

xmlDoc* parse_bytes(std::string_view bytes, const char* url) {
  initialise();
  if (bytes.empty()) throw ParseError("empty document", 0, 0);
  if (bytes.size() > std::size_t{1} << 30U) throw ParseError("document too large", 0, 0);
  const std::unique_ptr<xmlParserCtxt, FreeContext> parser(xmlNewParserCtxt());
  if (!parser) throw std::bad_alloc();
  Guard guard;
  parser->_private = &guard;
  parser->sax->internalSubset = refuse_doctype;
  parser->sax->startElementNs = keep_far_line;
  xmlDoc* doc = xmlCtxtReadMemory(parser.get(), bytes.data(), static_cast<int>(bytes.size()), url, nullptr,
                                  XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
  if (guard.doctype) {
    xmlFreeDoc(doc);
    throw ParseError("DOCTYPE is forbidden", 0, 0);
  }
  if (doc == nullptr) throw_malformed(parser.get());
  return doc;
}

void append_text(const xmlNode* node, std::string& out) {
  for (; node != nullptr; node = node->next) {
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) {
      out += view(node->content);
    } else if (node->type == XML_ELEMENT_NODE) {
      append_text(node->children, out);
    }
  }
}

// A value in pieces only when it holds entity references, which are never accepted: one text node or none.
std::string value_of(const xmlAttr* attribute) {
  std::string value;
  append_text(attribute->children, value);
  return value;
}

bool same_name(const xmlNode* a, const xmlNode* b) {
  return b->type == XML_ELEMENT_NODE && xmlStrEqual(a->name, b->name) != 0;
}

// The rank among siblings of the same name; 0 when it is the only one.
std::uint64_t rank_of(const xmlNode* node) {
  if (node->psvi != nullptr) return unpack_rank(node->psvi);
  std::uint64_t rank = 1;
  bool alone = true;
  for (const xmlNode* n = node->prev; n != nullptr; n = n->prev) {
    if (same_name(node, n)) ++rank;
  }
  for (const xmlNode* n = node->next; n != nullptr && alone; n = n->next) alone = !same_name(node, n);
  return alone && rank == 1 ? 0 : rank;
}

void take_lines(xmlNode* top) {  // NOLINT(misc-no-recursion): as deep as the document
  for (xmlNode* node = top; node != nullptr; node = node->next) {
    if (node->type != XML_ELEMENT_NODE) continue;
    node->line = 0;
    take_lines(node->children);
  }
}

xmlNode* skip_to_element(xmlNode* node) {
  while (node != nullptr && node->type != XML_ELEMENT_NODE) node = node->next;
  return node;
}

}  // namespace

bool Node::is_element() const {
  return node_ != nullptr && node_->type == XML_ELEMENT_NODE;
}

bool Node::is_text() const {
  return node_ != nullptr && (node_->type == XML_TEXT_NODE || node_->type == XML_CDATA_SECTION_NODE);
}

std::string_view Node::name() const {
  return is_element() ? view(node_->name) : std::string_view{};
}

std::string_view Node::space() const {
  return is_element() && node_->ns != nullptr ? view(node_->ns->href) : std::string_view{};
}

std::string Node::text() const {
  std::string out;
  if (is_text()) {
    out = view(node_->content);
  } else if (is_element()) {
    append_text(node_->children, out);
  }
  return out;
}

std::string_view Node::text_view() const {
  return is_text() ? view(node_->content) : std::string_view{};
}

std::optional<std::string> Node::attribute(const char* local_name) const {
  return attribute(local_name, "");
}

std::optional<std::string> Node::attribute(const char* local_name, const char* space) const {
  if (!is_element()) return std::nullopt;
  for (const xmlAttr* a = node_->properties; a != nullptr; a = a->next) {
    if (view(a->name) == local_name && (a->ns == nullptr ? "" : view(a->ns->href)) == space) return value_of(a);
  }
  return std::nullopt;
}

std::optional<Node::Attribute> Node::attribute_at(std::size_t k) const {
  if (!is_element()) return std::nullopt;
  const xmlAttr* a = node_->properties;
  for (; a != nullptr && k > 0; --k) a = a->next;
  if (a == nullptr) return std::nullopt;
  return Attribute{view(a->name), a->ns == nullptr ? std::string_view{} : view(a->ns->href), value_of(a)};
}

long Node::line() const {
  if (node_ == nullptr) return 0;
  if (node_->type == XML_ELEMENT_NODE && node_->_private != nullptr) return unpack(node_->_private).line;
  return std::max(xmlGetLineNo(node_), 0L);
}

long Node::column() const {
  return is_element() && node_->_private != nullptr ? unpack(node_->_private).column : 0;
}

std::string Node::path() const {
  std::vector<const xmlNode*> steps;
  for (const xmlNode* n = node_; n != nullptr && n->type != XML_DOCUMENT_NODE; n = n->parent) {
    if (n->type == XML_ELEMENT_NODE) steps.push_back(n);
  }
  std::reverse(steps.begin(), steps.end());
  std::string path;
  for (const xmlNode* step : steps) {
    path += '/';
    path += view(step->name);
    if (const auto rank = rank_of(step); rank > 0) path += fmt::format("[{}]", rank);
  }
  return path;
}

void Node::set_rank(std::uint64_t rank) {
  if (is_element()) node_->psvi = pack_rank(rank);
}

Node Node::first() const {
  return is_element() ? Node(node_->children) : Node();
}

Node Node::next() const {
  return node_ == nullptr ? Node() : Node(node_->next);
}

Node Node::first_element() const {
  return is_element() ? Node(skip_to_element(node_->children)) : Node();
}

Node Node::next_element() const {
  return node_ == nullptr ? Node() : Node(skip_to_element(node_->next));
}

Node Node::child(std::string_view local_name) const {
  Node n = first_element();
  while (n && n.name() != local_name) n = n.next_element();
  return n;
}

std::string Node::child_text(std::string_view local_name) const {
  return child(local_name).text();
}

Document Document::parse(std::string_view bytes) {
  return Document(parse_bytes(bytes, nullptr));
}

Document Document::load(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw_errno("open " + path);
  std::string bytes(status_of(file.get()).size + 1, '\0');
  std::size_t size = 0;
  while (const std::size_t got = read_some(file.get(), bytes.data() + size, bytes.size() - size)) {
    size += got;
    if (size == bytes.size()) bytes.resize(size * 2);
  }
  bytes.resize(size);
  return Document(parse_bytes(bytes, path.c_str()));
}

Document Document::copy_of(Node element) {
  Document copy(xmlNewDoc(nullptr));
  xmlNode* root = copy.doc_ ? xmlDocCopyNode(element.raw(), copy.raw(), 1) : nullptr;
  if (root == nullptr) throw std::bad_alloc();
  xmlDocSetRootElement(copy.raw(), root);
  return copy;
}

Node Document::root() const {
  return Node(xmlDocGetRootElement(doc_.get()));
}

void Document::forget_lines() {
  take_lines(root().raw());
}

std::string Document::serialise() const {
  xmlChar* bytes = nullptr;
  int size = 0;
  xmlDocDumpMemoryEnc(doc_.get(), &bytes, &size, "UTF-8");
  if (bytes == nullptr) throw std::bad_alloc();
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  xmlFree(bytes);
  return out;
}

void Document::Free::operator()(_xmlDoc* doc) const {
  xmlFreeDoc(doc);
}

}  // namespace navette::xml
