// libxslt: a compiled stylesheet.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/xml/document.h"

struct _xsltStylesheet;  // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)

namespace navette::xml {

// While one lives, what libxslt says on this thread is kept in it, xsl:message too; the outer of two has in the end
// what the inner one heard. It may quote what a document holds: for whoever gave the document, never for a log (R9).
class XsltMessages {
 public:
  XsltMessages();
  XsltMessages(const XsltMessages&) = delete;
  XsltMessages& operator=(const XsltMessages&) = delete;
  ~XsltMessages();
  std::vector<std::string> lines() const;  // none is empty
  // "xslt/a.xsl:3" of the first message that names a place; empty when none does. Quotes nothing.
  std::string place() const;

 private:
  std::string text_;
  std::string* former_;
};

// XSLT 1.0. Shared by threads once loaded. May include or import other files of its own directory only: no network, no
// document(), no writing, no extension functions.
class Stylesheet {
 public:
  // Throws Error with file, line and reason; an element or attribute of xsl: that XSLT 1.0 does not have is an error.
  static Stylesheet load(const std::string& path);

  // `parameters` are strings, passed quoted: never evaluated as XPath. Each element of the result has the
  // line of the element of the stylesheet that made it; what is copied from `source`, its own unless
  // source.forget_lines() was called: then that of the xsl:copy or xsl:copy-of. Throws Error with the stylesheet's
  // line.
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
