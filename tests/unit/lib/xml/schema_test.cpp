#include "lib/xml/schema.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

using namespace navette::xml;
namespace fs = std::filesystem;

namespace {

class Schemas {
 public:
  Schemas() {
    std::string name = (fs::temp_directory_path() / "navette-xsd-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  Schemas(const Schemas&) = delete;
  Schemas& operator=(const Schemas&) = delete;
  ~Schemas() { fs::remove_all(path_); }
  std::string write(const std::string& name, const std::string& body) const {
    std::ofstream(path_ / name) << "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:t='urn:t' "
                                   "elementFormDefault='qualified' targetNamespace='urn:t'>"
                                << body << "</xs:schema>";
    return (path_ / name).string();
  }

 private:
  fs::path path_;
};

const char* const declarations =
    "<xs:element name='a'><xs:complexType><xs:sequence><xs:element name='n' type='xs:int' maxOccurs='9'/>"
    "</xs:sequence></xs:complexType></xs:element>";

}  // namespace

TEST_CASE("an element is judged against the declaration of its name, again and again") {
  const Schemas files;
  const auto schema = Schema::load(files.write("t.xsd", declarations));
  Validator validator(schema);
  const auto good = Document::parse("<a xmlns='urn:t'><n>1</n></a>");
  const auto bad = Document::parse("<a xmlns='urn:t'><n>1</n><n>x</n><n>y</n></a>");
  for (int i = 0; i < 3; ++i) {
    CHECK(validator.violations(good.root()).empty());
    const auto found = validator.violations(bad.root(), 10);
    REQUIRE(found.size() == 2);
    CHECK(found[0].path() == "/a/n[2]");
    CHECK(found[1].path() == "/a/n[3]");
    CHECK(validator.violations(bad.root()).size() == 1);
  }
  CHECK_FALSE(validator.violations(Document::parse("<unknown xmlns='urn:t'/>").root()).empty());
  CHECK_FALSE(validator.violations(Document::parse("<a/>").root()).empty());
  CHECK(validator.violations(Document::parse("<a xmlns='urn:t' x='y'><n>1</n></a>").root()).at(0).path() == "/a");
}

TEST_CASE("a schema loads its neighbours only") {
  const Schemas files;
  files.write("part.xsd", declarations);
  CHECK_NOTHROW(Schema::load(files.write("near.xsd", "<xs:include schemaLocation='part.xsd'/>")));
  CHECK_THROWS_AS(Schema::load(files.write("far.xsd", "<xs:include schemaLocation='http://127.0.0.1:9/x.xsd'/>")),
                  navette::Error);
}

TEST_CASE("a missing or faulty schema is refused with its name") {
  const Schemas files;
  CHECK_THROWS_WITH(Schema::load("/nonexistent/x.xsd"), Catch::Contains("x.xsd"));
  CHECK_THROWS_WITH(Schema::load(files.write("bad.xsd", "<xs:element/>")), Catch::Contains("bad.xsd"));
}
