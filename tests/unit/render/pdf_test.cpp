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
  CHECK(other.render(xml, parameters()).pdf == first);
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
  CHECK(contains(xmp, "<pdfaid:part>3</pdfaid:part>"));
  CHECK(contains(xmp, "<pdfaid:conformance>A</pdfaid:conformance>"));
  CHECK(contains(xmp, "<pdfuaid:part>1</pdfuaid:part>"));
  CHECK(contains(xmp, "<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"));
  CHECK_FALSE(contains(info + xmp, "Quénéhervé"));
}

TEST_CASE("description and author are metadata of the file, read the same in both places") {
  const std::string declared =
      "<fo:declarations><x:xmpmeta xmlns:x='adobe:ns:meta/' xmlns:d='urn:d'><d:RDF><d:Description><d:title>t</d:title>"
      "<d:description>Où &amp; quand</d:description><d:creator>Lieu d’accueil</d:creator></d:Description></d:RDF>"
      "</x:xmpmeta></fo:declarations>";
  const PdfFile pdf(
      renderer().render_fo(xml::Document::parse(fo_around("<fo:block>a</fo:block>", "", declared)), "").pdf);
  const std::string info = pdf.run("pdfinfo");
  CHECK(contains(info, "Subject:         Où & quand\n"));
  CHECK(contains(info, "Author:          Lieu d’accueil\n"));
  const std::string xmp = pdf.run("pdfinfo -meta");
  CHECK(contains(xmp, "<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">Où &amp; quand</rdf:li></rdf:Alt>"));
  CHECK(contains(xmp, "<dc:creator><rdf:Seq><rdf:li>Lieu d’accueil</rdf:li></rdf:Seq>"));
}

TEST_CASE("tags give the document its structure") {
  const PdfFile pdf(render_demande(sample("demo/demandes.xml")).pdf);
  const std::string tags = pdf.run("pdfinfo -struct-text");
  CHECK(contains(tags, "H1 (block)\n    \"Demande d’information\""));
  CHECK(count(tags, "H2 (block)") == 5);
  CHECK(count(tags, "Table (block)") == 4);
  CHECK(contains(tags, "/Scope /Column"));
  CHECK(contains(tags, "/Scope /Row"));
  CHECK_FALSE(contains(tags, "page 1"));  // the footer is an artifact
  CHECK_FALSE(contains(tags, "12 h"));    // and so is the drawn grid
}

TEST_CASE("the source is attached, byte for byte") {
  const auto xml = sample("demo/demandes.xml");
  const PdfFile pdf(render_demande(xml).pdf);
  CHECK(contains(pdf.run("pdfdetach -list"), "DI_monenfant_DI2026-10001.xml"));
  TempDir out;
  const std::string path = (out.path() / "a.xml").string();
  pdf.run("pdfdetach -save 1 -o '" + path + "'");
  CHECK(read_file(path) == xml);
}

TEST_CASE("each heading of a demande has its bookmark") {
  const PdfFile pdf(render_demande(sample("demo/demandes.xml", 2)).pdf);
  const std::string marks = pdf.run("qpdf --json --json-key=outlines");
  for (const char* title : {"Demande d’information DI2026-10002", "M. Loïc Tchakountéo", "Accueil recherché", "Enfants",
                            "Semaine type", "Commentaire de la famille"}) {
    CHECK(count(marks, std::string("\"title\": \"") + title + "\"") == 1);
  }
  CHECK(count(marks, "\"destpageposfrom1\": 1") == 6);
}

TEST_CASE("a bookmark leads to the page and the height where its block begins") {
  const std::string tree =
      R"(<fo:bookmark-tree><fo:bookmark internal-destination="a"><fo:bookmark-title>Un</fo:bookmark-title>
<fo:bookmark internal-destination="b"><fo:bookmark-title>Deux</fo:bookmark-title></fo:bookmark></fo:bookmark></fo:bookmark-tree>)";
  const std::string flow =
      R"(<fo:block id="a">un</fo:block><fo:block break-before="page">x</fo:block><fo:block space-before="20pt"
 id="b"><fo:block>deux</fo:block></fo:block>)";
  const auto made = [&](const std::string& marks) {
    return renderer().render_fo(xml::Document::parse(fo_around(flow, "", titled + marks)), "").pdf;
  };
  const std::string pdf = made(tree);
  const std::string objects = PdfFile(pdf).run("qpdf --qdf --object-streams=disable", "-");
  CHECK(contains(objects, "/XYZ\n    null\n    255.118\n    null"));  // 100 mm less the margin of 10
  CHECK(contains(objects, "/XYZ\n    null\n    221.618\n    null"));  // and less a line of 13.5 pt and a space of 20
  const std::string marks = PdfFile(pdf).run("qpdf --json --json-key=outlines");
  CHECK(count(marks, "\"destpageposfrom1\": 1") == 1);
  CHECK(count(marks, "\"destpageposfrom1\": 2") == 1);

  CHECK_THROWS_WITH(made(with_text(tree, "fo:bookmark-title", " ")), Catch::Contains("bookmark-title is missing"));
  CHECK_THROWS_WITH(
      made(R"(<fo:bookmark-tree><fo:bookmark internal-destination="c"><fo:bookmark-title>x</fo:bookmark-title>
</fo:bookmark></fo:bookmark-tree>)"),
      Catch::Contains("FO line 3, bookmark: internal-destination"));
}

