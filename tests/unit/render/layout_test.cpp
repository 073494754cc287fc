// Pages: keeps, breaks, tables that go on.
#include <sstream>

#include <catch2/catch.hpp>

#include "unit/render/pdf_tools.h"

using namespace navette;
using namespace navette::test;

namespace {

std::string blocks(int n, const std::string& attributes = "") {
  std::string out;
  for (int i = 1; i <= n; ++i) out += "<fo:block " + attributes + ">b" + std::to_string(i) + "</fo:block>\n";
  return out;
}

std::vector<std::string> pages_of(const render::Renderer::Result& result) {
  std::vector<std::string> pages;
  std::istringstream text(PdfFile(result.pdf).text());
  for (std::string page; std::getline(text, page, '\f');) pages.push_back(page);
  return pages;
}

std::string table(int rows, const std::string& cell = "c") {
  std::string out =
      "<fo:table><fo:table-column column-width=\"20mm\"/><fo:table-column/><fo:table-header><fo:table-row>"
      "<fo:table-cell><fo:block>ENTETE</fo:block></fo:table-cell><fo:table-cell/></fo:table-row></fo:table-header>"
      "<fo:table-body>";
  for (int i = 1; i <= rows; ++i) {
    out += "<fo:table-row><fo:table-cell><fo:block>r" + std::to_string(i) +
           "</fo:block></fo:table-cell><fo:table-cell>"
           "<fo:block>" +
           cell + "</fo:block></fo:table-cell></fo:table-row>";
  }
  return out + "</fo:table-body></fo:table>";
}

}  // namespace

TEST_CASE("content flows over pages in order, each with its number and the total") {
  const auto result = render_flow(blocks(60), "p<fo:page-number/>/<fo:page-number-citation-last ref-id=\"s\"/>");
  const auto pages = pages_of(result);
  REQUIRE(pages.size() == result.pages);
  CHECK(pages.size() == 5);
  CHECK(contains(pages[0], "b1\n"));
  CHECK(contains(pages[4], "b60"));
  for (std::size_t i = 0; i < pages.size(); ++i) {
    CHECK(contains(pages[i], "p" + std::to_string(i + 1) + "/" + std::to_string(pages.size())));
  }
}

TEST_CASE("a heading stays with what follows it") {
  const std::string heading = "<fo:block keep-with-next.within-page=\"always\">TITRE</fo:block>";
  for (int before = 1; before < 20; ++before) {
    const auto pages = pages_of(render_flow(blocks(before) + heading + "<fo:block>SUITE</fo:block>"));
    for (const auto& page : pages) CHECK(contains(page, "TITRE") == contains(page, "SUITE"));
  }
}

TEST_CASE("a block kept together moves as a whole, unless no page can hold it") {
  const std::string kept = "<fo:block keep-together.within-page=\"always\">" + blocks(6) + "</fo:block>";
  const auto pages = pages_of(render_flow(blocks(10, "color=\"gray\"") + kept));
  REQUIRE(pages.size() == 2);
  CHECK(contains(pages[1], "b1\n"));
  const auto large = render_flow("<fo:block keep-together.within-page=\"always\">" + blocks(40) + "</fo:block>");
  CHECK(large.pages >= 3);
}

TEST_CASE("two lines of a paragraph at least stay on each side of a page's end") {
  std::string words;
  for (int i = 0; i < 40; ++i) words += "mot" + std::to_string(i) + " ";
  for (int before = 8; before < 16; ++before) {
    const auto pages = pages_of(render_flow(blocks(before) + "<fo:block>" + words + "</fo:block>"));
    for (const auto& page : pages) {
      std::istringstream lines(page);
      int of_paragraph = 0;
      for (std::string line; std::getline(lines, line);) of_paragraph += contains(line, "mot") ? 1 : 0;
      CHECK(of_paragraph != 1);
    }
  }
}

TEST_CASE("a break is obeyed") {
  CHECK(render_flow("<fo:block>a</fo:block><fo:block break-before=\"page\">b</fo:block>").pages == 2);
  CHECK(render_flow("<fo:block break-after=\"page\">a</fo:block><fo:block>b</fo:block>").pages == 2);
  CHECK(render_flow("<fo:block break-before=\"page\">a</fo:block>").pages == 1);
}

TEST_CASE("a table's header is repeated on each page that it continues on, and tagged once") {
  const auto result = render_flow(table(40));
  const auto pages = pages_of(result);
  CHECK(pages.size() > 2);
  for (const auto& page : pages) CHECK(count(page, "ENTETE") == 1);
  const PdfFile pdf(result.pdf);
  CHECK(count(pdf.run("pdfinfo -struct-text"), "ENTETE") == 1);
  for (int row = 1; row <= 40; ++row) CHECK(count(pdf.text() + "\n", "r" + std::to_string(row) + "\n") == 1);
}

TEST_CASE("a row that no page can hold goes on over the next ones and loses nothing") {
  std::string words;
  for (int i = 100; i < 700; ++i) words += "m" + std::to_string(i) + " ";
  const auto result = render_flow(table(1, words));
  CHECK(result.pages >= 3);
  const auto text = PdfFile(result.pdf).text();
  for (int i = 100; i < 700; ++i) CHECK(count(text, "m" + std::to_string(i)) == 1);
}

TEST_CASE("a nested table that no page can hold goes on too") {
  const auto result =
      render_flow("<fo:table><fo:table-column/><fo:table-body><fo:table-row><fo:table-cell padding=\"3pt\">" +
                  table(60) + "</fo:table-cell></fo:table-row></fo:table-body></fo:table>");
  CHECK(result.pages >= 4);
  CHECK(contains(PdfFile(result.pdf).text(), "r60"));
}

TEST_CASE("what cannot be placed is an error, not a loop") {
  CHECK_THROWS_WITH(render_flow("<fo:block font-size=\"200pt\" line-height=\"3\">A</fo:block>"),
                    Catch::Contains("line 6") && Catch::Contains("higher than a page"));
  CHECK_THROWS_WITH(render_flow("<fo:block margin=\"45mm\">a</fo:block>"), Catch::Contains("no width"));
  CHECK_THROWS_WITH(render_flow("<fo:table><fo:table-column column-width=\"200mm\"/><fo:table-body/></fo:table>"),
                    Catch::Contains("wider"));
  CHECK_THROWS_WITH(render_flow("<fo:block/>", "<fo:block>a</fo:block><fo:block>b</fo:block><fo:block>c</fo:block>"),
                    Catch::Contains("footer"));
}

TEST_CASE("an empty flow is one empty page") {
  CHECK(render_flow("").pages == 1);
}
