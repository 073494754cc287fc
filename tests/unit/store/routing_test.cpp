#include <catch2/catch.hpp>

#include "store_fixture.h"

using namespace navette;
using namespace navette::store;
using test::at;
using test::convention;
using test::day;
using test::demande;
using test::lieu;
using test::new_version;
using test::same_version;
using test::Site;

TEST_CASE("R1: a demande goes to each lieu of its communes, once") {
  Site site;
  site.take_in({new_version(convention("C1", {lieu("rpe-a", {"42218", "42275"}), lieu("rpe-b", {"42207"})}))});
  site.take_in({demande("A", {"42218", "42275", "42207"})});
  CHECK(site.route() == 2);
  CHECK(site.states("A") == "rpe-a:a-remettre rpe-b:a-remettre");
  CHECK(site.store->counts().waiting == 2);
  CHECK(site.route() == 0);
}

TEST_CASE("R11: without a lieu a demande waits visibly, and leaves as soon as a convention opens, today") {
  Site site;
  site.take_in({demande("A", {"42218"})});
  site.route();
  CHECK(site.store->counts().sans_lieu == 1);
  CHECK(site.store->unrouted(10).empty());
  CHECK_FALSE(site.store->reopen_communes(day("2026-11-20")));
  site.take_in({new_version(convention("C1", {lieu("rpe-a", {"42218"})}))});
  CHECK(site.route() == 1);
  CHECK(site.states("A") == "rpe-a:a-remettre");
  CHECK(site.store->counts().sans_lieu == 0);
}

TEST_CASE("R11: a convention for other communes opens nothing") {
  Site site;
  site.take_in({demande("A", {"42218"})});
  site.route();
  site.take_in({new_version(convention("C1", {lieu("rpe-a", {"42207"})}))});
  site.store->reopen_communes(day("2026-11-20"));
  CHECK(site.store->unrouted(10).empty());
  CHECK(site.store->counts().sans_lieu == 1);
}

TEST_CASE("R11: a demande leaves on the day on which a convention begins, not before") {
  Site site;
  site.take_in({demande("A", {"42218"})});
  site.route();
  auto c = convention("C1", {lieu("rpe-a", {"42218"})});
  c.activated_on = day("2026-12-01");
  site.take_in({new_version(c)});
  CHECK(site.route() == 0);
  site.now = at("2026-11-30T22:59:59Z");
  CHECK(site.route() == 0);
  site.now = at("2026-11-30T23:00:00Z");
  CHECK(site.route() == 1);
}

TEST_CASE("R11: a convention activated later by a flux opens what waits") {
  Site site;
  site.take_in({demande("A", {"42218"})});
  auto c = convention("C1", {lieu("rpe-a", {"42218"})});
  c.activated_on.reset();
  site.take_in({new_version(c)});
  CHECK(site.route() == 0);
  c.activated_on = day("2026-11-20");
  site.take_in({same_version(c)});
  CHECK(site.route() == 1);
}

TEST_CASE("R11: what waits leaves when the suspension of a convention is lifted") {
  Site site;
  auto c = convention("C1", {lieu("rpe-a", {"42218"})});
  c.suspension = model::Suspension{day("2026-11-01"), "travaux"};
  site.take_in({new_version(c)});
  site.take_in({demande("A", {"42218"})});
  CHECK(site.route() == 0);
  CHECK(site.store->counts().sans_lieu == 1);
  c.suspension.reset();
  site.take_in({same_version(c)});
  CHECK(site.route() == 1);
}

TEST_CASE("R1, R11: an arrondissement waits and leaves when a lieu opens for its commune") {
  Site site;
  site.take_in({demande("A", {"13201"})});
  CHECK(site.route() == 0);
  auto change = new_version(convention("C1", {lieu("rpe-a", {"13055"})}));
  change.opened = {"13055", "13201"};
  site.take_in({change});
  CHECK(site.route() == 1);
  CHECK(site.states("A") == "rpe-a:a-remettre");
}

