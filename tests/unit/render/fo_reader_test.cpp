// What the XSL-FO subset refuses, and how it says so.
#include "render/fo_reader.h"

#include <algorithm>

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

TEST_CASE("an element takes no property that it would not obey") {
  const auto table = [](const std::string& row, const std::string& cell, const std::string& column = "") {
    return "<fo:table><fo:table-column" + column + "/><fo:table-body><fo:table-row" + row + "><fo:table-cell" + cell +
           "/></fo:table-row></fo:table-body></fo:table>";
  };
  const auto refused = [&](const std::string& flow, const std::string& name) {
    INFO(flow);
    CHECK_THROWS_WITH(read(flow), Catch::Contains("property " + name + " is not supported here"));
  };
  CHECK_NOTHROW(
      read(table(" border='1pt solid #000' background-color='#eee' keep-with-next.within-page='always' "
                 "break-before='page' role='TR'",
                 " padding='1pt' border='none' background-color='#eee' role='TH'")));
  for (const char* name : {"padding", "margin", "space-before"}) {
    refused(table(" " + std::string(name) + "='1pt'", ""), name);
  }
  for (const char* name : {"margin", "space-after"}) refused(table("", " " + std::string(name) + "='1pt'"), name);
  refused(table("", " break-before='page'"), "break-before");
  for (const char* name : {"break-before", "break-after"}) {
    const std::string block = std::string("<fo:block ") + name + "='page'/>";
    const std::string row = std::string("<fo:table-row ") + name + "='page'><fo:table-cell/></fo:table-row>";
    refused("<fo:table><fo:table-column/><fo:table-body><fo:table-row><fo:table-cell>" + block +
                "</fo:table-cell></fo:table-row></fo:table-body></fo:table>",
            name);
    refused("<fo:table><fo:table-column/><fo:table-header>" + row + "</fo:table-header></fo:table>", name);
    const auto list = [](const std::string& label, const std::string& body) {
      return "<fo:list-block><fo:list-item><fo:list-item-label end-indent='label-end()'>" + label +
             "</fo:list-item-label><fo:list-item-body start-indent='body-start()'>" + body +
             "</fo:list-item-body></fo:list-item></fo:list-block>";
    };
    refused(list(block, ""), name);
    CHECK_NOTHROW(read(list("", block)));
  }
  refused(table("", " number-rows-spanned='2'"), "number-rows-spanned");
  refused(table("", "", " background-color='#eee'"), "background-color");
  refused("<fo:block width='2mm'/>", "width");
  refused("<fo:block><fo:inline border='none'>a</fo:inline></fo:block>", "border");
}

TEST_CASE("a side says more than its shorthand, whatever stands first") {
  for (const char* properties : {"margin='1pt' margin-left='2pt' border='none' border-top='3pt solid #000'",
                                 "border-top='3pt solid #000' border='none' margin-left='2pt' margin='1pt'"}) {
    const auto document = read("<fo:block " + std::string(properties) + ">a</fo:block>");
    const auto block =
        std::find_if(document.flow.begin(), document.flow.end(), [](const auto& c) { return c.index() == 1; });
    const auto& box = std::get<std::unique_ptr<render::fo::Block>>(*block)->box;
    CHECK(box.margin.left == 2);
    CHECK(box.margin.right == 1);
    CHECK(box.border.top.width == 3);
    CHECK(box.border.bottom.width == 0);
  }
}

TEST_CASE("no length is below zero: what is drawn beside its place could be off the page") {
  for (const char* property : {"margin='-30mm'", "margin-left='-1pt'", "padding='1pt -1pt'", "space-before='-5pt'"}) {
    INFO(property);
    CHECK_THROWS_WITH(read("<fo:block " + std::string(property) + ">a</fo:block>"),
                      Catch::Contains("value not understood"));
  }
}

TEST_CASE("what docs/pdf.md says is refused is") {
  for (const char* name : {"basic-link", "block-container", "float", "footnote", "instream-foreign-object", "leader",
                           "marker", "table-and-caption", "table-footer", "wrapper", "page-sequence"}) {
    INFO(name);
    CHECK_THROWS_WITH(read("<fo:block>a<fo:" + std::string(name) + "/></fo:block>"),
                      Catch::Contains(std::string(name) + ": element is not supported here"));
  }
  for (const char* attribute : {"hyphenate='true'", "letter-spacing='1pt'", "text-decoration='underline'",
                                "text-indent='1em'", "vertical-align='top'", "start-indent='2mm'", "font='10pt serif'",
                                "font-size='12px'", "margin='10%'", "text-align='inside'"}) {
    INFO(attribute);
    CHECK_THROWS_WITH(read("<fo:block " + std::string(attribute) + "/>"), Catch::Contains("line 6, block: "));
  }
  CHECK_THROWS_WITH(read("<fo:table border-collapse='collapse'><fo:table-column/><fo:table-body/></fo:table>"),
                    Catch::Contains("border-collapse must be separate"));
}

