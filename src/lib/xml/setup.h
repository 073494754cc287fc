// The house's policy for libxml2 and libxslt, installed by initialise(). For lib/xml only.
#pragma once

#include <string>

#include <libxml/parser.h>

namespace navette::xml {

// For a unique_ptr: a parser with the document that it was making.
struct FreeContext {
  void operator()(xmlParserCtxt* context) const {
    if (context->myDoc != nullptr) xmlFreeDoc(context->myDoc);
    xmlFreeParserCtxt(context);
  }
};

// While one lives, this thread may load files that lie in the directory of `path` (xsl:include, xs:import). At all
// other times nothing is ever loaded because a document names it.
class FilesBeside {
 public:
  explicit FilesBeside(const std::string& path);
  FilesBeside(const FilesBeside&) = delete;
  FilesBeside& operator=(const FilesBeside&) = delete;
  ~FilesBeside();

 private:
  std::string directory_;
  const std::string* former_;
};

// Whether this thread may load `url` now. Throws nothing: called from C.
bool may_load(const char* url) noexcept;

// While one lives, the messages of libxslt on this thread are kept. They may quote what a document holds (R9), so that
// only the place that they name is ever taken from them.
class XsltMessages {
 public:
  XsltMessages();
  XsltMessages(const XsltMessages&) = delete;
  XsltMessages& operator=(const XsltMessages&) = delete;
  ~XsltMessages();
  // "xslt/a.xsl:3" of the first message that names a place; empty when none does.
  std::string place() const;

 private:
  std::string text_;
};

}  // namespace navette::xml
