#include <catch2/catch.hpp>

#include "store_fixture.h"

using namespace navette;
using namespace navette::store;
using test::convention;
using test::day;
using test::demande;
using test::lieu;
using test::new_version;
using test::same_version;
using test::Site;

namespace {

bool same(const model::Convention& a, const model::Convention& b) {
  const auto& x = a.annexe;
  const auto& y = b.annexe;
  return a.caf == b.caf && a.numero == b.numero && a.version == b.version && a.kind == b.kind &&
         a.activated_on == b.activated_on && a.suspension == b.suspension && a.termination == b.termination &&
         x.signed_on == y.signed_on && x.effective_from == y.effective_from && x.partenaire == y.partenaire &&
         x.communes == y.communes && x.personnes == y.personnes && x.lieux == y.lieux &&
         x.etablissements == y.etablissements && x.pickup_days == y.pickup_days &&
         x.retention_months == y.retention_months && x.cadence == y.cadence;
}

model::Convention rich() {
  auto c = convention("C1", {lieu("rpe-a", {"42218", "42275"}), lieu("rpe-b", {"42207"})});
  c.annexe.lieux[0].adresse = "5 rue des Tests";
  c.annexe.lieux[1].channel = model::SftpChannel{"<sftp><hote>x</hote></sftp>"};
  c.annexe.personnes.push_back(test::personne("P2", "deux@example.org"));
  c.annexe.personnes[1].to = day("2027-01-31");
  c.annexe.etablissements = {{"E1", "Les Lutins", "EAJE", "42218", {"disponibilite", "fonctionnement"}}};
  c.annexe.cadence = model::Quotidien{std::chrono::minutes(7 * 60 + 5)};
  c.annexe.retention_months = 3;
  c.suspension = model::Suspension{day("2027-05-01"), "travaux"};
  c.termination = model::Termination{model::TerminationCause::manquement, day("2027-06-01"), day("2027-06-30")};
  return c;
}

// The convention that holds a lieu on a day.
std::string holder(Site& site, const std::string& lieu, model::Day on) {
  const auto owner = site.store->lieu_owner(lieu, "C9");
  if (!owner) return "unknown";
  for (const auto& tenure : owner->tenures) {
    if (tenure.during.contains(on)) return tenure.convention;
  }
  return "nobody";
}

std::string interval(Site& site, int version) {
  return site.text(
      "SELECT coalesce(en_vigueur_du, '-') || ' ' || coalesce(en_vigueur_au, '-') FROM version WHERE "
      "version = " +
      std::to_string(version));
}

}  // namespace

TEST_CASE("a convention comes back as it was given, field by field") {
  Site site;
  site.take_in({new_version(rich())});
  const auto known = site.store->convention_versions("421", "C1");
  REQUIRE(known.size() == 1);
  CHECK(same(known[0], rich()));
  CHECK(site.store->convention_versions("441", "C1").empty());
}

TEST_CASE("R12: after an avenant the older version stays readable as it was") {
  Site site;
  auto first = convention("C1", {lieu("rpe-a", {"42218"})});
  auto second = convention("C1", {lieu("rpe-a", {"42218", "42275"})});
  second.version = 2;
  second.annexe.pickup_days = 5;
  second.annexe.effective_from = day("2026-12-01");
  second.activated_on = day("2026-11-25");
  site.take_in({new_version(first)});
  site.take_in({new_version(second)});
  const auto known = site.store->convention_versions("421", "C1");
  REQUIRE(known.size() == 2);
  CHECK(same(known[0], first));
  CHECK(same(known[1], second));
  CHECK(interval(site, 1) == "2025-10-01 2026-11-30");
  CHECK(interval(site, 2) == "2026-12-01 -");
}

TEST_CASE("R12: an avenant that the Caf has not activated replaces nothing") {
  Site site;
  auto second = convention("C1", {lieu("rpe-a", {"42275"})});
  second.version = 2;
  second.activated_on.reset();
  site.take_in({new_version(convention("C1", {lieu("rpe-a", {"42218"})})), new_version(second)});
  CHECK(interval(site, 1) == "2025-10-01 -");
  CHECK(interval(site, 2) == "- -");
  CHECK(site.store->lieu_in_force(site.lieu_id("rpe-a"), day("2026-11-20"))->communes ==
        std::set<std::string>{"42218"});
}

TEST_CASE("R8: an end or a suspension is the convention's, whatever version is in force; lifted, it is gone") {
  Site site;
  auto c = convention("C1", {lieu("rpe-a", {"42218"})});
  auto second = c;
  second.version = 2;
  second.annexe.effective_from = day("2027-02-01");
  site.take_in({new_version(c), new_version(second)});
  second.suspension = model::Suspension{day("2026-11-25"), "travaux"};
  site.take_in({same_version(second)});
  CHECK(interval(site, 1) == "2025-10-01 2026-11-24");
  CHECK(interval(site, 2) == "- -");
  CHECK_FALSE(site.store->lieu_in_force(site.lieu_id("rpe-a"), day("2026-11-25")));
  second.suspension.reset();
  site.take_in({same_version(second)});
  CHECK(interval(site, 1) == "2025-10-01 2027-01-31");
  CHECK(interval(site, 2) == "2027-02-01 -");
  second.termination = model::Termination{model::TerminationCause::manquement, day("2026-12-01"), day("2026-12-31")};
  site.take_in({same_version(second)});
  CHECK(interval(site, 1) == "2025-10-01 2026-12-31");
  CHECK(interval(site, 2) == "- -");
}

