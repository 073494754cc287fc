#include "lib/xml/stylesheet.h"

#include <vector>

#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/variables.h>
#include <libxslt/xsltInternals.h>
#include <libxslt/xsltutils.h>

#include "lib/xml/setup.h"

namespace navette::xml {
namespace {

struct FreeTransform {
  void operator()(xsltTransformContext* context) const { xsltFreeTransformContext(context); }
};
struct FreePreferences {
  void operator()(xsltSecurityPrefs* preferences) const { xsltFreeSecurityPrefs(preferences); }
};
using Preferences = std::unique_ptr<xsltSecurityPrefs, FreePreferences>;

Preferences forbid_everything() {
  Preferences preferences(xsltNewSecurityPrefs());
  if (!preferences) throw std::bad_alloc();
  for (const auto option : {XSLT_SECPREF_READ_FILE, XSLT_SECPREF_WRITE_FILE, XSLT_SECPREF_CREATE_DIRECTORY,
                            XSLT_SECPREF_READ_NETWORK, XSLT_SECPREF_WRITE_NETWORK}) {
    xsltSetSecurityPrefs(preferences.get(), option, xsltSecurityForbid);
  }
  return preferences;
}

std::string sentence(const std::string& what, const std::string& place) {
  return place.empty() ? what : what + " at " + place;
}

// A stylesheet's own name, for messages.
std::string name_of(const xmlDoc* doc) {
  return doc != nullptr && doc->URL != nullptr ? reinterpret_cast<const char*>(doc->URL) : "stylesheet";
}

// libxslt keeps what a stylesheet includes in its list of documents, what it imports as stylesheets.
void add_files(const xsltStylesheet* sheet, std::vector<Stylesheet::File>& files) {
  const auto add = [&](xmlDoc* doc) {
    if (doc != nullptr) files.push_back({name_of(doc), Node(xmlDocGetRootElement(doc))});
  };
  add(sheet->doc);
  for (const xsltDocument* included = sheet->docList; included != nullptr; included = included->next)
    add(included->doc);
  for (const xsltStylesheet* imported = sheet->imports; imported != nullptr; imported = imported->next) {
    add_files(imported, files);
  }
}

}  // namespace

Stylesheet Stylesheet::load(const std::string& path) {
  initialise();
  Document source = [&] {
    try {
      return Document::load(path);
    } catch (const ParseError& error) {
      throw Error(path + ": " + error.what());
    }
  }();
  const FilesBeside beside(path);
  const XsltMessages messages;
  Stylesheet sheet(xsltParseStylesheetDoc(source.raw()));
  if (!sheet.sheet_) throw Error(sentence(path + ": not a valid stylesheet", messages.place()));
  static_cast<void>(source.release());  // the stylesheet owns it from here
  if (sheet.sheet_->errors != 0) throw Error(sentence(path + ": not a valid stylesheet", messages.place()));
  return sheet;
}

Document Stylesheet::transform(const Document& source, const std::map<std::string, std::string>& parameters) const {
  initialise();
  const std::unique_ptr<xsltTransformContext, FreeTransform> context(
      xsltNewTransformContext(sheet_.get(), source.raw()));
  if (!context) throw std::bad_alloc();
  const Preferences preferences = forbid_everything();
  xsltSetCtxtSecurityPrefs(preferences.get(), context.get());
  std::vector<const char*> pairs;
  for (const auto& [name, value] : parameters) {
    pairs.push_back(name.c_str());
    pairs.push_back(value.c_str());
  }
  pairs.push_back(nullptr);
  xsltQuoteUserParams(context.get(), pairs.data());
  const XsltMessages messages;
  xmlDoc* result = xsltApplyStylesheetUser(sheet_.get(), source.raw(), nullptr, nullptr, nullptr, context.get());
  if (result == nullptr || context->state != XSLT_STATE_OK) {
    xmlFreeDoc(result);
    throw Error(sentence(name_of(sheet_->doc) + ": the transformation failed", messages.place()));
  }
  return Document(result);
}

std::vector<Stylesheet::File> Stylesheet::files() const {
  std::vector<File> files;
  add_files(sheet_.get(), files);
  return files;
}

void Stylesheet::Free::operator()(_xsltStylesheet* sheet) const {
  xsltFreeStylesheet(sheet);
}

}  // namespace navette::xml