TEST_CASE("masters, regions and declarations take no property that they would not obey, nor come twice") {
  const auto with = [](const std::string& old, const std::string& made) {
    std::string fo = fo_around("<fo:block/>");
    REQUIRE(contains(fo, old));
    return xml::Document::parse(fo.replace(fo.find(old), old.size(), made));
  };
  const auto refused = [&](const std::string& old, const std::string& made, const std::string& what) {
    INFO(made);
    CHECK_THROWS_WITH(render::read_fo(with(old, made)), Catch::Contains(what));
  };
  refused("margin=\"10mm\"", "padding='1pt'", "simple-page-master: property padding");
  refused("<fo:region-body", "<fo:region-body background-color='#eee'", "region-body: property background-color");
  refused("<fo:region-after", "<fo:region-after display-align='after'", "region-after: property display-align");
  refused("<fo:layout-master-set>", "<fo:layout-master-set role='P'>", "layout-master-set: property role");
  refused("<fo:declarations>", "<fo:declarations id='d'>", "declarations: property id");
  refused("<fo:region-after extent=\"8mm\"/>", "<fo:region-after extent='8mm'/><fo:region-after extent='1mm'/>",
          "region-after: a page has one");
  refused("master-reference=\"p\"", "master-reference='q'", "line 4, page-sequence: master-reference must name");
  refused("<fo:flow", "<fo:static-content flow-name='xsl-region-after'/><fo:flow", "flow-name: another has it too");
}

TEST_CASE("text or an image outside a block of the page is an error, with the line of what it stands in") {
  for (const std::string loose : {"LOOSE", "<fo:inline>LOOSE</fo:inline>", "\u00A0", "<fo:page-number/>"}) {
    INFO(loose);
    CHECK_THROWS_WITH(read("<fo:block>a</fo:block>" + loose + "<fo:block>b</fo:block>"),
                      Catch::Contains("FO line 5, flow: text and images stand in a block"));
    std::string fo = fo_around("<fo:block/>");
    const std::string block = "<fo:block></fo:block>";
    REQUIRE(contains(fo, block));
    fo.replace(fo.find(block), block.size(), loose);
    CHECK_THROWS_WITH(render::read_fo(xml::Document::parse(fo)),
                      Catch::Contains("FO line 4, static-content: text and images stand in a block"));
  }
  CHECK_THROWS_WITH(render_flow("<fo:external-graphic src='navette:case' content-height='3mm' role='artifact'/>"),
                    Catch::Contains("text and images stand in a block"));
  CHECK_NOTHROW(read(" <fo:block>a</fo:block>\n<!-- x --> <fo:table><fo:table-column/><fo:table-body/></fo:table> "));
}

TEST_CASE("white-space-treatment says no other thing than white-space-collapse") {
  CHECK_NOTHROW(read("<fo:block white-space-treatment='preserve' white-space-collapse='false'/>"));
  CHECK_NOTHROW(read("<fo:block white-space-treatment='ignore-if-surrounding-linefeed'/>"));
  CHECK_NOTHROW(read("<fo:block white-space-collapse='false'><fo:block white-space-treatment='preserve'/></fo:block>"));
  CHECK_THROWS_WITH(read("<fo:block white-space-treatment='preserve'/>"),
                    Catch::Contains("line 6, block: white-space-treatment: preserve goes with white-space-collapse"));
  CHECK_THROWS_WITH(
      read("<fo:block white-space-treatment='ignore-if-surrounding-linefeed' white-space-collapse='false'/>"),
      Catch::Contains("block: white-space-treatment"));
}

TEST_CASE("nothing is dropped: not what stands in an element that holds nothing, not a property that nothing obeys") {
  const auto refused = [](const std::string& flow, const std::string& what) {
    INFO(flow);
    CHECK_THROWS_WITH(read(flow), Catch::Contains(what));
  };
  const auto graphic = [](const std::string& inside) {
    return "<fo:block><fo:external-graphic src='navette:case' content-height='3mm' role='artifact'>" + inside +
           "</fo:external-graphic></fo:block>";
  };
  refused(graphic("<fo:block>LOST</fo:block>"), "line 6, block: element is not supported here");
  refused(graphic("LOST"), "line 6, external-graphic: text is not allowed");
  refused("<fo:block><fo:page-number>LOST</fo:page-number></fo:block>", "page-number: text is not allowed");
  refused("<fo:table><fo:table-column>LOST</fo:table-column><fo:table-body/></fo:table>", "table-column: text");
  for (const char* name : {"color", "line-height", "xml:lang", "text-align"}) {
    refused("<fo:table><fo:table-column " + std::string(name) + "='fr'/><fo:table-body/></fo:table>",
            std::string("table-column: property ") + name);
  }
  for (const char* property : {"text-align='end'", "orphans='3'", "widows='3'"}) {
    refused("<fo:block><fo:inline " + std::string(property) + ">a</fo:inline></fo:block>", "inline: property ");
    CHECK_NOTHROW(read("<fo:block " + std::string(property) + ">a</fo:block>"));
  }
  CHECK_NOTHROW(
      read("<fo:block><fo:inline color='#123' font-size='8pt' line-height='2' xml:lang='en'>a</fo:inline></fo:block>"));
  const std::string row = "<fo:table-row><fo:table-cell/></fo:table-row>";
  refused("<fo:table><fo:table-column/><fo:table-body>" + row + "</fo:table-body>\n<fo:table-column/></fo:table>",
          "line 7, table-column: columns stand before");
  refused("<fo:table><fo:table-column/><fo:table-body>" + row + "</fo:table-body>\n<fo:table-header>" + row +
              "</fo:table-header></fo:table>",
          "line 7, table-header: a table has one header, before its body");
}

