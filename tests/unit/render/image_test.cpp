// Images: which files are ever opened, what is asked beside them, where they stand.
#include <algorithm>
#include <filesystem>
#include <sstream>

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "base/error.h"
#include "render/image_store.h"
#include "unit/render/pdf_tools.h"

using namespace navette;
using namespace navette::test;

namespace {

namespace fs = std::filesystem;

constexpr const char* alt = " xmlns:fox='http://xmlgraphics.apache.org/fop/extensions' fox:alt-text='une image'";

std::string graphic(const std::string& src, const std::string& more = " content-height='10mm'") {
  return "<fo:external-graphic src=\"" + src + "\"" + alt + more + "/>";
}

// What `flow` becomes beside the files of tests/data/images.
render::Renderer::Result beside_images(const std::string& flow, const std::string& directory = "tests/data/images") {
  return renderer().render_fo(xml::Document::parse(fo_around(flow)), "", directory);
}

// A stylesheet that shows `flow`, in a directory with an image "logo.png".
class OwnStylesheet {
 public:
  explicit OwnStylesheet(const std::string& flow) {
    fs::copy_file("tests/data/images/couleur.png", dir_ / "logo.png");
    std::string body = fo_around("@");
    body.replace(body.find('@'), 1, flow);
    path_ = dir_.put("demande-fo.xsl",
                     "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform' "
                     "xmlns:d='urn:navette:demandes:1'>\n<xsl:include href='part.xsl'/>\n<xsl:template match='/'>" +
                         body + "</xsl:template></xsl:stylesheet>");
    part("");
  }
  void part(const std::string& body) const {
    dir_.put("part.xsl",
             "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform' "
             "xmlns:fo='http://www.w3.org/1999/XSL/Format'>\n" +
                 body + "</xsl:stylesheet>");
  }
  std::string load_and_render(const std::string& comment = "") const {
    const render::Renderer one(path_, render::Renderer::default_fonts());
    return one.render("<demande><commentaire>" + comment + "</commentaire></demande>", {}).pdf;
  }
  void load() const { render::Renderer(path_, render::Renderer::default_fonts()); }
  const TempDir& directory() const { return dir_; }

 private:
  TempDir dir_;
  std::string path_;
};

}  // namespace

TEST_CASE("an image is a file beside the document or below it, and no other") {
  const TempDir dir;
  fs::create_directories(dir / "below/deeper");
  const auto image = fs::absolute("tests/data/images/couleur.png");
  fs::copy_file(image, dir / "a.png");
  fs::copy_file(image, dir / "below/deeper/b.png");
  fs::create_directory(dir / "inside");
  fs::copy_file(image, dir / "inside/c.png");
  fs::create_symlink(image, dir / "link.png");
  fs::create_directory_symlink(dir / "below", dir / "inside/up");
  REQUIRE(::mkfifo((dir / "inside/fifo.png").c_str(), 0600) == 0);

  const auto shown = [&](const std::string& src, const std::string& directory) {
    return beside_images("<fo:block>" + graphic(src) + "</fo:block>", (dir / directory).string());
  };
  for (const char* src : {"a.png", "below/deeper/b.png", "url(a.png)", "url('a.png')", "url( &quot;a.png&quot; )"}) {
    CHECK_NOTHROW(shown(src, ""));
  }
  for (const char* src : {"../a.png", "x/../../a.png", "/etc/passwd", "//etc/passwd", "file:///etc/passwd",
                          "http://127.0.0.1:9/a.png", "url(../a.png)", "./c.png", "up/..", "..", ".", "", "/", "c.png/",
                          "url()", "data:image/png;base64,AAAA", "..\\a.png", "{a}.png"}) {
    INFO(src);
    CHECK_THROWS_WITH(shown(src, "inside"), Catch::Contains("FO line 6, external-graphic: src must be"));
  }
  CHECK_THROWS_WITH(shown("link.png", ""), Catch::Contains("line 6, external-graphic: link.png: is a symbolic link"));
  CHECK_THROWS_WITH(shown("up/deeper/b.png", "inside"), Catch::Contains("is a symbolic link"));
  CHECK_THROWS_WITH(shown("fifo.png", "inside"), Catch::Contains("not a regular file"));
  CHECK_THROWS_WITH(shown("none.png", "inside"), Catch::Contains("line 6, external-graphic: none.png"));
  CHECK_THROWS_WITH(shown("below", ""), Catch::Contains("line 6, external-graphic: below"));
  CHECK_THROWS_WITH(render_flow("<fo:block>" + graphic("a.png") + "</fo:block>"),
                    Catch::Contains("stands in no directory"));
}

