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
  CHECK_THROWS_WITH(read("<fo:block>a</fo:block>\n<fo:float/>"), Catch::Contains("line 7") && Catch::Contains("float"));
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

TEST_CASE("a list that is not one is an error") {
  const auto item = [](const std::string& inside) {
    return "<fo:list-block><fo:list-item>" + inside + "</fo:list-item></fo:list-block>";
  };
  const std::string label = "<fo:list-item-label end-indent=\"label-end()\"/>";
  const std::string body = "<fo:list-item-body start-indent=\"body-start()\"/>";
  CHECK_NOTHROW(read(item(label + body)));
  CHECK_THROWS_WITH(read("<fo:list-block/>"), Catch::Contains("needs its list-item"));
  CHECK_THROWS_WITH(read(item(label)), Catch::Contains("list-item: a list-item needs"));
  CHECK_THROWS_WITH(read(item(body + label)), Catch::Contains("list-item-body: element is not supported here"));
  CHECK_THROWS_WITH(read(item("<fo:list-item-label/>" + body)), Catch::Contains("end-indent must be label-end()"));
  CHECK_THROWS_WITH(read(item(label + "<fo:list-item-body start-indent=\"2mm\"/>")),
                    Catch::Contains("start-indent must be body-start()"));
  CHECK_THROWS_WITH(read("<fo:list-block provisional-distance-between-starts=\"6pt\"/>"),
                    Catch::Contains("no width is left for the labels"));
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
