// The file: embedded fonts, tags, metadata, attachment, the same bytes every time.
#include <sstream>
#include <thread>

#include <catch2/catch.hpp>

#include "unit/render/pdf_tools.h"

using namespace navette;
using namespace navette::test;

TEST_CASE("the PDF is well-formed for qpdf") {
  const PdfFile pdf(render_demande(sample("demandes/ok-riche.xml")).pdf);
  CHECK(contains(pdf.run("qpdf --check"), "No syntax or stream encoding errors"));
  CHECK(contains(pdf.run("qpdf --check"), "PDF Version: 1.7"));
}

TEST_CASE("every font is embedded, cut down and readable as Unicode") {
  const PdfFile pdf(render_demande(with_text(sample("demo/demandes.xml"), "commentaire", "☐ ☑ → fin")).pdf);
  std::istringstream lines(pdf.run("pdffonts"));
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  int fonts = 0;
  while (std::getline(lines, line)) {
    ++fonts;
    INFO(line);
    CHECK(contains(line, "CID TrueType      Identity-H       yes yes yes"));
    CHECK(line.at(6) == '+');
  }
  CHECK(fonts == 3);  // Noto Sans in two weights, DejaVu Sans for the boxes
}

TEST_CASE("the same demande gives the same bytes, from any thread") {
  const auto xml = sample("demandes/ok-riche.xml");
  const std::string first = render_demande(xml).pdf;
  render_demande(sample("demo/demandes.xml"));  // words remembered from another document change nothing
  CHECK(render_demande(xml).pdf == first);
  const render::Renderer other("xslt/demande-fo.xsl", render::Renderer::default_fonts());
  CHECK(other.render(xml::Document::parse(xml), parameters()).pdf == first);
  std::vector<std::string> made(4);
  std::vector<std::thread> threads;
  for (auto& pdf : made) threads.emplace_back([&pdf, &xml] { pdf = render_demande(xml).pdf; });
  for (auto& thread : threads) thread.join();
  for (const auto& pdf : made) CHECK(pdf == first);
}

TEST_CASE("the ID follows the content") {
  const auto id = [](const std::string& pdf) { return pdf.substr(pdf.rfind("/ID"), 75); };
  const auto xml = sample("demo/demandes.xml");
  CHECK(id(render_demande(xml).pdf) != id(render_demande(with_text(xml, "commentaire", "Autre")).pdf));
}

TEST_CASE("metadata names the reference and no person") {
  const PdfFile pdf(render_demande(sample("demo/demandes.xml")).pdf);
  const std::string info = pdf.run("TZ=UTC pdfinfo -isodates");
  CHECK(contains(info, "Title:           Demande d’information DI2026-10001"));
  CHECK(contains(info, "CreationDate:    2026-11-18T00:00:00Z"));
  CHECK(contains(info, "Tagged:          yes"));
  CHECK(contains(info, "Page size:       595.276 x 841.89 pts (A4)"));
  const std::string xmp = pdf.run("pdfinfo -meta");
  // No claim to a standard that the suite does not check yet.
  CHECK_FALSE(contains(xmp, "pdfaid"));
  CHECK_FALSE(contains(xmp, "pdfuaid"));
  CHECK_FALSE(contains(info + xmp, "Quénéhervé"));
}

TEST_CASE("tags give the document its structure") {
  const PdfFile pdf(render_demande(sample("demo/demandes.xml")).pdf);
  const std::string tags = pdf.run("pdfinfo -struct-text");
  CHECK(contains(tags, "H1 (block)\n    \"Demande d’information\""));
  CHECK(count(tags, "H2 (block)") == 5);
  CHECK(count(tags, "Table (block)") == 4);
  CHECK(contains(tags, "/Scope /Column"));
  CHECK(contains(tags, "/Scope /Row"));
  CHECK_FALSE(contains(tags, "transmise par"));  // the footer is an artifact
  CHECK_FALSE(contains(tags, "12 h"));           // and so is the drawn grid
}

TEST_CASE("the source is attached, byte for byte") {
  const auto xml = sample("demo/demandes.xml");
  const PdfFile pdf(render_demande(xml).pdf);
  CHECK(contains(pdf.run("pdfdetach -list"), "DI_monenfant_DI2026-10001.xml"));
  TempDir out;
  const std::string path = (out.path() / "a.xml").string();
  pdf.run("pdfdetach -save 1 -o '" + path + "'");
  CHECK(read_file(path) == xml::Document::parse(xml).serialise());
}

TEST_CASE("kerning and ligatures draw well and extract as letters") {
  const auto result = render_flow("<fo:block>officier affluent fief AVATAR Tôt</fo:block>");
  CHECK(contains(PdfFile(result.pdf).text(), "officier affluent fief AVATAR Tôt"));
}

TEST_CASE("a missing font or stylesheet says which and what to do") {
  CHECK_THROWS_WITH(render::Renderer("xslt/demande-fo.xsl", {{"/nowhere/a.ttf", "", "", ""}}),
                    Catch::Contains("/nowhere/a.ttf") && Catch::Contains("install"));
  CHECK_THROWS_WITH(render::Renderer("xslt/nowhere.xsl", render::Renderer::default_fonts()),
                    Catch::Contains("xslt/nowhere.xsl"));
}
