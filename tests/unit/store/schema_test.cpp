#include "store/schema.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "store_fixture.h"

using namespace navette;
using namespace navette::store;
using test::Site;

TEST_CASE("an empty file becomes a database of this version; opening it again changes nothing") {
  Site site;
  const auto version = site.number("PRAGMA user_version");
  CHECK(version >= 1);
  const auto schema = site.text("SELECT group_concat(sql) FROM sqlite_master");
  site.open();
  CHECK(site.number("PRAGMA user_version") == version);
  CHECK(site.text("SELECT group_concat(sql) FROM sqlite_master") == schema);
  CHECK(site.text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("every table is STRICT") {
  Site site;
  CHECK(site.text("SELECT coalesce(group_concat(name), '') FROM pragma_table_list WHERE schema = 'main' AND type = "
                  "'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'") == "");
}

TEST_CASE("a database that is newer than the program is left alone") {
  Site site;
  site.store->connection().execute("PRAGMA user_version = 99");
  CHECK_THROWS_WITH(Store(site.path().string(), "navette"), Catch::Contains("install the newer navette"));
  CHECK_THROWS_AS(Store(site.path().string(), "navette", Store::Access::read_only), Error);
  CHECK(site.number("PRAGMA user_version") == 99);
}

TEST_CASE("a reader does not migrate, it says what to do") {
  const test::TempDir dir;
  { sqlite::Connection empty(dir / "navette.db", sqlite::Connection::Access::read_write); }
  CHECK_THROWS_WITH(Store((dir / "navette.db").string(), "navette", Store::Access::read_only),
                    Catch::Contains("navette run"));
}

TEST_CASE("a migration that fails half-way leaves the database as it was") {
  const test::TempDir dir;
  const std::string path = (dir / "navette.db").string();
  {
    sqlite::Connection c(path, sqlite::Connection::Access::read_write);
    c.execute("CREATE TABLE trace (x)");  // in the way
  }
  CHECK_THROWS(Store(path, "navette"));
  sqlite::Connection c(path, sqlite::Connection::Access::read_only);
  auto q = c.query("SELECT group_concat(name) FROM sqlite_master");
  q.step();
  CHECK(q.text(0) == "trace");
}

TEST_CASE("every reference to another row has an index: what is deleted walks through no table") {
  Site site;
  const std::string unindexed = site.text(
      "SELECT coalesce(group_concat(t.name || '.' || f.\"from\"), '') FROM pragma_table_list t, "
      "pragma_foreign_key_list(t.name) f "
      "WHERE t.schema = 'main' AND f.\"table\" IN ('demande', 'trace') AND NOT EXISTS ("
      "SELECT 1 FROM pragma_index_list(t.name) i, pragma_index_info(i.name) c "
      "WHERE i.partial = 0 AND c.seqno = 0 AND c.name = f.\"from\") "
      "AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name) p WHERE p.name = f.\"from\" AND p.pk = 1)");
  CHECK(unindexed == "");
}
