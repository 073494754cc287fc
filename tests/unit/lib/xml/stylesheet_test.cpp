#include "lib/xml/stylesheet.h"

#include <filesystem>
#include <fstream>
#include <set>

#include <catch2/catch.hpp>

using navette::xml::Document;
using navette::xml::Stylesheet;
namespace fs = std::filesystem;

namespace {

// A directory of stylesheets, removed at the end of the test.
class Sheets {
 public:
  Sheets() {
    std::string name = (fs::temp_directory_path() / "navette-xslt-XXXXXX").string();
    path_ = mkdtemp(name.data());
    fs::create_directory(path_ / "sub");
  }
  Sheets(const Sheets&) = delete;
  Sheets& operator=(const Sheets&) = delete;
  ~Sheets() { fs::remove_all(path_); }
  std::string write(const std::string& name, const std::string& body) const {
    const auto path = path_ / name;
    std::ofstream(path) << "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>\n"
                        << body << "\n</xsl:stylesheet>";
    return path.string();
  }

 private:
  fs::path path_;
};

const char* const empty = "<a/>";

}  // namespace

TEST_CASE("a stylesheet includes its neighbours and takes parameters as strings") {
  const Sheets sheets;
  sheets.write("part.xsl", "<xsl:template match='a'><b p='{$p}'><xsl:value-of select='.'/></b></xsl:template>");
  const auto path = sheets.write("main.xsl", "<xsl:include href='part.xsl'/><xsl:param name='p'/>");
  const auto sheet = Stylesheet::load(path);
  const auto result = sheet.transform(Document::parse("<a>é</a>"), {{"p", "it's \"quoted\" 1+1"}});
  CHECK(result.root().name() == "b");
  CHECK(result.root().text() == "é");
  CHECK(result.root().attribute("p") == "it's \"quoted\" 1+1");
}

TEST_CASE("a stylesheet tells the files that it is made of") {
  const Sheets sheets;
  sheets.write("deep.xsl", "<xsl:variable name='deep'/>");
  sheets.write("part.xsl", "<xsl:include href='deep.xsl'/><xsl:variable name='part'/>");
  sheets.write("base.xsl", "<xsl:variable name='base'/>");
  const auto sheet =
      Stylesheet::load(sheets.write("main.xsl", "<xsl:import href='base.xsl'/><xsl:include href='part.xsl'/>"));
  std::set<std::string> names;
  for (const auto& [path, root] : sheet.files()) {
    CHECK(root.name() == "stylesheet");
    names.insert(fs::path(path).filename().string());
  }
  CHECK(names == std::set<std::string>{"main.xsl", "base.xsl", "part.xsl", "deep.xsl"});
}

TEST_CASE("a stylesheet loads nothing from elsewhere") {
  const Sheets sheets;
  sheets.write("sub/part.xsl", "<xsl:template match='a'><stolen/></xsl:template>");
  for (const char* href : {"http://127.0.0.1:9/x.xsl", "sub/part.xsl", "file:///etc/hostname", "../x.xsl"}) {
    const auto path = sheets.write("main.xsl", std::string("<xsl:include href='") + href + "'/>");
    CHECK_THROWS_AS(Stylesheet::load(path), navette::Error);
  }
}

TEST_CASE("a transformation reads no other document and writes none") {
  const Sheets sheets;
  sheets.write("other.xsl", "");
  const auto out = sheets.write("out.xml", "");
  fs::remove(out);
  const auto reading = Stylesheet::load(sheets.write(
      "main.xsl", "<xsl:template match='a'><b><xsl:copy-of select=\"document('other.xsl')\"/></b></xsl:template>"));
  CHECK_THROWS_AS(reading.transform(Document::parse(empty)), navette::Error);
  const auto writing = Stylesheet::load(sheets.write(
      "write.xsl", "<xsl:template match='a'><xsl:document href='" + out + "'><c/></xsl:document></xsl:template>"));
  CHECK_THROWS_AS(writing.transform(Document::parse(empty)), navette::Error);
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("a faulty stylesheet is refused with its file and line") {
  const Sheets sheets;
  const auto path = sheets.write("bad.xsl", "<xsl:template match='a'>\n<xsl:value-of select='((('/></xsl:template>");
  CHECK_THROWS_WITH(Stylesheet::load(path), Catch::Contains("bad.xsl:3"));
  CHECK_THROWS(Stylesheet::load(path + ".missing"));
}

TEST_CASE("a transformation that stops tells where and no value") {
  const Sheets sheets;
  const auto sheet =
      Stylesheet::load(sheets.write("stop.xsl",
                                    "<xsl:template match='a'>\n<xsl:message terminate='yes'><xsl:value-of "
                                    "select='.'/></xsl:message></xsl:template>"));
  try {
    sheet.transform(Document::parse("<a>private</a>"));
    FAIL("accepted");
  } catch (const navette::Error& error) {
    CHECK(std::string(error.what()).find("stop.xsl") != std::string::npos);
    CHECK(std::string(error.what()).find("private") == std::string::npos);
  }
}