TEST_CASE("what is private or ignorable is read by its text, not by a code of its own") {
  // PDF/A forbids U+FEFF in a ToUnicode, and a private character without ActualText. DejaVu Sans has U+F6C5.
  const std::string pdf = render_flow("<fo:block>ab c﻿d</fo:block>").pdf;
  const PdfFile file(pdf);
  const std::string raw = file.run("qpdf --qdf --normalize-content=n", "-");
  CHECK_FALSE(contains(raw, "> <F6C5>"));
  CHECK_FALSE(contains(raw, "> <FEFF>"));
  CHECK(contains(raw, "/ActualText<FEFFF6C5>"));
  CHECK(contains(file.text(), "ab"));
}

TEST_CASE("words leftwards, and what is read by other letters than it shows, hide nothing behind them") {
  const PdfFile file(render_flow("<fo:block>avant שלום c\uFEFFd 我们 א\u200Dב après</fo:block>").pdf);
  const std::string raw = file.run("qpdf --qdf --normalize-content=n", "-");
  CHECK(contains(raw, "/ReversedChars BMC\n"));
  CHECK(contains(raw, "/ActualText<FEFF6211>>>BDC"));
  CHECK(contains(raw, "/ActualText<FEFF05D0200D05D1>>>BDC"));  // one word
  // What pdfinfo lists of an element is cut at the first end of marked content inside it.
  const std::string read = file.run("pdfinfo -struct-text");
  for (const std::string part : {"avant", "םולש", "après"}) CHECK(contains(read, part));
}

TEST_CASE("tags that a screen reader could not follow are an error with their line") {
  CHECK_NOTHROW(
      render_flow("<fo:block role='H1'>a</fo:block><fo:block role='H2'>b</fo:block><fo:block "
                  "role='H3'>c</fo:block><fo:block role='H1'>d</fo:block>"));
  CHECK_NOTHROW(render_flow("<fo:block role='H1'>a</fo:block><fo:block role='H2'></fo:block>"));
  CHECK_THROWS_WITH(render_flow("<fo:block role='H1'>a</fo:block>\n<fo:block role='H3'>b</fo:block>"),
                    Catch::Contains("FO line 7, block: role: H3 without an H2 before it"));
  CHECK_THROWS_WITH(render_flow("<fo:block role='H2'>a</fo:block>"), Catch::Contains("H2 without an H1"));
  CHECK_THROWS_WITH(render_flow("<fo:block role='TH'>a</fo:block>"),
                    Catch::Contains("line 6, block: role: TH has no place in Document"));
  CHECK_THROWS_WITH(render_flow("<fo:block role='Titre'>a</fo:block>"), Catch::Contains("line 6, block: role"));
  CHECK_THROWS_WITH(render_flow("<fo:block><fo:inline role='H'>a</fo:inline></fo:block>"),
                    Catch::Contains("line 6, inline: role"));
  const auto table = [](const std::string& cell) {
    return "<fo:table><fo:table-column/><fo:table-column/><fo:table-body><fo:table-row><fo:table-cell/>"
           "<fo:table-cell/></fo:table-row>\n<fo:table-row><fo:table-cell/>" +
           cell + "</fo:table-row></fo:table-body></fo:table>";
  };
  CHECK_NOTHROW(render_flow(table("<fo:table-cell/>")));
  CHECK_THROWS_WITH(render_flow(table("<fo:table-cell role='artifact'/>")),
                    Catch::Contains("line 7, table-row: role: a row of 1 columns"));
  CHECK_THROWS_WITH(render_flow(table("<fo:table-cell role='P'/>")), Catch::Contains("P has no place in TR"));
  for (const char* inside : {"Table", "L", "TOC"}) {
    CHECK_THROWS_WITH(render_flow(std::string("<fo:block role='") + inside + "'>a</fo:block>"),
                      Catch::Contains(std::string("line 6, block: role: text has no place directly in ") + inside));
  }
  for (const char* inside : {"H1", "Sect", "Table", "P"}) {
    CHECK_THROWS_WITH(render_flow(std::string("<fo:block>a <fo:inline role='") + inside + "'>b</fo:inline></fo:block>"),
                      Catch::Contains(std::string("line 6, inline: role: ") + inside + " has no place in P"));
  }
  CHECK_THROWS_WITH(
      render_flow("<fo:block role='Table'><fo:block role='TR'>\n<fo:block role='TH'>a</fo:block></fo:block>"
                  "</fo:block>"),
      Catch::Contains("line 7, block: role: TH must stand on a table-cell"));
  CHECK_NOTHROW(
      render_flow("<fo:block role='Table'><fo:block role='TR'><fo:block role='TD'>a</fo:block></fo:block>"
                  "</fo:block>"));
  CHECK_THROWS_WITH(render_flow("<fo:block role='P'>\n<fo:block>a</fo:block></fo:block>"),
                    Catch::Contains("line 7, block: role: P has no place in P"));
}

