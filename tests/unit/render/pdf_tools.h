// What other people's tools read in our PDFs. A missing tool fails the test: it never skips.
#pragma once

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>

#include <sys/wait.h>

#include "lib/xml/document.h"
#include "render/renderer.h"
#include "unit/base/temp_dir.h"

namespace navette::test {

class PdfFile {
 public:
  explicit PdfFile(const std::string& bytes) : path_((dir_.path() / "a.pdf").string()) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }

  // Standard output of `tool options file more`. Throws when it fails.
  std::string run(const std::string& tool, const std::string& more = "") const {
    const std::string command = tool + " '" + path_ + "' " + more + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("popen: " + tool);
    std::string out;
    std::array<char, 4096> buffer{};
    for (std::size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) out.append(buffer.data(), n);
    const int status = pclose(pipe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error(tool + ": " + out);
    return out;
  }
  // No-break spaces are read as spaces, whatever the version of pdftotext makes of them.
  std::string text() const { return plain_spaces(run("pdftotext -enc UTF-8", "-")); }
  std::string laid_out() const { return plain_spaces(run("pdftotext -enc UTF-8 -layout", "-")); }

 private:
  static std::string plain_spaces(std::string text) {
    for (const std::string wide : {"\u00A0", "\u202F"}) {
      for (std::size_t at = text.find(wide); at != std::string::npos; at = text.find(wide, at)) {
        text.replace(at, wide.size(), " ");
      }
    }
    return text;
  }

  TempDir dir_;
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("missing " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The `rank`-th demande (from 1) of a flux, as the root of a document of its own.
inline std::string demande_of(const std::string& flux, int rank = 1) {
  std::size_t from = 0;
  for (int i = 0; i < rank; ++i) from = flux.find("<demande>", from + 1);
  const std::size_t to = flux.find("</demande>", from);
  if (from == std::string::npos || to == std::string::npos) throw std::runtime_error("no such demande");
  return "<demande xmlns=\"urn:navette:demandes:1\">" + flux.substr(from + 9, to - from - 9) + "</demande>";
}

inline std::string sample(const std::string& name, int rank = 1) {
  return demande_of(read_file("tests/data/" + name), rank);
}

// `xml` with the text between <element> and </element> replaced.
inline std::string with_text(std::string xml, const std::string& element, const std::string& text) {
  const std::size_t from = xml.find("<" + element + ">") + element.size() + 2;
  const std::size_t to = xml.find("</" + element + ">", from);
  return xml.replace(from, to - from, text);
}

inline const render::Renderer& renderer() {
  static const render::Renderer one("xslt/demande-fo.xsl", render::Renderer::default_fonts());
  return one;
}

inline std::map<std::string, std::string> parameters() {
  return {{"emetteur", "monenfant"}, {"communes", "42218\tSaint-Étienne\n42207\tSaint-Chamond\n"}};
}

inline render::Renderer::Result render_demande(const std::string& xml) {
  return renderer().render(xml, parameters());
}

constexpr const char* titled =
    "<fo:declarations><x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><RDF><Description><title>Essai</title></Description></RDF>"
    "</x:xmpmeta></fo:declarations>";

// An FO document of one page-sequence around `flow`; the flow begins on line 6.
inline std::string fo_around(const std::string& flow, const std::string& footer = "",
                             const std::string& declarations = titled) {
  return R"(<fo:root xmlns:fo="http://www.w3.org/1999/XSL/Format" font-size="10pt"><fo:layout-master-set>
<fo:simple-page-master master-name="p" page-width="100mm" page-height="100mm" margin="10mm"><fo:region-body
 margin-bottom="10mm"/><fo:region-after extent="8mm"/></fo:simple-page-master></fo:layout-master-set>)" +
         declarations + R"(
<fo:page-sequence master-reference="p" id="s"><fo:static-content flow-name="xsl-region-after"><fo:block>)" +
         footer + "</fo:block></fo:static-content>\n<fo:flow flow-name=\"xsl-region-body\">\n" + flow +
         "</fo:flow></fo:page-sequence></fo:root>";
}

inline render::Renderer::Result render_flow(const std::string& flow, const std::string& footer = "") {
  return renderer().render_fo(xml::Document::parse(fo_around(flow, footer)), "");
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

}  // namespace navette::test
