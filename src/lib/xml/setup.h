// The house's policy for libxml2 and libxslt, installed by initialise(). For lib/xml only.
#pragma once

#include <string>
#include <string_view>

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

// Where what libxslt says on this thread is kept: the innermost XsltMessages (stylesheet.h), or nowhere. What libxml2
// says of an XPath expression begins with the mark.
std::string*& xslt_messages() noexcept;
inline constexpr std::string_view xpath_error_mark = "XPath: ";
// Whether the line is one with which libxslt says where what comes next was found: "runtime error: file NAME line
// NUMBER element NAME"; or "compilation error: ...".
bool names_place(std::string_view line);

}  // namespace navette::xml
