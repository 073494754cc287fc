#include "flux/demande_document.h"

#include <catch2/catch.hpp>

#include "flux_support.h"

using namespace flux_test;
using navette::flux::find_demande;

namespace {

std::optional<navette::flux::DemandeRecord> find(std::string_view bytes, const std::string& reference) {
  const auto fd = file_of(bytes);
  return find_demande(fd.get(), schemas(), communes(), reference);
}

}  // namespace

TEST_CASE("a demande is found in a flux by its reference, and the first without one") {
  const auto flux = slurp("tests/data/demo/demandes.xml");
  const auto first = find(flux, "");
  REQUIRE(first);
  CHECK(find(flux, first->demande.reference)->xml == first->xml);
  CHECK_FALSE(find(flux, "NONE"));
}

TEST_CASE("a delivered document gives the same bytes again") {
  const auto first = find(slurp("tests/data/demandes/ok-riche.xml"), "");
  REQUIRE(first);
  const auto again = find(first->xml, first->demande.reference);
  REQUIRE(again);
  CHECK(again->xml == first->xml);
  CHECK_FALSE(find(first->xml, "NONE"));
}

TEST_CASE("a file that is refused says why, without a value") {
  CHECK_THROWS_WITH(find("<a/>", ""), Catch::Contains("TYPE_INCONNU"));
  CHECK_THROWS_WITH(find(slurp("tests/data/demandes/bad-tronque.xml"), "NONE"), Catch::Contains("XML_MAL_FORME"));
  const auto flux = slurp("tests/data/demandes/bad-non-eligible.xml");
  Recorder recorder;
  read_bytes(flux, recorder);
  CHECK_THROWS_WITH(find(flux, recorder.refusals.at(0).reference), Catch::Contains("NON_ELIGIBLE"));
}
