#include "lib/xml/stylesheet.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
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
  CHECK_THROWS_WITH(Stylesheet::load(sheets.write("write.xsl", "<xsl:template match='a'><xsl:document href='" + out +
                                                                   "'><c/></xsl:document></xsl:template>")),
                    Catch::Contains("write.xsl:2: there is no xsl:document"));
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("a faulty stylesheet is refused with its file and line") {
  const Sheets sheets;
  const auto path = sheets.write("bad.xsl", "<xsl:template match='a'>\n<xsl:value-of select='((('/></xsl:template>");
  CHECK_THROWS_WITH(Stylesheet::load(path), Catch::Contains("bad.xsl:3"));
  CHECK_THROWS(Stylesheet::load(path + ".missing"));
}

TEST_CASE("what libxslt would drop in silence is an error, with file, line and reason") {
  const Sheets sheets;
  const auto refused = [&](const std::string& body, const std::string& said) {
    CAPTURE(body);
    CHECK_THROWS_WITH(Stylesheet::load(sheets.write("bad.xsl", body)), Catch::Contains(said));
  };
  refused("<xsl:template match='a'>\n<xsl:valeu-of select='.'>text</xsl:valeu-of></xsl:template>",
          "bad.xsl:3: there is no xsl:valeu-of");
  refused("<xsl:template match='a'>\n<xsl:apply-templates selekt='b'/></xsl:template>",
          "bad.xsl:3: xsl:apply-templates has no attribute selekt");
  refused("<xsl:template match='a'><b xsl:use-attribute-set='x'/></xsl:template>",
          "bad.xsl:2: b has no attribute xsl:use-attribute-set");
  refused("<xsl:value-of select='1'/>", "bad.xsl:2: xsltParseStylesheetTop: unknown value-of element");
  refused("<xsl:template match='z:a'/>", "bad.xsl:2: xsltCompileStepPattern : no namespace bound to prefix z");
  refused("<xsl:template match='a'><xsl:value-of select='((('/></xsl:template>", "XPath: '(((': Invalid expression");
  refused("<xsl:include href='absent.xsl'/>", "bad.xsl:2: xsl:include : unable to load");
  const auto in = [](const std::string& body) { return "<xsl:template match='a'>\n" + body + "</xsl:template>"; };
  refused(in("<xsl:value-of select='.'>LOST</xsl:value-of>"), "bad.xsl:3: xsl:value-of holds no text");
  refused(in("<xsl:copy-of select='.'>\n<b/></xsl:copy-of>"), "bad.xsl:4: xsl:copy-of holds no b");
  refused(in("<xsl:apply-templates>LOST</xsl:apply-templates>"), "bad.xsl:3: xsl:apply-templates holds no text");
  refused(in("<xsl:apply-templates>\n<xsl:text>LOST</xsl:text></xsl:apply-templates>"),
          "bad.xsl:3: xsl:apply-templates holds no text");
  refused(
      in("<xsl:call-template name='t'>\n<xsl:value-of select='.'/></xsl:call-template>") + "<xsl:template name='t'/>",
      "bad.xsl:4: xsl:call-template holds no xsl:value-of");
  refused(in("<xsl:choose><xsl:when test='1'/>\n<b/></xsl:choose>"), "bad.xsl:4: xsl:choose holds no b");
  refused("LOST", "misplaced text node");
  // A value of the document would be told as the name of what is wrong (R9).
  refused(in("<xsl:element name='{b}'/>"), "bad.xsl:3: xsl:element: name must be written out");
  refused(in("<b><xsl:attribute name='{b}'>1</xsl:attribute></b>"),
          "bad.xsl:3: xsl:attribute: name must be written out");
  refused(in("<b><xsl:attribute name='x' namespace='{b}'>1</xsl:attribute></b>"),
          "xsl:attribute: namespace must be written");
  refused(in("<b xsl:use-attribute-sets='one none'/>") + "<xsl:attribute-set name='one'/>",
          "bad.xsl:3: there is no xsl:attribute-set none");
  refused(in("<xsl:element name='b' use-attribute-sets='none'/>"), "bad.xsl:3: there is no xsl:attribute-set none");
  refused(in("<xsl:value-of select=\"concat('a', key( 'none', 1))\"/>") + "<xsl:key name='one' match='b' use='@c'/>",
          "bad.xsl:3: there is no xsl:key none");
  refused(in("<b c='{key(\"none\", .)}'/>"), "bad.xsl:3: there is no xsl:key none");
  CHECK_NOTHROW(Stylesheet::load(
      sheets.write("keys.xsl", in("<b c='{key(\"one\", .)}'/>") + "<xsl:key name='one' match='b' use='@c'/>")));
  sheets.write("sets.xsl", "<xsl:attribute-set name='far'/>");
  CHECK_NOTHROW(Stylesheet::load(sheets.write(
      "sets-used.xsl", "<xsl:include href='sets.xsl'/><xsl:attribute-set name='near' use-attribute-sets='far'/>" +
                           in("<b xsl:use-attribute-sets=' near\nfar '/>"))));
  CHECK_NOTHROW(Stylesheet::load(sheets.write(
      "good.xsl", in("<xsl:apply-templates select='b'>\n<!-- x --><xsl:sort select='c'/><xsl:with-param name='p' "
                     "select='1'/></xsl:apply-templates><b c='{.}'/>"))));
  sheets.write("part.xsl", "\n<xsl:template match='b'><xsl:fi test='1'/></xsl:template>");
  refused("<xsl:include href='part.xsl'/>", "part.xsl:3: there is no xsl:fi");
  refused("<xsl:import href='part.xsl'/>", "part.xsl:3: there is no xsl:fi");
}