TEST_CASE("an inline inside another is read inside it, and where it stands") {
  const auto read = [](const std::string& outer, const std::string& inner) {
    const std::string tags = PdfFile(render_flow("<fo:block>UN <fo:inline " + outer + ">DEUX <fo:inline " + inner +
                                                 ">TROIS</fo:inline> QUATRE</fo:inline> CINQ</fo:block>")
                                         .pdf)
                                 .run("pdfinfo -struct-text");
    return tags.substr(tags.find("  P (block)"));
  };
  CHECK(read("xml:lang='en'", "xml:lang='de'") ==
        "  P (block)\n    \"UN \"\n    Span (inline)\n      \"DEUX \"\n"
        "      Span (inline)\n        \"TROIS\"\n      \" QUATRE\"\n    \" CINQ\"\n");
  CHECK(read("role='Quote'", "role='Code'") ==
        "  P (block)\n    \"UN \"\n    Quote (inline)\n      \"DEUX \"\n"
        "      Code (inline)\n        \"TROIS\"\n      \" QUATRE\"\n    \" CINQ\"\n");
  CHECK(contains(read("role='Quote' xml:lang='en'", "font-weight='bold'"), "\"DEUX TROIS QUATRE\""));
  // Nothing in an artifact is read.
  for (const std::string inner : {"role='Quote'", "xml:lang='de'", "role='artifact'", "font-weight='bold'"})
    CHECK(read("role='artifact'", inner) == "  P (block)\n    \"UN \"\n    \" CINQ\"\n");
  CHECK(contains(read("role='Quote'", "role='artifact'"), "\"DEUX \"\n      \" QUATRE\"\n    \" CINQ\""));
}

