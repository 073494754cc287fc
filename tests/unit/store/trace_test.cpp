#include <catch2/catch.hpp>

#include "store_fixture.h"

using namespace navette;
using namespace navette::store;
using test::Site;

namespace {

struct Traced : Site {
  Traced() {
    store->add_trace({"essai.un", "objet:1", "mot=secret"}, now);
    store->add_trace({"essai.deux", "objet:2", ""}, now);
    store->add_trace({"essai.trois", "objet:3", "mot=autre"}, now);
  }
  // As somebody with the file in hands would: without the triggers.
  void tamper(const std::string& sql) {
    store->connection().execute("DROP TRIGGER trace_sans_modification; DROP TRIGGER trace_sans_effacement;");
    store->connection().execute(sql);
  }
  std::optional<std::int64_t> broken_at() { return store->verify().broken_at; }
};

}  // namespace

TEST_CASE("the chain of an empty and of an untouched journal holds") {
  Site empty;
  CHECK(empty.store->verify().rows == 0);
  CHECK_FALSE(empty.store->verify().broken_at);
  CHECK(empty.store->trace_head().empty());
  Traced site;
  const auto check = site.store->verify();
  CHECK(check.rows == 3);
  CHECK_FALSE(check.broken_at);
  CHECK(site.store->trace_head() == "3:" + check.head);
}

TEST_CASE("R10: the journal is append-only: no row is changed or removed") {
  Traced site;
  CHECK_THROWS_WITH(site.store->connection().execute("UPDATE trace SET acteur = 'x' WHERE seq = 2"),
                    Catch::Contains("append-only"));
  CHECK_THROWS_WITH(site.store->connection().execute("DELETE FROM trace WHERE seq = 2"),
                    Catch::Contains("append-only"));
  CHECK(site.store->verify().rows == 3);
}

TEST_CASE("a changed row is found, whichever column") {
  for (const char* change :
       {"acteur = 'x'", "action = 'x'", "objet = 'x'", "le = le + 1", "detail_sha256 = 'x'", "hash = 'x'"}) {
    INFO(change);
    Traced site;
    site.tamper(std::string("UPDATE trace SET ") + change + " WHERE seq = 2");
    CHECK(site.broken_at() == 2);
  }
}

TEST_CASE("columns that trade characters do not give the same hash") {
  Traced site;
  site.tamper("UPDATE trace SET action = 'essai.deuxobjet', objet = ':2' WHERE seq = 2");
  CHECK(site.broken_at() == 2);
}

TEST_CASE("a removed row is found, in the middle and at the beginning") {
  Traced middle;
  middle.tamper("DELETE FROM trace WHERE seq = 2");
  CHECK(middle.broken_at() == 3);
  Traced first;
  first.tamper("DELETE FROM trace_detail WHERE seq = 1; DELETE FROM trace WHERE seq = 1");
  CHECK(first.broken_at() == 2);
}

TEST_CASE("a row put in between by renumbering is found") {
  Traced site;
  site.tamper(
      "UPDATE trace SET seq = 4 WHERE seq = 2; INSERT INTO trace SELECT 2, le, 'x', action, objet, '', hash FROM "
      "trace WHERE seq = 4");
  CHECK(site.broken_at() == 2);
}

TEST_CASE("an end that was cut off shows against the head kept elsewhere") {
  Traced site;
  const std::string head = site.store->trace_head();
  site.tamper("DELETE FROM trace_detail WHERE seq = 3; DELETE FROM trace WHERE seq = 3");
  CHECK_FALSE(site.broken_at());
  CHECK(site.store->trace_head() != head);
}

TEST_CASE("R9: a detail can be erased without breaking the chain, not changed nor added") {
  Traced erased;
  erased.store->connection().execute("DELETE FROM trace_detail WHERE seq = 1");
  CHECK_FALSE(erased.broken_at());
  Traced changed;
  changed.store->connection().execute("UPDATE trace_detail SET detail = 'mot=autre' WHERE seq = 1");
  CHECK(changed.broken_at() == 1);
  Traced salted;
  salted.store->connection().execute("UPDATE trace_detail SET sel = x'00' WHERE seq = 1");
  CHECK(salted.broken_at() == 1);
  Traced added;
  added.store->connection().execute("INSERT INTO trace_detail VALUES (2, x'00', 'x')");
  CHECK(added.broken_at() == 2);
}

TEST_CASE("R9: equal details have different hashes: nobody guesses one from another") {
  Site site;
  site.store->add_trace({"essai", "o", "mot=secret"}, site.now);
  site.store->add_trace({"essai", "o", "mot=secret"}, site.now);
  CHECK(site.number("SELECT count(DISTINCT detail_sha256) FROM trace") == 2);
}

TEST_CASE("two writers share one chain") {
  Site site;
  Store other(site.path().string(), "durand (1001)");
  for (int i = 0; i < 5; ++i) {
    site.store->add_trace({"a", "o", "d"}, site.now);
    other.add_trace({"b", "o", "d"}, site.now);
  }
  CHECK(site.store->verify().rows == 10);
  CHECK_FALSE(site.store->verify().broken_at);
}
