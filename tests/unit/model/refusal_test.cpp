#include "model/refusal.h"

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

using namespace navette::model;

namespace {

std::string schema() {
  std::ostringstream out;
  out << std::ifstream("xsd/accuse-1.xsd").rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("codes and labels are those of accuse-1.xsd, in number and in words") {
  std::string xsd = schema();
  xsd.erase(0, xsd.find("name=\"codeRefus\""));
  std::size_t in_schema = 0;
  for (auto at = xsd.find("<xs:enumeration"); at != std::string::npos; at = xsd.find("<xs:enumeration", at + 1)) {
    const auto between = [&](const std::string& before, const std::string& after) {
      const auto start = xsd.find(before, at) + before.size();
      return xsd.substr(start, xsd.find(after, start) - start);
    };
    const auto code = parse_code(between("value=\"", "\""));
    REQUIRE(code);
    CHECK(label(*code) == between("<xs:documentation>", "</"));
    ++in_schema;
  }
  CHECK(in_schema == static_cast<std::size_t>(Code::contenu_incompatible) + 1);
}

TEST_CASE("a code is read back as it is written") {
  for (std::size_t k = 0; k <= static_cast<std::size_t>(Code::contenu_incompatible); ++k) {
    const auto code = static_cast<Code>(k);
    CHECK(parse_code(to_string(code)) == code);
  }
  CHECK_FALSE(parse_code("totaux_faux"));
  CHECK_FALSE(parse_code(""));
}