TEST_CASE("a file that is no image, or one too large, is an error with the line") {
  const TempDir dir;
  dir.put("text.png", "navette");
  const auto sparse = dir.put("large.png", "\x89PNG\r\n\x1A\n");
  fs::resize_file(sparse, 6U << 20U);
  const auto shown = [&](const std::string& src) {
    return beside_images("<fo:block>" + graphic(src) + "</fo:block>", dir.path().string());
  };
  CHECK_THROWS_WITH(shown("text.png"),
                    Catch::Contains("line 6, external-graphic: text.png: ") && Catch::Contains("neither PNG nor JPEG"));
  CHECK_THROWS_WITH(shown("large.png"), Catch::Contains("larger than it may be"));
  CHECK_THROWS_WITH(beside_images(graphic("cmjn.jpg")),
                    Catch::Contains("line 6, external-graphic: cmjn.jpg: ") && Catch::Contains("CMYK"));
}

TEST_CASE("an image says what it shows, or that it shows nothing, and how large it is") {
  const auto shown = [](const std::string& attributes) {
    return beside_images("<fo:block>a <fo:external-graphic src='couleur.png'" + attributes + "/></fo:block>");
  };
  const std::string size = " content-width='20mm'";
  CHECK_NOTHROW(shown(size + alt));
  CHECK_NOTHROW(shown(size + " role='artifact'"));
  CHECK_THROWS_WITH(shown(size), Catch::Contains("line 6, external-graphic: an image needs fox:alt-text"));
  CHECK_THROWS_WITH(shown(size + alt + " role='artifact'"), Catch::Contains("needs fox:alt-text"));
  CHECK_THROWS_WITH(shown(size + alt + " role='P'"), Catch::Contains("a Figure, or an artifact"));
  CHECK_THROWS_WITH(shown(alt), Catch::Contains("content-width or content-height"));
  CHECK_THROWS_WITH(shown(alt + std::string(" content-width='50%'")), Catch::Contains("content-width: not a length"));
  CHECK_THROWS_WITH(shown(size + alt + " scaling='non-uniform'"), Catch::Contains("property scaling is not supported"));
  CHECK_THROWS_WITH(beside_images("<fo:block><fo:external-graphic" + std::string(alt) + size + "/></fo:block>"),
                    Catch::Contains("src must be written out"));
}