TEST_CASE("R13: a departure closes the person's access in every version, the earliest day wins") {
  Site site;
  const auto c = convention("C1", {lieu("rpe-a", {"42218"})});
  auto second = c;
  second.version = 2;
  second.annexe.effective_from = day("2027-02-01");
  site.take_in({new_version(c), new_version(second)});
  second.annexe.personnes[0].to = day("2026-11-30");
  site.take_in({same_version(second)});
  for (const auto& version : site.store->convention_versions("421", "C1")) {
    CHECK(version.annexe.personnes[0].to == day("2026-11-30"));
  }
  second.annexe.personnes[0].to = day("2026-11-25");
  site.take_in({same_version(second)});
  for (const auto& version : site.store->convention_versions("421", "C1")) {
    CHECK(version.annexe.personnes[0].to == day("2026-11-25"));
  }
}

TEST_CASE("R13: a departure from one convention closes nothing in another") {
  Site site;
  auto a = convention("C1", {lieu("rpe-a", {"42218"})});
  auto b = convention("C2", {lieu("rpe-b", {"42207"})});
  b.annexe.personnes = a.annexe.personnes;
  site.take_in({new_version(a), new_version(b)});
  a.annexe.personnes[0].to = day("2026-11-20");
  site.take_in({same_version(a)});
  CHECK_FALSE(site.store->convention_versions("421", "C2")[0].annexe.personnes[0].to);
}

TEST_CASE("a lieu in force is that of the version of the day, with its channel and delays") {
  Site site;
  auto second = rich();
  second.suspension.reset();
  second.termination.reset();
  auto first = second;
  second.version = 2;
  second.annexe.effective_from = day("2026-12-01");
  second.annexe.lieux = {lieu("rpe-a", {"42005"})};
  second.annexe.pickup_days = 5;
  site.take_in({new_version(first), new_version(second)});
  const auto id = site.lieu_id("rpe-a");
  CHECK_FALSE(site.store->lieu_in_force(id, day("2025-09-30")));
  const auto before = site.store->lieu_in_force(id, day("2026-11-30"));
  REQUIRE(before);
  CHECK(before->version == 1);
  CHECK(before->pickup_days == 10);
  CHECK(before->retention_months == 3);
  CHECK(before->communes == std::set<std::string>{"42218", "42275"});
  const auto after = site.store->lieu_in_force(id, day("2026-12-01"));
  REQUIRE(after);
  CHECK(after->version == 2);
  CHECK(after->pickup_days == 5);
  CHECK(after->communes == std::set<std::string>{"42005"});
  CHECK_FALSE(site.store->lieu_in_force(site.lieu_id("rpe-b"), day("2026-12-01")));
  CHECK(kind_of(site.store->lieu_in_force(site.lieu_id("rpe-b"), day("2026-11-30"))->channel) == std::string("sftp"));
}

TEST_CASE("a lieu is held by another convention until that one ends or its last version with the lieu is replaced") {
  Site site;
  const auto owner = [&](const char* on) { return holder(site, "rpe-a", day(on)); };
  CHECK(owner("2026-11-20") == "unknown");
  auto c = convention("C1", {lieu("rpe-a", {"42218"})});
  site.take_in({new_version(c)});
  CHECK(owner("2026-11-20") == "C1");
  CHECK(owner("2099-01-01") == "C1");
  CHECK(owner("2025-10-01") == "C1");
  CHECK(owner("2025-09-30") == "nobody");  // signed, not in effect
  CHECK(site.store->lieu_owner("rpe-a", "C1")->tenures.empty());
  // An avenant drops the lieu from 1 December on; it must be activated to count.
  auto second = convention("C1", {lieu("rpe-b", {"42218"})});
  second.version = 2;
  second.annexe.effective_from = day("2026-12-01");
  second.activated_on.reset();
  site.take_in({new_version(second)});
  CHECK(owner("2026-12-01") == "C1");
  second.activated_on = day("2026-11-20");
  site.take_in({same_version(second)});
  CHECK(owner("2026-11-30") == "C1");
  CHECK(owner("2026-12-01") == "nobody");
  CHECK(site.store->lieu_owner("rpe-a", "C9")->siren == "244200770");
}

TEST_CASE("a lieu is free after the end of its convention, not while it is suspended") {
  Site site;
  auto c = convention("C1", {lieu("rpe-a", {"42218"})});
  c.suspension = model::Suspension{day("2026-01-01"), "travaux"};
  site.take_in({new_version(c)});
  CHECK(holder(site, "rpe-a", day("2026-11-20")) == "C1");
  c.termination = model::Termination{model::TerminationCause::manquement, day("2026-11-01"), day("2026-11-30")};
  site.take_in({same_version(c)});
  CHECK(holder(site, "rpe-a", day("2026-11-30")) == "C1");
  CHECK(holder(site, "rpe-a", day("2026-12-01")) == "nobody");
}

TEST_CASE("contacts of a Caf are replaced by those of its next flux that names some") {
  Site site;
  site.take_in(std::vector<ConventionChange>{}, {"b@caf.example.org", "a@caf.example.org"});
  site.take_in(std::vector<ConventionChange>{}, {});
  CHECK(site.count("contact_caf") == 2);
  site.take_in(std::vector<ConventionChange>{}, {"c@caf.example.org"});
  CHECK(site.text("SELECT group_concat(courriel) FROM contact_caf") == "c@caf.example.org");
}
