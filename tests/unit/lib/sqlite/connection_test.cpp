#include "lib/sqlite/connection.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "base/error.h"
#include "unit/base/temp_dir.h"

using namespace navette;
using namespace navette::sqlite;
using Access = Connection::Access;

namespace {

std::string text_of(Connection& c, const char* sql) {
  auto q = c.query(sql);
  return q.step() ? q.text(0) : "none";
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  return st.st_mode & 0777U;
}

}  // namespace

TEST_CASE("a connection has our settings") {
  const test::TempDir dir;
  Connection c(dir / "a.db", Access::read_write);
  CHECK(text_of(c, "PRAGMA journal_mode") == "wal");
  CHECK(text_of(c, "PRAGMA synchronous") == "2");
  CHECK(text_of(c, "PRAGMA foreign_keys") == "1");
  CHECK(text_of(c, "PRAGMA secure_delete") == "1");
  CHECK(text_of(c, "PRAGMA trusted_schema") == "0");
  CHECK(text_of(c, "PRAGMA busy_timeout") == "10000");
}

TEST_CASE("foreign keys are kept") {
  const test::TempDir dir;
  Connection c(dir / "a.db", Access::read_write);
  c.execute("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE e (p INTEGER REFERENCES p (id))");
  CHECK_THROWS(c.query("INSERT INTO e VALUES (1)").run());
  c.query("INSERT INTO p VALUES (1)").run();
  CHECK_NOTHROW(c.query("INSERT INTO e VALUES (1)").run());
}

TEST_CASE("the database and its log are readable by their owner alone, whatever the umask") {
  const test::TempDir dir;
  const mode_t before = ::umask(0);
  {
    Connection c(dir / "a.db", Access::read_write);
    c.execute("CREATE TABLE t (x)");
    CHECK(mode_of(dir / "a.db-wal") == 0600);
    CHECK(mode_of(dir / "a.db-shm") == 0600);
  }
  ::umask(before);
  CHECK(mode_of(dir / "a.db") == 0600);
}

TEST_CASE("a transaction that is not committed leaves nothing, one that is stays") {
  const test::TempDir dir;
  {
    Connection c(dir / "a.db", Access::read_write);
    c.execute("CREATE TABLE t (x INTEGER)");
    {
      const Transaction t(c);
      c.query("INSERT INTO t VALUES (?)").bind(1).run();
    }
    CHECK(text_of(c, "SELECT count(*) FROM t") == "0");
    try {
      const Transaction t(c);
      c.query("INSERT INTO t VALUES (?)").bind(2).run();
      throw Error("half way");
    } catch (const Error&) {
      CHECK(text_of(c, "SELECT count(*) FROM t") == "0");
    }
    Transaction t(c);
    c.query("INSERT INTO t VALUES (?)").bind(3).run();
    t.commit();
  }
  Connection again(dir / "a.db", Access::read_write);
  CHECK(text_of(again, "SELECT group_concat(x) FROM t") == "3");
}

TEST_CASE("a transaction holds off other writers from its first moment; readers go on with what was") {
  const test::TempDir dir;
  Connection one(dir / "a.db", Access::read_write);
  one.execute("CREATE TABLE t (x INTEGER)");
  Connection two(dir / "a.db", Access::read_write);
  two.execute("PRAGMA busy_timeout=0");
  const Transaction t(one);
  one.query("INSERT INTO t VALUES (1)").run();
  CHECK_THROWS(Transaction(two));
  CHECK(text_of(two, "SELECT count(*) FROM t") == "0");
}

TEST_CASE("a reader writes nothing and creates nothing") {
  const test::TempDir dir;
  CHECK_THROWS_AS(Connection(dir / "none.db", Access::read_only), Error);
  CHECK_FALSE(std::filesystem::exists(dir / "none.db"));
  Connection writer(dir / "a.db", Access::read_write);
  writer.execute("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (7)");
  Connection reader(dir / "a.db", Access::read_only);
  CHECK(text_of(reader, "SELECT x FROM t") == "7");
  CHECK_THROWS(reader.query("INSERT INTO t VALUES (8)").run());
  CHECK_THROWS(reader.execute("CREATE TABLE u (x)"));
  CHECK(text_of(writer, "SELECT count(*) FROM t") == "1");
}

TEST_CASE("what cannot be opened is named") {
  const test::TempDir dir;
  for (const std::string& path : {(dir / "missing/a.db").string(), dir.path().string()}) {
    try {
      const Connection c(path, Access::read_write);
      FAIL("opened " << path);
    } catch (const Error& e) {
      CHECK_THAT(e.what(), Catch::Contains(path));
    }
  }
}

TEST_CASE("a symbolic link in the place of the database is refused") {
  const test::TempDir dir;
  std::filesystem::create_symlink(dir / "elsewhere.db", dir / "a.db");
  CHECK_THROWS_AS(Connection(dir / "a.db", Access::read_write), Error);
  CHECK_FALSE(std::filesystem::exists(dir / "elsewhere.db"));
}

