// A pass as `run` makes it, on real directories, schemas, fonts and stylesheets.
#include "daemon/engine.h"

#include <catch2/catch.hpp>

#include "daemon/attention.h"
#include "support/stage_site.h"

using namespace navette;
using namespace navette::daemon;
using test::slurp;
using Names = std::vector<std::string>;

namespace {

struct Installed {
  Installed() {
    config.spool.directory = dir / "spool";
    config.spool.stable_after = std::chrono::milliseconds(0);
    config.state.database = dir / "navette.db";
    config.depot.directory = dir / "depot";
    config.depot.create = true;
    config.data.directory = std::filesystem::current_path();
    config.emetteurs["monenfant"] = {{"demandes"}, "", {}};
    config.emetteurs["caf-421"] = {{"habilitations"}, "421", {"42"}};
  }
  void deposit(const std::string& emetteur, const std::string& name, const std::string& bytes) const {
    write_file(Directory::create(dir / "spool" / "arrivee" / emetteur), name, bytes);
  }

  test::TempDir dir;
  config::Config config;
};

// The samples' day.
class Morning final : public Clock {
 public:
  Instant now() const override { return test::at("2026-11-20T05:00:00Z"); }
};

PassReport pass(Engine& engine, bool all = false) {
  PassOptions options;
  options.all = all;
  options.seen.closed = {"monenfant/d.xml", "caf-421/h.xml", "monenfant/bad.xml"};
  return engine.pass(options, {});
}

}  // namespace

TEST_CASE("one pass takes a flux from arrivee/ to the dépôts, accusé and notification included; the next has nothing") {
  Installed site;
  const Morning clock;
  Engine engine(site.config, clock);
  site.deposit("caf-421", "h.xml", slurp("tests/data/demo/habilitations.xml"));
  site.deposit("monenfant", "d.xml", slurp("tests/data/demo/demandes.xml"));
  const auto first = pass(engine, true);
  CHECK(first.failures.empty());
  CHECK(first.claimed == 2);
  CHECK(first.flux == 2);
  CHECK(first.remises > 0);
  CHECK(first.delivered == first.remises);
  CHECK(first.notified == first.delivered);
  CHECK(Directory::open(site.dir / "spool" / "accuses" / "monenfant").names().size() == 1);
  CHECK(Directory::open(site.dir / "spool" / "courriels").names().size() == first.notified);
  const auto second = pass(engine, true);
  CHECK(second.claimed + second.flux + second.routed + second.remises + second.delivered + second.notified == 0);
  store::Store reader((site.dir / "navette.db").string(), "test", store::Store::Access::read_only);
  CHECK_FALSE(reader.verify().broken_at);
}

TEST_CASE("one process owns a spool") {
  Installed site;
  const Morning clock;
  const Engine engine(site.config, clock);
  CHECK_THROWS_AS(Engine(site.config, clock), LockedError);
}

TEST_CASE("a stage that fails is reported, the others go on") {
  Installed site;
  const Morning clock;
  Engine engine(site.config, clock);
  write_file(Directory::open(site.dir / "spool" / "accuses"), "monenfant", "in the way");
  site.deposit("caf-421", "h.xml", slurp("tests/data/demo/habilitations.xml"));
  site.deposit("monenfant", "d.xml", slurp("tests/data/demo/demandes.xml"));
  const auto report = pass(engine, true);
  REQUIRE(report.failures.size() == 1);
  CHECK_THAT(report.failures[0], Catch::StartsWith("answer"));
  CHECK(report.delivered > 0);
}

TEST_CASE("with a stop asked for a pass touches nothing") {
  Installed site;
  const Morning clock;
  Engine engine(site.config, clock);
  site.deposit("monenfant", "d.xml", slurp("tests/data/demo/demandes.xml"));
  std::stop_source stop;
  stop.request_stop();
  PassOptions options;
  options.seen.closed = {"monenfant/d.xml"};
  CHECK(engine.pass(options, stop.get_token()).claimed == 0);
  CHECK(Directory::open(site.dir / "spool" / "arrivee" / "monenfant").names() == Names{"d.xml"});
}

TEST_CASE("what needs a person is told, what does not is not") {
  CHECK(attention({}, {}, {}).empty());
  store::Counts quiet;
  quiet.flux_received = quiet.unrouted = quiet.waiting = quiet.ready_remises = quiet.notifications_waiting = 3;
  CHECK(attention(quiet, {}, {}).empty());
  store::Counts counts;
  counts.sans_lieu = 1;
  counts.held_acheminements = 2;
  counts.held_demandes = 3;
  counts.held_remises = 4;
  counts.notifications_in_trouble = 5;
  counts.suspended_lieux = 6;
  counts.remises_in_trouble = 9;
  for (int i = 0; i < 7; ++i) counts.held_lieux.push_back({"rpe-" + std::to_string(i), {}, 2});
  const auto lines = attention(counts, {7, 0}, {{"render", "render: the disk is full", {}}});
  REQUIRE(lines.size() == 14);
  CHECK(lines[0] == "render: the disk is full");
  CHECK_THAT(lines[1], Catch::StartsWith("7 flux"));
  CHECK_THAT(lines[3], Catch::StartsWith("3 demandes held"));
  CHECK(lines[4] == "4 remises wait for a person: navette remises list --held");
  CHECK_THAT(lines[8], Catch::StartsWith("lieu rpe-0 is held since 1970-01-01 01:00, 2 remises wait: ") &&
                           Catch::EndsWith("navette lieux retry rpe-0"));
  CHECK(lines[13] == "2 other lieux held: navette lieux list");
  store::Counts one;
  one.held_remises = 1;
  one.held_lieux.push_back({"rpe-0", {}, 0});
  const auto alone = attention(one, {}, {});
  CHECK(alone.at(0) == "1 remise waits for a person: navette remises list --held");
  CHECK_THAT(alone.at(1), Catch::StartsWith("lieu rpe-0 is held since 1970-01-01 01:00: navette lieux show rpe-0"));
}

TEST_CASE("what cannot be loaded is named") {
  Installed site;
  const Morning clock;
  site.config.data.directory = site.dir / "nowhere";
  CHECK_THROWS_WITH(Engine(site.config, clock), Catch::Contains("nowhere"));
}
