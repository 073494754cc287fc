#include "lib/xml/setup.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <regex>
#include <string_view>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <libxslt/documents.h>
#include <libxslt/security.h>
#include <libxslt/xslt.h>
#include <libxslt/xsltutils.h>

#include "lib/xml/document.h"

namespace navette::xml {
namespace {

thread_local const std::string* open_directory = nullptr;
thread_local std::string* messages_kept = nullptr;
constexpr std::size_t most_messages = 4096;  // bytes

// The directory of `path` without links or dots; empty when there is no such file.
std::string directory_of(const char* path) {
  std::error_code error;
  const auto canonical = std::filesystem::canonical(path, error);
  return error ? std::string{} : canonical.parent_path().string();
}

void drop_message(void* /*context*/, const char* /*format*/, ...) {  // NOLINT(cert-dcl50-cpp): libxml2's own signature
}

// Of all errors that have a structure only an XPath expression's is kept, with the expression.
void keep_xpath_error(void* /*context*/, xmlError* error) {
  if (messages_kept == nullptr || error->domain != XML_FROM_XPATH || messages_kept->size() > most_messages) return;
  *messages_kept += xpath_error_mark;
  if (error->str1 != nullptr) *messages_kept += std::string("'") + error->str1 + "': ";
  *messages_kept += error->message != nullptr ? error->message : "\n";
}

bool ends_with_place(std::string_view messages) {
  if (!messages.ends_with('\n')) return false;
  messages.remove_suffix(1);
  const auto line = messages.substr(messages.rfind('\n') + 1);
  return names_place(line) || line == "error";
}

// NOLINTNEXTLINE(cert-dcl50-cpp): libxslt's own signature
[[gnu::format(printf, 2, 3)]] void keep_message(void* /*context*/, const char* format, ...) {
  if (messages_kept == nullptr || messages_kept->size() > most_messages) return;
  std::array<char, 1024> buffer{};
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
  va_end(arguments);
  if (length <= 0) return;
  // libxslt's own words come after a line with their place. xsl:message comes alone: what it quotes shall never look
  // like a line of libxslt's.
  if (std::string_view(format) == "%s" && !ends_with_place(*messages_kept)) {
    *messages_kept += "xsl:message: " + std::regex_replace(buffer.data(), std::regex("\n"), "\n  ");
  } else {
    *messages_kept += buffer.data();
  }
}

xmlParserInput* load_beside(const char* url, const char* /*id*/, xmlParserCtxt* context) {
  if (!may_load(url)) return nullptr;
  return xmlNewInputFromFile(context, url);
}

// libxslt calls this for xsl:include and xsl:import (at compile time) and for document() (at run time: never).
xmlDoc* load_for_xslt(const xmlChar* url, xmlDict* dictionary, int /*options*/, void* /*context*/, xsltLoadType type) {
  const char* path = reinterpret_cast<const char*>(url);
  if (type == XSLT_LOAD_DOCUMENT || !may_load(path)) return nullptr;
  xmlParserCtxt* parser = xmlNewParserCtxt();
  if (parser == nullptr) return nullptr;
  if (dictionary != nullptr) {  // as libxslt's own loader does: names are shared with the including stylesheet
    xmlDictFree(parser->dict);
    parser->dict = dictionary;
    xmlDictReference(dictionary);
  }
  xmlDoc* doc = xmlCtxtReadFile(parser, path, nullptr, XML_PARSE_NONET | XML_PARSE_NOCDATA);
  const auto say = [&](long line, const char* what) {
    if (messages_kept != nullptr) *messages_kept += std::string(path) + ":" + std::to_string(line) + ": " + what + "\n";
  };
  if (doc == nullptr) say(parser->lastError.line, "not well-formed XML");
  if (doc != nullptr && doc->intSubset != nullptr) {
    say(1, "a DOCTYPE is never accepted");
    xmlFreeDoc(doc);
    doc = nullptr;
  }
  xmlFreeParserCtxt(parser);
  return doc;
}

void forbid_by_default() {
  xsltSecurityPrefs* defaults = xsltNewSecurityPrefs();
  for (const auto option : {XSLT_SECPREF_WRITE_FILE, XSLT_SECPREF_CREATE_DIRECTORY, XSLT_SECPREF_READ_NETWORK,
                            XSLT_SECPREF_WRITE_NETWORK}) {
    xsltSetSecurityPrefs(defaults, option, xsltSecurityForbid);
  }
  xsltSetDefaultSecurityPrefs(defaults);  // kept for the life of the process
}

void initialise_process() {
  xmlInitParser();
  xsltInit();
  xmlSetExternalEntityLoader(load_beside);
  xsltSetLoaderFunc(load_for_xslt);
  xsltSetGenericErrorFunc(nullptr, keep_message);
  forbid_by_default();
}

}  // namespace

void initialise() {
  static std::once_flag process;
  std::call_once(process, initialise_process);
  // Error handlers are a thread's own in libxml2.
  thread_local const bool handlers = [] {
    xmlSetGenericErrorFunc(nullptr, drop_message);
    xmlSetStructuredErrorFunc(nullptr, keep_xpath_error);
    return true;
  }();
  static_cast<void>(handlers);
}

FilesBeside::FilesBeside(const std::string& path) : directory_(directory_of(path.c_str())), former_(open_directory) {
  open_directory = &directory_;
}

FilesBeside::~FilesBeside() {
  open_directory = former_;
}

bool may_load(const char* url) noexcept {
  try {
    if (url == nullptr || open_directory == nullptr || open_directory->empty()) return false;
    // A URL with a scheme is no existing file, so that it has no directory.
    return directory_of(url) == *open_directory;
  } catch (...) {
    return false;
  }
}

bool names_place(std::string_view line) {
  return line.starts_with("runtime error: file ") || line.starts_with("compilation error: file ");
}

std::string*& xslt_messages() noexcept {
  return messages_kept;
}

}  // namespace navette::xml
