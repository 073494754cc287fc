#include "lib/xml/document.h"

#include <catch2/catch.hpp>

using navette::xml::Document;
using navette::xml::Node;
using navette::xml::ParseError;

TEST_CASE("a document is read with names, texts, attributes and paths") {
  const auto doc = Document::parse(
      "<?xml version='1.0' encoding='ISO-8859-1'?>\n<p:a xmlns:p='urn:x' v='1' p:w='2'>\n<p:b>d\xe9j\xe0 "
      "<![CDATA[<vu>]]></p:b><b/><c>&amp;</c></p:a>");
  const Node root = doc.root();
  CHECK(root.name() == "a");
  CHECK(root.space() == "urn:x");
  CHECK(root.attribute("v") == "1");
  CHECK_FALSE(root.attribute("w"));
  CHECK(root.attribute("w", "urn:x") == "2");
  CHECK(root.child_text("b") == "déjà <vu>");
  CHECK(root.child("b").line() == 3);
  CHECK(root.child("b").next_element().path() == "/a/b[2]");
  CHECK(root.child("c").path() == "/a/c");
  CHECK(root.child_text("c") == "&");
  CHECK_FALSE(root.child("d"));
  CHECK(root.child("d").text().empty());
  std::string seen;
  root.each_attribute([&](auto name, auto space, const auto& value) {
    seen += std::string(name) + "|" + std::string(space) + "|" + value + ";";
  });
  CHECK(seen == "v||1;w|urn:x|2;");
}

TEST_CASE("serialise gives UTF-8 with a declaration") {
  const auto doc = Document::parse("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>");
  CHECK(doc.serialise() == "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>é</a>\n");
}

TEST_CASE("what is not well-formed is refused with its place and without its content") {
  try {
    Document::parse("<a>\n  <secret></a>");
    FAIL("accepted");
  } catch (const ParseError& error) {
    CHECK(error.line() == 2);
    CHECK(error.column() > 0);
    CHECK(std::string(error.what()).find("secret") == std::string::npos);
  }
  CHECK_THROWS_AS(Document::parse(""), ParseError);
  CHECK_THROWS_AS(Document::parse("<a>&undeclared;</a>"), ParseError);
}

TEST_CASE("a DOCTYPE is refused, whatever it declares") {
  CHECK_THROWS_AS(Document::parse("<!DOCTYPE a><a/>"), ParseError);
  CHECK_THROWS_AS(Document::parse("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"), ParseError);
  CHECK_THROWS_AS(Document::parse("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"), ParseError);
}