TEST_CASE(
    "a box to tick is drawn by lines, empty or ticked, wherever the document lies, and is a figure that says what it "
    "means") {
  const auto file = [](const std::string& src) {
    return PdfFile(beside_images("<fo:block>" + graphic(src) + "</fo:block>", "").pdf);
  };
  const auto empty = file("navette:case");
  const auto ticked = file("url('navette:case-cochee')");
  for (const auto* one : {&empty, &ticked}) {
    CHECK(one->run("pdfimages -list").find("image") == std::string::npos);
    CHECK_THAT(one->run("pdfinfo -struct"), Catch::Contains("Figure"));
  }
  const auto ink = [](const PdfFile& pdf) {
    const std::string pixels = pdf.run("pdftoppm -gray -r 72");
    return std::count_if(pixels.begin() + 20, pixels.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
  };
  CHECK(ink(empty) > 50);
  CHECK(ink(ticked) > ink(empty) + 30);
  CHECK_THROWS_WITH(file("navette:rond"), Catch::Contains("src must be the path of a file"));
}

TEST_CASE("an image is drawn undistorted within the size that is asked for") {
  const auto box = [](const std::string& size) {
    const auto tags =
        PdfFile(beside_images("<fo:block>" + graphic("couleur.png", size) + "</fo:block>").pdf).run("pdfinfo -struct");
    const auto at = tags.find("/BBox [");
    REQUIRE(at != std::string::npos);
    double left = 0, bottom = 0, right = 0, top = 0;
    std::istringstream(tags.substr(at + 7)) >> left >> bottom >> right >> top;
    return std::pair(right - left, top - bottom);
  };
  for (const char* size :
       {" content-width='40pt'", " content-height='20pt'", " content-width='40pt' content-height='2in'",
        " content-width='90pt' content-height='20pt'", " font-size='20pt' content-height='1em'"}) {
    INFO(size);
    CHECK(box(size).first == Approx(40));
    CHECK(box(size).second == Approx(20));
  }
}

TEST_CASE("an image larger than the place it has is an error with its line") {
  CHECK_THROWS_WITH(beside_images("<fo:block>a\n" + graphic("couleur.png", " content-width='81mm'") + "</fo:block>"),
                    Catch::Contains("line 7, external-graphic: wider than the place it has"));
  CHECK_NOTHROW(beside_images("<fo:block>a\n" + graphic("couleur.png", " content-width='80mm'") + "</fo:block>"));
  CHECK_THROWS_WITH(
      beside_images("<fo:block margin='30mm'>" + graphic("couleur.png", " content-width='21mm'") + "</fo:block>"),
      Catch::Contains("wider"));
  CHECK_THROWS_WITH(beside_images("<fo:block line-height='30'>" + graphic("couleur.png") + "</fo:block>"),
                    Catch::Contains("line 6, block: content is higher than a page"));
}

TEST_CASE("an image stands on the line, makes it higher, and goes to the next page with it") {
  const std::string image = graphic("couleur.png", " content-height='30mm'");
  const auto result = beside_images("<fo:block>un " + image + " deux</fo:block><fo:block>" + image +
                                    "</fo:block><fo:block>trois " + image + "</fo:block>");
  CHECK(result.pages == 2);
  const PdfFile file(result.pdf);
  CHECK(contains(file.run("pdftotext -f 1 -l 1 -layout", "-"), "un  "));
  CHECK(contains(file.run("pdftotext -f 1 -l 1 -layout", "-"), "  deux"));
  CHECK(contains(file.run("pdftotext -f 2 -l 2", "-"), "trois"));
  CHECK(count(file.run("pdfinfo -struct"), "Figure") == 3);
  CHECK(count(file.run("pdfimages -list"), "\n   1 ") == 2);
  CHECK(count(file.run("qpdf --qdf --normalize-content=n", "-"), "/Subtype /Image") == 1);
}

TEST_CASE("what an image shows is text like any other: nothing in it turns or breaks what is read") {
  const auto result = beside_images(
      "<fo:block><fo:external-graphic src='couleur.png' content-width='9mm' xml:lang='en' "
      "xmlns:fox='http://xmlgraphics.apache.org/fop/extensions' fox:alt-text='a\u202Eb&#10;c'/></fo:block>");
  const auto raw = PdfFile(result.pdf).run("qpdf --qdf", "-");
  CHECK((contains(raw, "/Alt <feff0061006200200063>") || contains(raw, "/Alt (ab c)")));
  CHECK(contains(PdfFile(result.pdf).run("pdfinfo -struct"), "Figure"));
}

TEST_CASE("an image in a header or beside a heading that is repeated is no figure") {
  const std::string row =
      "<fo:table-row><fo:table-cell><fo:block>" + graphic("couleur.png") + "</fo:block></fo:table-cell></fo:table-row>";
  std::string rows;
  for (int i = 0; i < 20; ++i) rows += row;
  const auto result = beside_images("<fo:table><fo:table-column/><fo:table-header>" + row +
                                    "</fo:table-header><fo:table-body>" + rows + "</fo:table-body></fo:table>");
  CHECK(result.pages >= 3);
  CHECK(count(PdfFile(result.pdf).run("pdfinfo -struct"), "Figure") == 21);
}

TEST_CASE("a stylesheet's images are read with it: what is wrong with one is told before any demande comes") {
  const OwnStylesheet sheet("<fo:block>" + graphic("logo.png") + "</fo:block>");
  CHECK(contains(PdfFile(sheet.load_and_render()).run("pdfimages -list"), "rgb"));
  fs::remove(sheet.directory() / "logo.png");
  CHECK_THROWS_WITH(sheet.load(), Catch::Contains("demande-fo.xsl"));
  try {
    sheet.load();
  } catch (const std::exception& error) {
    CHECK(contains(describe(error), "demande-fo.xsl: FO line 8, external-graphic: logo.png: "));
  }
}

TEST_CASE("so are those of the stylesheets that it includes") {
  const OwnStylesheet sheet("<fo:block><xsl:call-template name='logo'/></fo:block>");
  sheet.part("<xsl:template name='logo'>" + graphic("logo.png") + "</xsl:template>");
  CHECK(contains(PdfFile(sheet.load_and_render()).run("pdfimages -list"), "rgb"));
  sheet.part("<xsl:template name='logo'>\n" + graphic("none.png") + "</xsl:template>");
  try {
    sheet.load();
    FAIL("an image is missing");
  } catch (const std::exception& error) {
    CHECK(contains(describe(error), "part.xsl: FO line 3, external-graphic: none.png: "));
  }
}

TEST_CASE("the text of a demande opens no file, whatever the stylesheet does with it") {
  const OwnStylesheet computed("<fo:block>" + graphic("{//commentaire}") + "</fo:block>");
  try {
    computed.load();
    FAIL("a computed src");
  } catch (const std::exception& error) {
    CHECK(contains(describe(error), "external-graphic: src must be the path of a file"));
  }
  const OwnStylesheet added(
      "<fo:block><fo:external-graphic role='artifact' content-width='9mm'><xsl:attribute name='src'><xsl:value-of "
      "select='//commentaire'/></xsl:attribute></fo:external-graphic></fo:block>");
  fs::copy_file("tests/data/images/couleur.png", added.directory() / "secret.png");
  for (const char* name : {"logo.png", "secret.png", "/etc/passwd", "../x.png"}) {
    try {
      added.load_and_render(name);
      FAIL("a demande named " << name);
    } catch (const std::exception& error) {
      CHECK(contains(describe(error), "external-graphic: src must be written out in the stylesheet"));
      CHECK_FALSE(contains(describe(error), name));  // R9
    }
  }
  const OwnStylesheet both("<fo:block>" + graphic("logo.png") + "<xsl:value-of select='//commentaire'/></fo:block>");
  const PdfFile printed(both.load_and_render("&lt;fo:external-graphic src='a.png'/&gt; ]]&gt;"));
  CHECK(contains(printed.text(), "<fo:external-graphic"));
  CHECK(contains(printed.text(), "src='a.png'/"));
  CHECK(count(printed.run("pdfimages -list"), "\n   1 ") == 1);
}
