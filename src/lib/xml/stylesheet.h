// libxslt: a compiled stylesheet.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/xml/document.h"

struct _xsltStylesheet;  // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)

namespace navette::xml {

// Shared by threads once loaded. May include or import other files of its own directory only: no network, no
// document(), no writing, no extension functions.
class Stylesheet {
 public:
  // Throws Error with file and line.
  static Stylesheet load(const std::string& path);

  // `parameters` are strings, passed quoted: never evaluated as XPath. Throws Error with the stylesheet's line.
  Document transform(const Document& source, const std::map<std::string, std::string>& parameters = {}) const;

  // The files that it is made of, as written: itself, and what it includes and imports.
  struct File {
    std::string path;
    Node root;  // lives as long as the stylesheet
  };
  std::vector<File> files() const;

 private:
  struct Free {
    void operator()(_xsltStylesheet* sheet) const;
  };
  explicit Stylesheet(_xsltStylesheet* owned) : sheet_(owned) {}
  std::unique_ptr<_xsltStylesheet, Free> sheet_;
};

}  // namespace navette::xml