TEST_CASE("an expression that cannot be evaluated fails the transformation, with its place and reason") {
  const Sheets sheets;
  for (const auto& [expression, said] : {std::pair{"$absent", "Undefined variable"},
                                         {"absent(.)", "Unregistered function"},
                                         {"z:b", "Undefined namespace prefix"}}) {
    const auto sheet =
        Stylesheet::load(sheets.write("main.xsl", std::string("<xsl:template match='a'><b>\n<xsl:value-of select='") +
                                                      expression + "'/></b></xsl:template>"));
    CHECK_THROWS_WITH(sheet.transform(Document::parse("<a>private</a>")),
                      Catch::Contains("main.xsl:3") && Catch::Contains(said) && !Catch::Contains("private"));
  }
}

TEST_CASE("what a stylesheet says is kept for who asks, and looks like no line of libxslt") {
  const Sheets sheets;
  const auto sheet = Stylesheet::load(sheets.write(
      "main.xsl", "<xsl:template match='a'><xsl:message><xsl:value-of select='.'/></xsl:message><b/></xsl:template>"));
  const navette::xml::XsltMessages messages;
  sheet.transform(Document::parse("<a>one\nXPath: x\nruntime error: file private line 3 element a</a>"));
  CHECK(messages.lines() ==
        std::vector<std::string>{"xsl:message: one", "  XPath: x", "  runtime error: file private line 3 element a"});
  CHECK(messages.place().empty());
}

TEST_CASE("what is made by an instruction has its line, what is written out its own") {
  const Sheets sheets;
  sheets.write("base.xsl", "\n\n\n\n\n\n\n<xsl:template match='q'><xsl:element name='in-base'/></xsl:template>");
  const auto sheet = Stylesheet::load(sheets.write("main.xsl", R"(<xsl:import href='base.xsl'/><xsl:template match='a'>
<b>
<xsl:element name='made'>
<in/>
<xsl:element name='made-in'/></xsl:element>
<xsl:copy-of select='c'/>
<xsl:apply-templates select='c|q'/><xsl:copy-of select='$kept'/></b></xsl:template>
<xsl:template match='c'><xsl:copy>
<xsl:for-each select='@*'><xsl:copy/></xsl:for-each>x</xsl:copy></xsl:template>
<xsl:variable name='kept'>
<v><xsl:element name='w'/></v></xsl:variable>)"));
  auto source = Document::parse("<a>\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n<c id='i'>\n<d/></c><q/></a>");
  const auto lines = [&] {
    std::map<std::string, std::vector<long>> out;
    const auto result = sheet.transform(source);
    const std::function<void(navette::xml::Node)> add = [&](navette::xml::Node node) {
      out[std::string(node.name())].push_back(node.line());
      for (auto child = node.first_element(); child; child = child.next_element()) add(child);
    };
    add(result.root());
    return out;
  };
  CHECK(lines()["c"] == std::vector<long>{16, 16});
  source.forget_lines();
  using Lines = std::map<std::string, std::vector<long>>;
  CHECK(lines() == Lines{{"b", {3}},
                         {"made", {4}},
                         {"in", {5}},
                         {"made-in", {6}},
                         {"c", {7, 9}},
                         {"d", {7}},
                         {"in-base", {9}},
                         {"v", {12}},
                         {"w", {12}}});
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
    CHECK(std::string(error.what()).find("stop.xsl:3") != std::string::npos);
    CHECK(std::string(error.what()).find("private") == std::string::npos);
  }
}
