// libxml2's XML Schema: a compiled schema and a validator of single elements.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "lib/xml/document.h"

struct _xmlSchema;           // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
struct _xmlSchemaValidCtxt;  // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)

namespace navette::xml {

// Never changes once loaded: shared by threads. Imports files of its own directory only.
class Schema {
 public:
  // Throws Error naming the file.
  static Schema load(const std::string& path);
  _xmlSchema* raw() const { return schema_.get(); }  // for lib/xml only

 private:
  struct Free {
    void operator()(_xmlSchema* schema) const;
  };
  explicit Schema(_xmlSchema* owned) : schema_(owned) {}
  std::unique_ptr<_xmlSchema, Free> schema_;
};

// One a thread; meant to be used for many elements. The schema must outlive it.
class Validator {
 public:
  explicit Validator(const Schema& schema);

  // Validates `element` against the global declaration of its name: the elements at fault, in the order in which they
  // are met, at most `limit`; none when valid. An element that lacks a child, or whose attribute is wrong, is itself at
  // fault. Messages are not given: libxml2's echo values (R9).
  std::vector<Node> violations(Node element, std::size_t limit = 1);

 private:
  struct Free {
    void operator()(_xmlSchemaValidCtxt* context) const;
  };
  std::unique_ptr<_xmlSchemaValidCtxt, Free> context_;
};

}  // namespace navette::xml
