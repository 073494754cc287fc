// What the latest pass could not do.
#include <catch2/catch.hpp>

#include "store_fixture.h"

using namespace navette;
using namespace navette::store;
using test::at;
using test::Site;

TEST_CASE("a fault met again keeps its beginning, one that is not met goes, and nothing new writes nothing") {
  Site site;
  const Instant first = at("2026-11-20T05:00:00Z");
  const Instant second = at("2026-11-20T06:00:00Z");
  site.store->set_incidents({{"claim", "1 deposit", {}}, {"render", "disk full", {}}}, first);
  site.store->set_incidents({{"claim", "2 deposits", {}}, {"answer", "no accusé", {}}}, second);
  const auto rows = site.store->incidents();
  REQUIRE(rows.size() == 2);
  CHECK((rows[0].key == "claim" && rows[0].text == "2 deposits" && rows[0].since == first));
  CHECK((rows[1].key == "answer" && rows[1].since == second));

  Store other(site.path().string(), "other");
  auto writes = [&] {  // of any other connection
    auto q = other.connection().query("PRAGMA data_version");
    q.step();
    return q.integer(0);
  };
  const auto before = writes();
  site.store->set_incidents({{"answer", "no accusé", {}}, {"claim", "2 deposits", {}}}, second);
  CHECK(writes() == before);
  site.store->set_incidents({}, second);
  CHECK(writes() != before);
  CHECK(site.store->incidents().empty());
}
