#include "model/reference_data.h"

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "base/error.h"

using navette::model::ReferenceData;

namespace {

const std::string header = "code\tparente\tdept\tnom\n";

}  // namespace

TEST_CASE("the list of communes of the project is read whole") {
  std::ostringstream bytes;
  bytes << std::ifstream("data/communes.tsv").rdbuf();
  const auto data = ReferenceData::parse(bytes.str());
  CHECK(data.size() > 34'000);
  REQUIRE(data.find("2A004"));
  CHECK(data.find("2A004")->nom == "Ajaccio");
  CHECK(data.find("2A004")->departement == "2A");
  CHECK_FALSE(data.find("99999"));
  CHECK_FALSE(data.find(""));
}

TEST_CASE("an arrondissement may be listed under its commune") {
  const auto data = ReferenceData::parse(header + "13055\t\t13\tMarseille\n13201\t13055\t13\tMarseille 1er\n");
  CHECK(data.accepted_for("13201") == std::vector<std::string>{"13201", "13055"});
  CHECK(data.accepted_for("13055") == std::vector<std::string>{"13055"});
}

TEST_CASE("a list that is not of its form is refused with its line") {
  CHECK_THROWS_WITH(ReferenceData::parse("a\tb\n"), Catch::Contains("line 1"));
  CHECK_THROWS_WITH(ReferenceData::parse(header + "01001\t\t01\n"), Catch::Contains("line 2"));
  CHECK_THROWS_WITH(ReferenceData::parse(header + "01001\t\t01\tA\n01001\t\t01\tB\n"), Catch::Contains("line 3"));
  CHECK_THROWS_AS(ReferenceData::parse(header), navette::Error);
  CHECK_THROWS_AS(ReferenceData::parse(""), navette::Error);
}