TEST_CASE("a document has a title") {
  CHECK_THROWS_WITH(renderer().render_fo(xml::Document::parse(fo_around("<fo:block>a</fo:block>", "", "")), ""),
                    Catch::Contains("FO line 1, root: a dc:title is missing"));
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

TEST_CASE("an error of the whole document names the line of what says so") {
  const auto fails = [](const std::string& fo) {
    try {
      renderer().render_fo(xml::Document::parse(fo), "");
    } catch (const std::exception& e) {
      return describe(e);
    }
    return std::string();
  };
  const auto document = [](const std::string& page, const std::string& regions, const std::string& created,
                           const std::string& header) {
    return "<fo:root xmlns:fo=\"http://www.w3.org/1999/XSL/Format\" xmlns:x=\"adobe:ns:meta/\" xmlns:d=\"urn:d\">\n"
           "<fo:layout-master-set>\n<fo:simple-page-master master-name='p' " +
           page + ">\n<fo:region-body margin='5pt'/>\n" + regions +
           "</fo:simple-page-master></fo:layout-master-set>\n"
           "<fo:declarations><x:xmpmeta><d:RDF><d:Description><d:title>t</d:title>\n" +
           created +
           "</d:Description></d:RDF></x:xmpmeta></fo:declarations>\n"
           "<fo:page-sequence master-reference='p'>" +
           header +
           "<fo:flow flow-name='xsl-region-body'><fo:block>a</fo:block></fo:flow></fo:page-sequence></fo:root>";
  };
  CHECK(fails(document("", "", "", "")).empty());
  CHECK(
      contains(fails(document("page-width='15000pt'", "", "", "")), "FO line 3, simple-page-master: a page has from"));
  CHECK(contains(fails(document("margin='400pt'", "", "", "")), "FO line 3, simple-page-master: the margins leave no"));
  CHECK(contains(fails(document("", "", "<d:CreateDate>hier</d:CreateDate>", "")),
                 "FO line 7, CreateDate: must be YYYY-MM-DD"));
  for (const std::string date : {"2026-02-31", "2026-13-01", "2026-02-28T24:00:00Z", "2026-02-28T23:60:00Z"})
    CHECK(contains(fails(document("", "", "<d:CreateDate>" + date + "</d:CreateDate>", "")), "must be YYYY-MM-DD"));
  CHECK(fails(document("", "", "<d:CreateDate>2024-02-29T23:59:59Z</d:CreateDate>", "")).empty());
  const std::string alt = "<d:creator><d:Alt><d:li>c</d:li>\n";
  CHECK(contains(fails(document("", "", alt + "<d:li>d</d:li></d:Alt></d:creator>", "")), "li: one entry is read"));
  CHECK_NOTHROW(renderer().render_fo(xml::Document::parse(document("", "", alt + "</d:Alt></d:creator>", "")), ""));
  CHECK(contains(fails(document("", "", "<d:title>u</d:title>", "")), "title: one is there already"));
  CHECK(contains(fails(document("", "", "</d:Description><d:Description><d:creator>c</d:creator>", "")),
                 "nothing but one rdf:Description"));
  CHECK(contains(
      fails(document(
          "", "", "",
          "<fo:flow flow-name='xsl-region-body'/></fo:page-sequence><fo:layout-master-set/><fo:page-sequence>")),
      "layout-master-set: element is not supported here"));
  CHECK(contains(fails(document("", "\n<fo:region-before extent='5pt'/>", "",
                                "<fo:static-content flow-name='xsl-region-before'><fo:block>b</fo:block>"
                                "</fo:static-content>")),
                 "FO line 6, region-before: the page header is higher than its extent"));
  CHECK(
      contains(fails(document("", "\n<fo:region-after extent='900pt'/>", "", "")), "FO line 6, region-after: extent"));
  CHECK(contains(fails(document("", "", "",
                                "\n<fo:static-content flow-name='xsl-region-after'><fo:block>b</fo:block>"
                                "</fo:static-content>")),
                 "FO line 9, static-content: its page has no region-after"));
  CHECK(contains(fails("\n<fo:flow xmlns:fo='http://www.w3.org/1999/XSL/Format'/>"), "FO line 2: the root element"));
}

TEST_CASE("an error names the file of the stylesheet that has the element, an included one too") {
  const TempDir dir;
  const auto write = [&](const std::string& name, const std::string& body) {
    std::ofstream(dir.path() / name)
        << "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform' "
           "xmlns:fo='http://www.w3.org/1999/XSL/Format'>\n"
        << body << "</xsl:stylesheet>";
  };
  const std::string open =
      "<fo:root><fo:layout-master-set><fo:simple-page-master master-name='p'><fo:region-body/></fo:simple-page-master>"
      "</fo:layout-master-set><fo:declarations><x:xmpmeta xmlns:x='adobe:ns:meta/' xmlns:d='urn:d'><d:RDF>"
      "<d:Description><d:title>t</d:title></d:Description></d:RDF></x:xmpmeta></fo:declarations>"
      "<fo:page-sequence master-reference='p'><fo:flow flow-name='xsl-region-body'>";
  write("part.xsl",
        "<xsl:template match='b'>\n<fo:block font-weight='gras'>x</fo:block></xsl:template>\n"
        "<xsl:template match='d'><fo:block role='H2'>x</fo:block></xsl:template>\n\n\n\n"
        "<xsl:template name='e8'><x/></xsl:template>\n\n<xsl:template name='e10'><x/></xsl:template>\n"
        "<xsl:template name='e11'><x/></xsl:template>\n");
  write("main.xsl", "<xsl:include href='part.xsl'/>\n<xsl:template match='/'>" + open +
                        "\n<xsl:apply-templates/></fo:flow></fo:page-sequence></fo:root></xsl:template>\n"
                        "<xsl:template match='a'>\n<fo:block font-style='gras'>x</fo:block></xsl:template>\n"
                        "<xsl:template match='c'><fo:block>\n<xsl:element name='fo:blok'/></fo:block></xsl:template>\n"
                        "<xsl:template match='e'><fo:block>\n<xsl:element name='fo:inline'><xsl:attribute "
                        "name='role'>H</xsl:attribute>x"
                        "</xsl:element></fo:block></xsl:template>\n"
                        "<xsl:template match='f'><xsl:copy-of select='.'/></xsl:template>\n");
  const render::Renderer rendering((dir.path() / "main.xsl").string(), render::Renderer::default_fonts());
  const auto said = [&](const std::string& xml) {
    try {
      rendering.render(xml, {});
    } catch (const std::exception& e) {
      return describe(e);
    }
    return std::string();
  };
  CHECK(contains(said("<a/>"), "main.xsl: FO line 6, block: font-style"));
  CHECK(contains(said("<b/>"), "part.xsl: FO line 3, block: font-weight"));
  CHECK(contains(said("<d/>"), "part.xsl: FO line 4, block: role: H2 without an H1"));
  // Made by an instruction: that one's line, in its file alone; not the demande's.
  CHECK(contains(said("<c/>"), "main.xsl: FO line 8, blok: element is not supported"));
  CHECK(contains(said("<r>\n\n\n<c/></r>"), "main.xsl: FO line 8, blok: element is not supported"));
  CHECK(contains(said("<e/>"), "main.xsl: FO line 10, inline: role: value not understood"));
  CHECK(contains(said("<f/>"), "main.xsl: FO line 11, f: element is not supported"));
  CHECK(contains(said("<r>\n\n\n\n<f/></r>"), "main.xsl: FO line 11, f: element is not supported"));
  for (const char* element : {"b", "d"}) CHECK_FALSE(contains(said(std::string("<") + element + "/>"), "main.xsl"));
  for (const char* element : {"a", "c", "e", "f"})
    CHECK_FALSE(contains(said(std::string("<") + element + "/>"), "part.xsl"));
}

TEST_CASE("what begins with a character that cannot be printed is marked in order, in artifacts too") {
  const auto check = [](const std::string& flow, const std::string& regions, const std::string& statics) {
    const std::string fo =
        "<fo:root xmlns:fo='http://www.w3.org/1999/XSL/Format' "
        "xml:lang='fr'><fo:layout-master-set><fo:simple-page-master "
        "master-name='p' margin='10mm'><fo:region-body margin='15mm'/>" +
        regions +
        "</fo:simple-page-master></fo:layout-master-set><fo:declarations><x:xmpmeta xmlns:x='adobe:ns:meta/' "
        "xmlns:d='urn:d'><d:RDF><d:Description><d:title>t</d:title></d:Description></d:RDF></x:xmpmeta>"
        "</fo:declarations><fo:page-sequence master-reference='p'>" +
        statics + "<fo:flow flow-name='xsl-region-body'>" + flow + "</fo:flow></fo:page-sequence></fo:root>";
    const auto result = renderer().render_fo(xml::Document::parse(fo), "");
    CHECK(result.substituted_glyphs > 0);
    const std::string said = PdfFile(result.pdf).run("/usr/bin/python3 tests/support/check_pdf.py", "|| true");
    INFO(said);
    CHECK(said.empty());
  };
  const std::string block = "<fo:block>\U0001F476 x \u05D0\uF6C5\u05D1</fo:block>";
  check(block, "", "");
  check("<fo:block role='artifact'>\U0001F476 x</fo:block><fo:block>a</fo:block>", "", "");
  check("<fo:block>a</fo:block>", "<fo:region-before extent='10mm'/><fo:region-after extent='10mm'/>",
        "<fo:static-content flow-name='xsl-region-before'>" + block +
            "</fo:static-content><fo:static-content flow-name='xsl-region-after'>" + block + "</fo:static-content>");
  std::string rows;
  for (int i = 0; i < 80; ++i)
    rows += "<fo:table-row><fo:table-cell><fo:block>r</fo:block></fo:table-cell></fo:table-row>";
  check("<fo:table><fo:table-column/><fo:table-header><fo:table-row><fo:table-cell>" + block +
            "</fo:table-cell></fo:table-row></fo:table-header><fo:table-body>" + rows + "</fo:table-body></fo:table>",
        "", "");
}

TEST_CASE("numbers that nobody means are errors") {
  const std::string many(300, '9');
  CHECK_THROWS_WITH(render_flow("<fo:block margin-left='" + many + "pt'>a</fo:block>"), Catch::Contains("line 6"));
  CHECK_THROWS_WITH(
      render_flow("<fo:table><fo:table-column column-width='proportional-column-width(" + many +
                  ")'/><fo:table-body><fo:table-row><fo:table-cell/></fo:table-row></fo:table-body></fo:table>"),
      Catch::Contains("column-width"));
}
