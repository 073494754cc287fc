// What the XSL-FO subset refuses, and how it says so.
#include "render/fo_reader.h"

#include <catch2/catch.hpp>

#include "render/fo_values.h"
#include "unit/render/pdf_tools.h"

using namespace navette;
using namespace navette::test;

namespace {

render::fo::Document read(const std::string& flow) {
  return render::read_fo(xml::Document::parse(fo_around(flow)));
}

}  // namespace

TEST_CASE("an unknown element is an error with its line") {
  CHECK_THROWS_WITH(read("<fo:block>a</fo:block>\n<fo:list-block/>"),
                    Catch::Contains("line 7") && Catch::Contains("list-block"));
  CHECK_THROWS_WITH(read("<fo:block>\n\n<p/></fo:block>"), Catch::Contains("line 8"));
}

TEST_CASE("an unknown property or value is an error with its line") {
  CHECK_THROWS_WITH(read("<fo:block letter-spacing=\"1pt\"/>"),
                    Catch::Contains("line 6, block: property letter-spacing"));
  CHECK_THROWS_WITH(read("\n<fo:block color=\"mauve\"/>"), Catch::Contains("line 7, block: color"));
  CHECK_THROWS_WITH(read("<fo:block font-size=\"12\"/>"), Catch::Contains("font-size"));
  CHECK_THROWS_WITH(read("<fo:block font-family=\"Comic\"/>"), Catch::Contains("font-family"));
  CHECK_THROWS_WITH(read("<fo:block xlink:href=\"a\" xmlns:xlink=\"b\"/>"), Catch::Contains("namespace"));
}

TEST_CASE("text outside a block of a table is an error") {
  CHECK_THROWS_WITH(read("<fo:table><fo:table-column/><fo:table-body>a</fo:table-body></fo:table>"),
                    Catch::Contains("text is not allowed"));
}

TEST_CASE("an id is one block's alone") {
  CHECK_THROWS_WITH(read("<fo:block id='a'/>\n<fo:block id='a'/>"), Catch::Contains("line 7, block: id"));
  CHECK_THROWS_WITH(read("<fo:table id='a'/>"), Catch::Contains("line 6, table: property id"));
}

TEST_CASE("a row must fill its columns") {
  CHECK_THROWS_WITH(read("<fo:table><fo:table-column/><fo:table-column/><fo:table-body><fo:table-row><fo:table-cell/>"
                         "</fo:table-row></fo:table-body></fo:table>"),
                    Catch::Contains("cells span 1 columns, the table has 2"));
}

TEST_CASE("a page number out of static content is an error") {
  CHECK_THROWS_WITH(render_flow("<fo:block><fo:page-number/></fo:block>"), Catch::Contains("static-content"));
}

TEST_CASE("lengths, colours and borders") {
  using namespace render::fo;
  CHECK(*parse_length("25.4mm", 10) == Approx(72));
  CHECK(*parse_length("1.5em", 10) == Approx(15));
  CHECK_FALSE(parse_length("3px", 10));
  CHECK_FALSE(parse_length("pt", 10));
  CHECK_FALSE(parse_length("nanpt", 10));
  CHECK_FALSE(parse_length("", 10));
  CHECK(*parse_colour("#fa0") == Colour{255, 170, 0});
  CHECK(*parse_colour("#102030") == Colour{16, 32, 48});
  CHECK_FALSE(parse_colour("#12345g"));
  CHECK(parse_border("0.5pt solid #333", 10)->width == Approx(0.5));
  CHECK_FALSE(parse_border("0.5pt dotted #333", 10));
  CHECK(*parse_line_height("14pt", 10) == Approx(1.4));
  CHECK(parse_edges("1pt 2pt", 10)->left == Approx(2));
  CHECK_FALSE(parse_edges("1pt 2pt 3pt 4pt 5pt", 10));
}