TEST_CASE("values come back as they were bound") {
  const test::TempDir dir;
  Connection c(dir / "a.db", Access::read_write);
  c.execute("CREATE TABLE t (i INTEGER, t TEXT, b BLOB, n TEXT, o INTEGER)");
  const std::string bytes("a\0b\xff", 4);
  auto insert = c.query("INSERT INTO t VALUES (?, ?, ?, ?, ?)");
  insert.bind(std::int64_t{1} << 60).bind(std::string("é'\"")).bind_blob(bytes).bind(std::nullopt);
  insert.bind(std::optional<std::int64_t>(5)).run();
  auto q = c.query("SELECT i, t, b, n, o FROM t");
  REQUIRE(q.step());
  CHECK(q.integer(0) == std::int64_t{1} << 60);
  CHECK(q.text(1) == "é'\"");
  CHECK(q.text(2) == bytes);
  CHECK(q.is_null(3));
  CHECK_FALSE(q.find_text(3));
  CHECK_FALSE(q.find_integer(3));
  CHECK(q.find_integer(4) == 5);
  CHECK_FALSE(q.step());
}

TEST_CASE("a statement is prepared once and forgets what was bound before") {
  const test::TempDir dir;
  Connection c(dir / "a.db", Access::read_write);
  c.execute("CREATE TABLE t (x INTEGER, y INTEGER)");
  const char* insert = "INSERT INTO t VALUES (?, ?)";
  c.query(insert).bind(1, 2).run();
  c.query(insert).bind(3).run();
  CHECK(text_of(c, "SELECT count(*) FROM t WHERE x = 3 AND y IS NULL") == "1");
  std::size_t count = 0;
  for (const auto& sql : c.prepared()) count += sql == insert ? 1U : 0U;
  CHECK(count == 1);
}

TEST_CASE("the plan of a query tells a search from a scan") {
  const test::TempDir dir;
  Connection c(dir / "a.db", Access::read_write);
  c.execute("CREATE TABLE t (x INTEGER, y INTEGER); CREATE INDEX t_x ON t (x)");
  CHECK_THAT(c.plan_of("SELECT y FROM t WHERE x = 1").at(0), Catch::StartsWith("SEARCH t"));
  CHECK_THAT(c.plan_of("SELECT x FROM t WHERE y = 1").at(0), Catch::StartsWith("SCAN t"));
}

TEST_CASE("the work of statements is counted: a scan costs its rows, a search does not") {
  const test::TempDir dir;
  Connection c(dir / "a.db", Access::read_write);
  c.execute(
      "CREATE TABLE t (x INTEGER PRIMARY KEY, y INTEGER); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
      "n WHERE i < 1000) INSERT INTO t SELECT i, i FROM n");
  c.take_work();
  CHECK(text_of(c, "SELECT y FROM t WHERE x = 500") == "500");
  const auto search = c.take_work();
  CHECK(search.scanned == 0);
  CHECK(search.instructions < 100);
  CHECK(text_of(c, "SELECT count(*) FROM t WHERE y > 0") == "1000");
  const auto scan = c.take_work();
  CHECK(scan.scanned >= 999);
  CHECK(scan.instructions > 1000);
  CHECK(c.take_work().instructions == 0);
}

TEST_CASE("no transaction begins on a database that was deleted or replaced") {
  const test::TempDir dir;
  Connection c(dir / "a.db", Access::read_write);
  c.execute("CREATE TABLE t (x INTEGER)");
  CHECK_NOTHROW(c.require_in_place());
  std::filesystem::rename(dir / "a.db", dir / "b.db");
  CHECK_THROWS_AS(Transaction(c), MovedError);
  { std::ofstream(dir / "a.db") << "another"; }
  CHECK_THROWS_WITH(c.require_in_place(), Catch::Contains((dir / "a.db").string()));
  std::filesystem::rename(dir / "b.db", dir / "a.db");
  CHECK_NOTHROW(Transaction(c).commit());
}

TEST_CASE("what SQLite says of a file names it, and what to do") {
  const test::TempDir dir;
  {
    Connection c(dir / "a.db", Access::read_write);
    c.execute(
        "CREATE TABLE t (x TEXT); INSERT INTO t VALUES (hex(randomblob(20000))); PRAGMA wal_checkpoint(TRUNCATE)");
  }
  {
    std::fstream file(dir / "a.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(8192, 'x');
  }
  Connection c(dir / "a.db", Access::read_only);
  auto q = c.query("SELECT x FROM t");
  try {
    q.step();
    FAIL("read from a damaged file");
  } catch (const Error& e) {
    CHECK_THAT(describe(e), Catch::Contains((dir / "a.db").string()) && Catch::Contains("restore the last copy"));
  }
}

TEST_CASE("a full disk and a database that another process holds are told with what to do") {
  const test::TempDir dir;
  const std::string path = dir / "a.db";
  Connection c(path, Access::read_write);
  c.execute("CREATE TABLE t (x); PRAGMA max_page_count=3; PRAGMA busy_timeout=0");
  CHECK_THROWS_WITH(c.execute("INSERT INTO t VALUES (zeroblob(100000))"),
                    Catch::Contains("the disk of " + dir.path().string() + " is full: free some room"));
  Connection other(path, Access::read_write);
  const Transaction held(other);
  CHECK_THROWS_WITH(Transaction(c), Catch::Contains("`fuser -v " + path + "`"));
}
