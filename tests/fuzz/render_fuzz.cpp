// Any bytes as what is rendered. As a demande or an XSL-FO document: a PDF, or an Error that repeats no text of the
// demande (R9). As the comment of a good demande, which may hold anything that XML allows: always a PDF, of a bounded
// number of pages.
#include <fstream>
#include <iterator>
#include <string>

#include "base/error.h"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "render/renderer.h"

using namespace navette;
using fuzz::require;

namespace {

constexpr std::size_t largest_document = 20'000;  // a wide one takes its time
constexpr std::size_t longest_comment = 4'000;    // characters, as demandes-1.xsd has it
constexpr unsigned most_pages = 51;               // docs/pdf.md

const render::Renderer& renderer() {
  static const render::Renderer one("xslt/demande-fo.xsl", render::Renderer::default_fonts());
  return one;
}

void check_repeats_nothing(const std::string& message, xml::Node element) {
  bool leaf = true;
  for (xml::Node child = element.first_element(); child; child = child.next_element()) {
    leaf = false;
    check_repeats_nothing(message, child);
  }
  const std::string text = leaf ? element.text() : std::string{};
  require(text.size() < 8 || message.find(text) == std::string::npos, "a message repeats no text of a demande");
}

// The first element of that name, at any depth.
xml::Node find(xml::Node from, std::string_view name) {
  if (from.name() == name) return from;
  for (xml::Node child = from.first_element(); child; child = child.next_element()) {
    if (const xml::Node found = find(child, name)) return found;
  }
  return {};
}

void render_document(std::string_view bytes) {
  std::optional<xml::Document> document;
  try {
    document = xml::Document::parse(bytes);
    const xml::Node demande = find(document->root(), "demande");
    if (demande) document = xml::Document::copy_of(demande);
  } catch (const xml::ParseError&) {
    return;
  }
  try {
    const bool is_fo = document->root().name() == "root";
    const auto result = is_fo ? renderer().render_fo(*document, "")
                              : renderer().render(document->serialise(), {{"emetteur", "monenfant"}});
    require(result.pages > 0 && result.pdf.starts_with("%PDF-"), "there is a PDF");
  } catch (const Error& e) {
    if (document->root().name() == "demande") check_repeats_nothing(describe(e), document->root());
  }
}

bool is_xml_character(std::uint32_t c) {
  return c == '\t' || c == '\n' || c == '\r' || (c >= ' ' && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
         c >= 0x10000;
}

// Every three bytes are a character: UTF-8 made of arbitrary bytes would seldom be any.
std::string comment_of(std::string_view bytes) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at])); };
  std::string out;
  for (std::size_t at = 0; at + 2 < bytes.size() && at / 3 < longest_comment; at += 3) {
    const std::uint32_t c = (byte(at) & 0x1FU) << 16U | byte(at + 1) << 8U | byte(at + 2);
    if (is_xml_character(c) && c <= 0x10FFFF) out += "&#" + std::to_string(c) + ";";
  }
  return out;
}

void render_comment(const std::string& comment) {
  static const std::string around = [] {
    std::ifstream in("tests/data/demo/demandes.xml", std::ios::binary);
    const std::string flux{std::istreambuf_iterator<char>(in), {}};
    const std::size_t from = flux.find("<demande>") + 9;
    return "<demande xmlns=\"urn:navette:demandes:1\">" + flux.substr(from, flux.find("</demande>") + 10 - from);
  }();
  std::string demande = around;
  const std::size_t from = demande.find("<commentaire>") + 13;
  demande.replace(from, demande.find("</commentaire>") - from, comment);
  const auto result = renderer().render(demande, {{"emetteur", "monenfant"}});
  require(result.pages > 0 && result.pages <= most_pages, "a comment fills a bounded number of pages");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::view(data, size);
  if (size <= largest_document) render_document(bytes);
  render_comment(comment_of(bytes));
  return 0;
}
