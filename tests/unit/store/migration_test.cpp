// A database that an older navette left (tests/data/store/version-7.sql) is taken over with all that is in it.
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

#include "store/schema.h"
#include "store_fixture.h"

using namespace navette;
using namespace navette::store;
using test::at;

namespace {

using Rows = std::vector<std::string>;  // every value of a row, as SQL would write it

struct Former {
  Former() {
    std::ifstream file("tests/data/store/version-7.sql");
    std::ostringstream sql;
    sql << file.rdbuf();
    SQLite::Database db(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec(sql.str());
    SQLite::Statement names(db, "SELECT name FROM sqlite_master WHERE type = 'table'");
    while (names.executeStep()) {
      const std::string table = names.getColumn(0).getString();
      SQLite::Statement columns(db,
                                "SELECT group_concat('quote(' || name || ')', ' || '' '' || ') FROM "
                                "pragma_table_info('" +
                                    table + "')");
      columns.executeStep();
      columns_[table] = columns.getColumn(0).getString();
    }
  }
  std::string path() const { return (dir / "navette.db").string(); }
  void migrate() { store = std::make_unique<Store>(path(), "navette"); }

  Rows rows(const std::string& sql) const {
    SQLite::Database db(path(), SQLite::OPEN_READONLY);
    SQLite::Statement q(db, sql);
    Rows out;
    while (q.executeStep()) out.push_back(q.getColumn(0).getString());
    return out;
  }
  std::string text(const std::string& sql) const { return rows(sql).at(0); }
  // Of every table, in the columns that it had then.
  std::map<std::string, Rows> content() const {
    std::map<std::string, Rows> out;
    for (const auto& [table, columns] : columns_) out[table] = rows("SELECT " + columns + " FROM " + table);
    return out;
  }

  test::TempDir dir;
  std::unique_ptr<Store> store;

 private:
  std::map<std::string, std::string> columns_;
};

Rows only_in(const Rows& some, const Rows& others) {
  const std::set<std::string> there(others.begin(), others.end());
  Rows out;
  std::copy_if(some.begin(), some.end(), std::back_inserter(out),
               [&](const auto& row) { return !there.contains(row); });
  return out;
}

}  // namespace

TEST_CASE("nothing of a former database is lost, and nothing changes in it but what has another state now") {
  Former db;
  const auto before = db.content();
  db.migrate();
  const auto after = db.content();
  CHECK(before.size() > 20);
  for (const auto& [table, rows] : before) {
    INFO(table);
    CHECK(after.at(table).size() == rows.size());
    CHECK((table == "etablissement" || !rows.empty()));
    if (table != "remise" && table != "lieu") CHECK(after.at(table) == rows);
  }
  CHECK(only_in(before.at("remise"), after.at("remise")).size() == 1);
  CHECK(only_in(before.at("lieu"), after.at("lieu")).size() == 2);
  CHECK(db.text("PRAGMA integrity_check") == "ok");
  CHECK(db.rows("SELECT \"table\" FROM pragma_foreign_key_check").empty());
  const TraceCheck traces = db.store->verify();
  CHECK_FALSE(traces.broken_at);
  CHECK(traces.rows == 7);
  db.store->add_trace({"essai", "lieu:rpe-depot", "une ligne de plus"}, at("2026-11-20T06:00:00Z"));
  CHECK_FALSE(db.store->verify().broken_at);
}

TEST_CASE("a former database has the schema that a new one has") {
  Former db;
  db.migrate();
  const test::Site fresh;
  const std::string schema = "SELECT name || ': ' || coalesce(sql, '') FROM sqlite_master ORDER BY name";
  SQLite::Database made(fresh.path().string(), SQLite::OPEN_READONLY);
  SQLite::Statement q(made, schema);
  Rows expected;
  while (q.executeStep()) expected.push_back(q.getColumn(0).getString());
  CHECK(db.rows(schema) == expected);
}

TEST_CASE("of a mail that was withdrawn the lieu's word is asked for; what was removed, or never left, is as it was") {
  Former db;
  db.migrate();
  CHECK(db.rows("SELECT nom || ' ' || etat FROM remise WHERE rappel IS NOT NULL ORDER BY id") ==
        Rows{"rpe-sftp-20261112-9 a-rappeler", "rpe-sftp-20261112-10 rappelee", "rpe-courriel-20261112-11 a-detruire",
             "rpe-courriel-20261112-12 rappelee"});
  CHECK(db.text("SELECT motif FROM remise WHERE id = 11") ==
        "rappel-impossible: a mail cannot be taken back: ask the lieu to destroy what it has");
  CHECK(db.store->counts().destructions_waiting == 1);
  db.store->confirm_taken_back("rpe-courriel-20261112-11", "détruite", at("2026-11-20T06:00:00Z"));
  CHECK(db.store->counts().destructions_waiting == 0);
}

TEST_CASE("lieux that were held stay so, each for itself, but for what was our mail server's fault") {
  Former db;
  db.migrate();
  const auto held = [&] { return db.rows("SELECT identifiant FROM lieu WHERE retenu = 1 ORDER BY id"); };
  CHECK(held() == Rows{"rpe-sftp-retenu", "rpe-sftp-retenu-2", "rpe-courriel-refuse"});
  CHECK(db.rows("SELECT DISTINCT portee FROM lieu") == Rows{"lieu"});
  db.store->retry_lieu("rpe-sftp-retenu", at("2026-11-20T06:00:00Z"));
  CHECK(held() == Rows{"rpe-sftp-retenu-2", "rpe-courriel-refuse"});
}

TEST_CASE("what was due is due, and what was tried is known to have left something where it was tried") {
  Former db;
  db.migrate();
  Rows due;
  for (const DueRemise& r : db.store->due_remises(at("2026-11-20T06:00:00Z"))) {
    due.push_back(r.name + (r.tried ? " tried" : "") + (r.recall ? " recall" : "") + (r.moved ? " moved" : ""));
  }
  CHECK(due == Rows{"rpe-depot-20261112-1", "rpe-sftp-20261112-9 tried recall", "rpe-sftp-20261112-2 tried"});
  CHECK(db.store->due_notifications(at("2026-11-20T06:00:00Z"), 10).size() == 2);
  CHECK(db.store->counts().held_remises == 3);  // with the mail that only the lieu can destroy
}
