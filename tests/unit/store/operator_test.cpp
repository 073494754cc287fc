#include <catch2/catch.hpp>

#include "base/error.h"
#include "store_fixture.h"

using namespace navette;
using namespace navette::store;
using test::convention;
using test::demande;
using test::lieu;
using test::new_version;
using test::Site;

namespace {

struct Routed : Site {
  Routed() {
    take_in({new_version(convention("C1", {lieu("rpe-a", {"42218"})}))});
    take_in({demande("A", {"42218"})});
    route();
  }
};

}  // namespace

TEST_CASE("a demande that waits can be held and released; held, nothing of it is due") {
  Routed site;
  site.store->hold_demande("A", "à vérifier", site.now);
  CHECK(site.states("A") == "rpe-a:retenu");
  CHECK(site.store->lieux_due(site.now).empty());
  CHECK(site.store->counts().held_demandes == 1);
  CHECK_THROWS_WITH(site.store->retry_demande("A", site.now), Catch::Contains("release"));
  site.store->release_demande("A", site.now);
  CHECK(site.states("A") == "rpe-a:a-remettre");
  CHECK(site.store->counts().held_demandes == 0);
  CHECK_THROWS_WITH(site.store->release_demande("A", site.now), Catch::Contains("not held"));
}

TEST_CASE("a demande in a remise is held, and the remise that holds it cannot begin an attempt any more") {
  Routed site;
  site.pack("rpe-a");
  const RowId remise = site.store->due_remises(site.now).at(0).id;
  site.store->hold_demande("A", "x", site.now);
  CHECK(site.states("A") == "rpe-a:en-remise");
  CHECK(site.store->acheminements_of(remise).at(0).held);
  CHECK(site.store->begin_attempts({remise}, site.now).empty());
  site.store->dissolve(remise, {}, site.now);
  CHECK(site.states("A") == "rpe-a:retenu");
  CHECK(site.text("SELECT etat || ' ' || motif FROM remise") == "dissoute demande retenue avant la livraison");
}

TEST_CASE("while a remise leaves, no demande in it can be held, and trying leaves it as it was") {
  Routed site;
  site.pack("rpe-a");
  const RowId remise = site.store->due_remises(site.now).at(0).id;
  REQUIRE(site.store->begin_attempts({remise}, site.now).size() == 1);
  CHECK_THROWS_WITH(site.store->hold_demande("A", "x", site.now), Catch::Contains("leaving right now"));
  CHECK(site.text("SELECT retenue IS NULL FROM demande") == "1");
  site.store->abandon_attempt(remise, false, site.now);
  site.store->hold_demande("A", "x", site.now);
  CHECK(site.text("SELECT tentatives FROM remise") == "0");
}

TEST_CASE("while an attempt is under way nobody can say that the lieu has nothing of the remise, or that it has it") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  const RowId remise = site.store->due_remises(site.now).at(0).id;
  site.store->begin_attempts({remise}, site.now);
  CHECK_THROWS_WITH(site.store->confirm_pickup(name, "x", site.now, true), Catch::Contains("leaving right now"));
  site.store->withdraw_remise(name, "x", site.now);
  REQUIRE(site.text("SELECT etat FROM remise") == "a-rappeler");
  CHECK_THROWS_WITH(site.store->confirm_taken_back(name, "x", site.now), Catch::Contains("leaving right now"));
  site.store->apply_deliveries({{remise, model::Delivered{"depot"}, site.now, std::nullopt, 0, 1, false, true}});
  site.store->confirm_taken_back(name, "x", site.now);
  CHECK(site.text("SELECT etat FROM remise") == "rappelee");
}

TEST_CASE("a demande that was delivered is not delivered again by a release or a retry") {
  Routed site;
  site.deliver(site.pack("rpe-a"));
  CHECK_THROWS_WITH(site.store->retry_demande("A", site.now), Catch::Contains("delivered everywhere"));
  CHECK(site.route() == 0);  // every commune is served: nothing is looked up
  CHECK(site.states("A") == "rpe-a:remis");
  CHECK(site.store->lieux_due(Instant::max()).empty());
  CHECK_THROWS_WITH(site.store->hold_demande("A", "x", site.now), Catch::Contains("nothing to hold"));
}

TEST_CASE("a retried demande does not wait for its lieu's hour") {
  Routed site;
  site.store->connection().execute("UPDATE acheminement SET du = du + 3600000");
  CHECK(site.store->lieux_due(site.now).empty());
  site.store->retry_demande("A", site.now);
  CHECK(site.store->lieux_due(site.now).size() == 1);
}

TEST_CASE("what does not apply is refused in words and leaves no trace") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  const auto traces = site.count("trace");
  CHECK_THROWS_AS(site.store->hold_demande("Z", "x", site.now), Error);
  CHECK_THROWS_AS(site.store->hold_remise("none", "x", site.now), Error);
  CHECK_THROWS_WITH(site.store->release_remise(name, site.now), Catch::Contains("not held"));
  CHECK_THROWS_AS(site.store->suspend_lieu("rpe-z", "x", site.now), Error);
  CHECK_THROWS_WITH(site.store->resume_lieu("rpe-a", site.now), Catch::Contains("suspended"));
  CHECK(site.count("trace") == traces);
  site.store->hold_remise(name, "x", site.now);
  CHECK_THROWS_WITH(site.store->hold_remise(name, "x", site.now), Catch::Contains("not waiting"));
  CHECK_THROWS_WITH(site.store->retry_remise(name, site.now), Catch::Contains("held"));
}

TEST_CASE("R10: each act of an operator leaves a trace with login, object and reason") {
  Routed site;
  Store mine(site.path().string(), "durand (1001)");
  mine.hold_demande("A", "à vérifier", site.now);
  mine.release_demande("A", site.now);
  mine.suspend_lieu("rpe-a", "travaux", site.now);
  CHECK(site.text("SELECT group_concat(acteur || ' ' || action || ' ' || objet || ' ' || coalesce(detail, ''), '; ') "
                  "FROM (SELECT * FROM trace LEFT JOIN trace_detail USING (seq) WHERE acteur <> 'navette' ORDER BY "
                  "seq)") ==
        "durand (1001) demande.retenue demande:monenfant/A motif=à vérifier; durand (1001) demande.liberee "
        "demande:monenfant/A ; durand (1001) lieu.suspendu lieu:rpe-a motif=travaux");
  CHECK_FALSE(mine.verify().broken_at);
}

TEST_CASE("a remise that its channel refused is freed by a retry; one that an operator holds is not") {
  Routed site;
  const std::string name = "rpe-a-20261120-1";
  site.pack("rpe-a");
  const auto due = site.store->due_remises(site.now);
  REQUIRE(due.size() == 1);
  site.store->begin_attempts({due[0].id}, site.now);
  site.store->apply_deliveries({{due[0].id, model::Refused{"remise-differente", "look"}, site.now, std::nullopt}});
  CHECK(site.store->due_remises(site.now).empty());
  site.store->retry_remise(name, site.now);
  CHECK(site.store->due_remises(site.now).size() == 1);
  site.store->hold_remise(name, "x", site.now);
  CHECK_THROWS_WITH(site.store->retry_remise(name, site.now), Catch::Contains("held by an operator"));
  site.store->release_remise(name, site.now);
  CHECK(site.store->due_remises(site.now).size() == 1);
}