TEST_CASE("R11: a commune that waits does not hold back the others, and is served later") {
  Site site;
  site.take_in({new_version(convention("C1", {lieu("rpe-a", {"42218"})}))});
  site.take_in({demande("A", {"42218", "42207"})});
  CHECK(site.route() == 1);
  CHECK(site.store->counts().sans_lieu == 0);  // it has a lieu; one commune waits
  site.take_in({new_version(convention("C2", {lieu("rpe-b", {"42207"})}))});
  CHECK(site.route() == 1);
  CHECK(site.states("A") == "rpe-a:a-remettre rpe-b:a-remettre");
}

TEST_CASE("R12: an avenant that adds a commune opens it on its day") {
  Site site;
  const auto c = convention("C1", {lieu("rpe-a", {"42218"})});
  site.take_in({new_version(c)});
  site.take_in({demande("A", {"42207"})});
  site.route();
  auto second = convention("C1", {lieu("rpe-a", {"42218", "42207"})});
  second.version = 2;
  second.annexe.effective_from = day("2026-11-23");
  site.take_in({new_version(second)});
  CHECK(site.route() == 0);
  site.now = at("2026-11-23T05:00:00Z");
  CHECK(site.route() == 1);
}

TEST_CASE("a suspended lieu is routed to: demandes wait in place, nothing leaves") {
  Site site;
  site.take_in({new_version(convention("C1", {lieu("rpe-a", {"42218"})}))});
  site.store->suspend_lieu("rpe-a", "déménagement", site.now);
  site.take_in({demande("A", {"42218"})});
  CHECK(site.route() == 1);
  CHECK(site.store->lieux_due(site.now).empty());
  CHECK(site.store->lieux_due(Instant::max()).empty());
  CHECK(site.store->counts().suspended_lieux == 1);
  site.store->resume_lieu("rpe-a", site.now);
  CHECK(site.store->lieux_due(site.now).size() == 1);
}

TEST_CASE("a demande held by an operator is not routed, nor when it was held while it was looked at") {
  Site site;
  site.take_in({new_version(convention("C1", {lieu("rpe-a", {"42218"})}))});
  site.take_in({demande("A", {"42218"}), demande("B", {"42218"})});
  site.store->hold_demande("A", "à vérifier", site.now);
  const auto looked_at = site.store->unrouted(10);
  REQUIRE(looked_at.size() == 1);
  site.store->hold_demande("B", "à vérifier", site.now);
  const auto open = site.store->coverage({"42218"}, day("2026-11-20")).at("42218").at(0);
  site.store->apply_routes({{looked_at[0].id, {{open.lieu, open.version, site.now}}, {"42218"}, {}}}, site.now);
  CHECK(site.count("acheminement") == 0);
  site.store->release_demande("A", site.now);
  site.store->release_demande("B", site.now);
  CHECK(site.route() == 2);
}

TEST_CASE("routes applied twice make one acheminement") {
  Site site;
  site.take_in({new_version(convention("C1", {lieu("rpe-a", {"42218"})}))});
  site.take_in({demande("A", {"42218"})});
  const auto d = site.store->unrouted(1).at(0);
  const auto open = site.store->coverage({"42218"}, day("2026-11-20")).at("42218").at(0);
  const RouteOutcome outcome{d.id, {{open.lieu, open.version, site.now}}, {"42218"}, {}};
  site.store->apply_routes({outcome, outcome}, site.now);
  site.store->apply_routes({outcome}, site.now);
  CHECK(site.count("acheminement") == 1);
}

TEST_CASE("unrouted demandes come whole, up to the limit") {
  Site site;
  site.take_in({demande("A", {"42218", "42207"}), demande("B", {"42218", "42275", "42005"}), demande("C", {"42218"})});
  const auto two = site.store->unrouted(2);
  REQUIRE(two.size() == 2);
  CHECK(two[0].communes.size() == 2);
  CHECK(two[1].communes.size() == 3);
  CHECK(site.store->unrouted(100).size() == 3);
}