TEST_CASE("what a page is made of holds no text, takes no property of text, and is whole") {
  const auto refused = [](const std::string& old, const std::string& made, const std::string& what) {
    INFO(made);
    std::string fo = fo_around("<fo:block/>");
    REQUIRE(contains(fo, old));
    CHECK_THROWS_WITH(render::read_fo(xml::Document::parse(fo.replace(fo.find(old), old.size(), made))),
                      Catch::Contains(what));
  };
  refused("<fo:layout-master-set>", "<fo:layout-master-set color='#123'>", "layout-master-set: property color");
  refused("margin=\"10mm\"", "margin='10mm' font-weight='bold'", "simple-page-master: property font-weight");
  refused("<fo:region-after", "<fo:region-after text-align='end'", "region-after: property text-align");
  refused("<fo:region-body", "<fo:region-body xml:lang='en'", "region-body: property xml:lang");
  refused("<fo:declarations>", "<fo:declarations font-size='9pt'>", "declarations: property font-size");
  refused("<fo:region-after extent=\"8mm\"/>", "<fo:region-after extent='8mm'>LOST</fo:region-after>",
          "region-after: text is not allowed");
  refused("<fo:declarations>", "<fo:declarations>LOST", "declarations: text is not allowed");
  for (const char* element : {"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">", "<RDF>", "<Description>"})
    refused(element, std::string(element) + "LOST", "text is not allowed directly inside");
  refused("<fo:page-sequence",
          "<fo:bookmark-tree><fo:bookmark internal-destination='a'><fo:bookmark-title font-weight='bold'>t"
          "</fo:bookmark-title></fo:bookmark></fo:bookmark-tree><fo:page-sequence",
          "bookmark-title: property font-weight");
  refused("flow-name=\"xsl-region-body\"", "flow-name='xsl-region-bdoy'", "line 5, flow: flow-name: a flow has");
  refused("flow-name=\"xsl-region-after\"", "flow-name='xsl-region-afer'", "static-content: flow-name: a flow has");
  refused("<fo:flow flow-name=\"xsl-region-body\">\n<fo:block/></fo:flow>", "", "page-sequence: a flow is missing");
  refused("extent=\"8mm\"", "extent='10.1mm'", "line 3, region-after: extent: more than the margin");
  for (const char* name : {"", " ", "a/b.xml", "..\\b", "a\u202Elmx.xml", "a\u200Bb", "a&#9;b"}) {
    refused("</fo:declarations>",
            "<n:source-attachment xmlns:n='urn:navette:fo:1' filename='" + std::string(name) + "'/></fo:declarations>",
            "source-attachment: filename");
  }
  refused(
      "</fo:declarations>",
      "<n:source-attachment xmlns:n='urn:navette:fo:1' filename='a.xml'>LOST</n:source-attachment></fo:declarations>",
      "source-attachment: text is not allowed");
}

TEST_CASE("an error far down tells its true line") {
  const std::string far(70000, '\n');
  for (const char* flow : {"<fo:block foo='bar'>x</fo:block>", "<fo:block><fo:block foo='bar'/></fo:block>",
                           "<fo:block><fo:block/><fo:block foo='bar'><fo:block/></fo:block></fo:block>"})
    CHECK_THROWS_WITH(read(far + flow), Catch::Contains("FO line 70006, block: property foo"));
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
  CHECK(parse_line_height("14pt", 10)->at(5) == Approx(14));  // inherited as it is
  CHECK(parse_line_height("140%", 10)->at(5) == Approx(14));
  CHECK(parse_line_height("1.4", 10)->at(5) == Approx(7));
  CHECK(parse_edges("1pt 2pt", 10)->left == Approx(2));
  CHECK_FALSE(parse_edges("1pt 2pt 3pt 4pt 5pt", 10));
}
