#include "lib/xml/stylesheet.h"

#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/variables.h>
#include <libxslt/xsltInternals.h>
#include <libxslt/xsltutils.h>

#include "lib/xml/setup.h"
#include "lib/xml/xslt_grammar.h"

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

// Of a stylesheet alone, which quotes no document: what is said of it, in one line.
Error not_valid(const std::string& path, const XsltMessages& messages) {
  std::string reason;
  for (const auto& line : messages.lines()) {
    if (!names_place(line) && line != "error") reason += (reason.empty() ? ": " : "; ") + line;
  }
  return Error(sentence(path + ": not a valid stylesheet", messages.place()) + reason);
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

// To those that have none: `line`.
void give_lines(xmlNode* top, unsigned short line) {  // NOLINT(misc-no-recursion): as deep as the document
  for (xmlNode* node = top; node != nullptr; node = node->next) {
    if (node->type != XML_ELEMENT_NODE) continue;
    if (node->line == 0) node->line = line;
    give_lines(node->children, line);
  }
}

// libxslt gives a line to what is written out in the stylesheet alone: what `instruction` makes has that one's.
template <void make(xsltTransformContext*, xmlNode*, xmlNode*, xsltElemPreComp*)>
void make_with_line(xsltTransformContext* context, xmlNode* node, xmlNode* instruction, xsltElemPreComp* compiled) {
  const xmlNode* parent = context->insert;
  const xmlNode* before = parent == nullptr ? nullptr : parent->last;
  make(context, node, instruction, compiled);
  if (parent == nullptr) return;
  give_lines(before == nullptr ? parent->children : before->next, instruction->line);
}

void tell_lines(xsltStylesheet* sheet) {
  for (xsltElemPreComp* compiled = sheet->preComps; compiled != nullptr; compiled = compiled->next) {
    switch (compiled->type) {
      case XSLT_FUNC_ELEMENT:
        compiled->func = make_with_line<xsltElement>;
        break;
      case XSLT_FUNC_COPY:
        compiled->func = make_with_line<xsltCopy>;
        break;
      case XSLT_FUNC_COPYOF:
        compiled->func = make_with_line<xsltCopyOf>;
        break;
      default:
        break;
    }
  }
  for (xsltStylesheet* imported = sheet->imports; imported != nullptr; imported = imported->next) tell_lines(imported);
}

// Where a stylesheet may end a transformation by xsl:message: libxslt does not say which of them did.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the file
void add_ends(const Node& top, const std::string& file, std::string& out) {
  if (top.name() == "message" && top.attribute("terminate") == "yes")
    out += (out.empty() ? "" : " or ") + file + ":" + std::to_string(top.line());
  for (Node child = top.first_element(); child; child = child.next_element()) add_ends(child, file, out);
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
  if (!sheet.sheet_) throw not_valid(path, messages);
  static_cast<void>(source.release());  // the stylesheet owns it from here
  Declared declared;
  for (const auto& [file, root] : sheet.files()) add_declared(root, declared);
  for (const auto& [file, root] : sheet.files()) require_xslt(root, file, declared);
  if (sheet.sheet_->errors != 0 || sheet.sheet_->warnings != 0) throw not_valid(path, messages);
  tell_lines(sheet.sheet_.get());
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
  // An expression's error does not always stop libxslt; of all that is said, it alone quotes nothing.
  std::string reason;
  for (const auto& line : messages.lines()) {
    if (line.starts_with(xpath_error_mark) && reason.empty()) reason = ": " + line;
  }
  if (result == nullptr || context->state != XSLT_STATE_OK || !reason.empty()) {
    xmlFreeDoc(result);
    std::string place = messages.place();
    if (place.empty() && context->state == XSLT_STATE_STOPPED) {
      for (const auto& [file, root] : files()) add_ends(root, file, place);
    }
    throw Error(sentence(name_of(sheet_->doc) + ": the transformation failed", place) + reason);
  }
  give_lines(xmlDocGetRootElement(result), 1);
  return Document(result);
}

XsltMessages::XsltMessages() : former_(std::exchange(xslt_messages(), &text_)) {}

XsltMessages::~XsltMessages() {
  xslt_messages() = former_;
  if (former_ != nullptr) *former_ += text_;
}

std::vector<std::string> XsltMessages::lines() const {
  std::vector<std::string> lines;
  std::istringstream in(text_);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::string XsltMessages::place() const {
  constexpr std::string_view before_name = ": file ";
  constexpr std::string_view before_line = " line ";
  for (const auto& text : lines()) {
    if (!names_place(text)) continue;
    const auto line = text.find(before_line);
    if (line == std::string::npos) continue;
    const auto name = text.find(before_name) + before_name.size();
    const auto digits = line + before_line.size();
    const auto end = text.find_first_not_of("0123456789", digits);
    return text.substr(name, line - name) + ":" + text.substr(digits, end - digits);
  }
  return {};
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
