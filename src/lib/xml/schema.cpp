#include "lib/xml/schema.h"

#include <fmt/format.h>
#include <libxml/xmlschemas.h>

#include "lib/xml/setup.h"

namespace navette::xml {
namespace {

struct FreeParser {
  void operator()(xmlSchemaParserCtxt* parser) const { xmlSchemaFreeParserCtxt(parser); }
};

struct Collected {
  std::vector<Node>* nodes;
  std::size_t limit;
};

xmlNode* element_of(void* node) {
  auto* n = static_cast<xmlNode*>(node);
  while (n != nullptr && n->type != XML_ELEMENT_NODE) n = n->parent;
  return n;
}

void collect(void* context, xmlError* error) {
  auto* collected = static_cast<Collected*>(context);
  if (collected->nodes->size() < collected->limit) collected->nodes->emplace_back(element_of(error->node));
}

void keep_line(void* context, xmlError* error) {
  auto* line = static_cast<int*>(context);
  if (*line == 0) *line = error->line;
}

}  // namespace

Schema Schema::load(const std::string& path) {
  initialise();
  const FilesBeside beside(path);
  const std::unique_ptr<xmlSchemaParserCtxt, FreeParser> parser(xmlSchemaNewParserCtxt(path.c_str()));
  if (!parser) throw std::bad_alloc();
  int line = 0;
  xmlSchemaSetParserStructuredErrors(parser.get(), keep_line, &line);
  Schema schema(xmlSchemaParse(parser.get()));
  if (!schema.schema_) throw Error(fmt::format("{}: missing or not a valid schema (line {})", path, line));
  return schema;
}

void Schema::Free::operator()(_xmlSchema* schema) const {
  xmlSchemaFree(schema);
}

Validator::Validator(const Schema& schema) : context_(xmlSchemaNewValidCtxt(schema.raw())) {
  initialise();
  if (!context_) throw std::bad_alloc();
}

std::vector<Node> Validator::violations(Node element, std::size_t limit) {
  std::vector<Node> nodes;
  Collected collected{&nodes, limit};
  xmlSchemaSetValidStructuredErrors(context_.get(), collect, &collected);
  const int status = xmlSchemaValidateOneElement(context_.get(), element.raw());
  // Fail closed: a validator that broke down has not found the element valid.
  if (status != 0 && nodes.empty()) nodes.push_back(element);
  for (Node& node : nodes) {
    if (!node) node = element;
  }
  return nodes;
}

void Validator::Free::operator()(_xmlSchemaValidCtxt* context) const {
  xmlSchemaFreeValidCtxt(context);
}

}  // namespace navette::xml
