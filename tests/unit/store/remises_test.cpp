#include <catch2/catch.hpp>

#include "store/listing.h"
#include "store_fixture.h"
#include "support/sftp_profiles.h"

using namespace navette;
using namespace navette::store;
using namespace std::chrono_literals;
using test::at;
using test::convention;
using test::day;
using test::demande;
using test::lieu;
using test::new_version;
using test::same_version;
using test::Site;

namespace {

// Two lieux, two demandes for the first, one of which also for the second; routed.
struct Routed : Site {
  Routed() {
    take_in({new_version(contract)});
    take_in({demande("A", {"42218"}), demande("B", {"42218", "42207"})});
    route();
  }
  void end_convention_on(const char* last_day) {
    contract.termination = model::Termination{model::TerminationCause::manquement, day("2026-11-19"), day(last_day)};
    take_in({same_version(contract)});
  }
  std::vector<DueAcheminement> bound(const std::string& name) { return store->acheminements_of(remise(name)); }
  std::string state_of(const std::string& name) { return text("SELECT etat FROM remise WHERE nom = '" + name + "'"); }
  NotificationOutcome accepted(const std::string& name) {
    NotificationOutcome o;
    o.remise = remise(name);
    o.accepted = true;
    o.at = now;
    o.message_id = name + "@example.org";
    o.recipients = 1;
    o.last_day = day("2026-11-30");
    return o;
  }

  model::Convention contract = convention("C1", {lieu("rpe-a", {"42218"}), lieu("rpe-b", {"42207"})});
};

}  // namespace

TEST_CASE("what is due for a lieu makes one remise, bound to it whole") {
  Routed site;
  CHECK(site.store->lieux_due(site.now).size() == 2);
  CHECK(site.pack("rpe-a") == "rpe-a-20261120-1");
  CHECK(site.states("A") == "rpe-a:en-remise");
  CHECK(site.states("B") == "rpe-a:en-remise rpe-b:a-remettre");
  CHECK(site.store->lieux_due(site.now).size() == 1);
  const auto due = site.store->due_remises(site.now);
  REQUIRE(due.size() == 1);
  CHECK(due[0].lieu_identifiant == "rpe-a");
  REQUIRE(due[0].files.size() == 5);
  CHECK(due[0].files[0].name == "DI_monenfant_A.pdf");
  CHECK(due[0].files[0].reference == "A");
  CHECK(due[0].files[4].kind == model::FileKind::manifest);
  CHECK(site.store->knows_remise("rpe-a-20261120-1"));
  CHECK_FALSE(site.store->knows_remise("rpe-a-20261120-2"));
}

TEST_CASE("remises of a lieu are numbered by the day, whatever other lieux are called") {
  Routed site;
  site.pack("rpe-a");
  site.take_in({demande("C", {"42218"})});
  site.route();
  CHECK(site.pack("rpe-a") == "rpe-a-20261120-2");
  site.now = at("2026-11-20T23:30:00Z");
  CHECK(site.store->next_remise_name(site.lieu_id("rpe-a"), model::paris_day(site.now)) == "rpe-a-20261121-1");
  CHECK(site.store->next_remise_name(site.lieu_id("rpe-b"), day("2026-11-20")) == "rpe-b-20261120-1");
}

TEST_CASE("acheminements wait for their hour") {
  Routed site;
  site.store->connection().execute("UPDATE acheminement SET du = du + 3600000");
  CHECK(site.store->lieux_due(site.now).empty());
  CHECK(site.store->lieux_due(Instant::max()).size() == 2);
  CHECK(site.store->next_due(site.now) == site.now + 1h);
  site.now += 1h;
  CHECK(site.store->lieux_due(site.now).size() == 2);
}

TEST_CASE("what an operator held while it was being packed does not leave: the packing changes nothing") {
  Routed site;
  const auto id = site.lieu_id("rpe-a");
  PackOutcome outcome;
  outcome.packed = PackedRemise{site.store->next_remise_name(id, day("2026-11-20")), id, 1, 10,
                                site.store->due_acheminements(id, site.now, 100),    {}};
  REQUIRE(outcome.packed->acheminements.size() == 2);
  site.store->hold_demande("A", "à vérifier", site.now);
  const auto traces = site.count("trace");
  CHECK_FALSE(site.store->apply_pack(outcome, site.now));
  CHECK(site.count("remise") == 0);
  CHECK(site.count("trace") == traces);
  CHECK(site.states("A") == "rpe-a:retenu");
  CHECK(site.store->due_acheminements(id, site.now, 100).size() == 1);
}

TEST_CASE("R11: a demande that cannot be rendered is held with its reason and can be retried") {
  Routed site;
  const auto due = site.store->due_acheminements(site.lieu_id("rpe-b"), site.now, 100);
  PackOutcome outcome;
  outcome.failed = {{due.at(0).id, "rendering failed: x"}};
  CHECK(site.store->apply_pack(outcome, site.now));
  CHECK(site.states("B") == "rpe-a:a-remettre rpe-b:retenu");
  CHECK(site.text("SELECT motif FROM acheminement WHERE etat = 'retenu'") == "rendering failed: x");
  CHECK(site.store->counts().held_acheminements == 1);
  site.store->retry_demande("B", site.now);
  CHECK(site.states("B") == "rpe-a:a-remettre rpe-b:a-remettre");
  CHECK(site.store->counts().held_acheminements == 0);
}

TEST_CASE("R1: rights lost at packing send a demande back to routing: to another lieu, or to wait") {
  Routed site;
  site.end_convention_on("2026-11-19");
  CHECK_FALSE(site.store->lieu_in_force(site.lieu_id("rpe-a"), day("2026-11-20")));
  PackOutcome outcome;
  outcome.rights_lost = site.store->due_acheminements(site.lieu_id("rpe-a"), site.now, 100);
  site.store->apply_pack(outcome, site.now);
  CHECK(site.states("A") == "rpe-a:annule");
  site.route();
  CHECK(site.store->counts().sans_lieu == 1);  // A; B still has rpe-b's
  CHECK(site.states("A") == "rpe-a:annule");
  site.take_in({new_version(convention("C2", {lieu("rpe-c", {"42218"})}))});
  site.route();
  CHECK(site.states("A") == "rpe-a:annule rpe-c:a-remettre");
  CHECK(site.store->counts().sans_lieu == 0);
}

TEST_CASE("R9: rights lost at one lieu send a served commune's demande to no lieu that opened since") {
  Site site;
  auto lost = convention("C1", {lieu("rpe-a", {"42218"})});
  site.take_in({new_version(lost), new_version(convention("C2", {lieu("rpe-b", {"42207"})}))});
  site.take_in({demande("A", {"42218", "42207"})});
  site.route();
  site.deliver(site.pack("rpe-b"));
  site.take_in({new_version(convention("C3", {lieu("rpe-new", {"42207"})}))});
  CHECK(site.route() == 0);
  const bool packed = GENERATE(false, true);
  const auto id = site.lieu_id("rpe-a");
  if (packed) {
    const auto remise = site.remise(site.pack("rpe-a"));
    site.store->dissolve(remise, site.store->acheminements_of(remise), site.now);
  } else {
    PackOutcome outcome;
    outcome.rights_lost = site.store->due_acheminements(id, site.now, 100);
    site.store->apply_pack(outcome, site.now);
  }
  lost.termination = model::Termination{model::TerminationCause::manquement, day("2026-11-19"), day("2026-11-19")};
  site.take_in({same_version(lost)});
  CHECK(site.route() == 0);
  CHECK(site.states("A") == "rpe-a:annule rpe-b:remis");
  CHECK(site.text("SELECT etat FROM demande_commune WHERE insee = '42218'") == "attente");
  // What nobody serves finds its next lieu (R11).
  site.take_in({new_version(convention("C4", {lieu("rpe-c", {"42218"})}))});
  CHECK(site.route() == 1);
  CHECK(site.states("A") == "rpe-a:annule rpe-b:remis rpe-c:a-remettre");
}

TEST_CASE("R1, R9: an arrondissement is served by a lieu that lists its commune") {
  Site site;
  site.take_in({new_version(convention("C1", {lieu("rpe-a", {"42218"})})),
                new_version(convention("C2", {lieu("rpe-b", {"13055"})}))});
  site.take_in({demande("A", {"42218", "13201"})});
  site.route();
  site.take_in({new_version(convention("C3", {lieu("rpe-new", {"13201"})}))});
  PackOutcome outcome;
  outcome.rights_lost = site.store->due_acheminements(site.lieu_id("rpe-a"), site.now, 100);
  outcome.rights_lost.at(0).accepted = {{"42218", {"42218"}}, {"13201", {"13201", "13055"}}};
  site.store->apply_pack(outcome, site.now);
  CHECK(site.text("SELECT etat FROM demande_commune WHERE insee = '13201'") == "servie");
  CHECK(site.text("SELECT etat FROM demande_commune WHERE insee = '42218'") == "nouvelle");
}

TEST_CASE("R1, R8: rights lost after packing dissolve the remise: the lost are cancelled, the others packed again") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  auto bound = site.bound(name);
  site.store->dissolve(site.remise(name), {bound.at(1)}, site.now);
  CHECK(site.state_of(name) == "dissoute");
  CHECK(site.states("A") == "rpe-a:a-remettre");
  CHECK(site.states("B") == "rpe-a:annule rpe-b:a-remettre");
  CHECK(site.bound(name).empty());
  CHECK(site.store->due_remises(site.now).empty());
  REQUIRE(site.store->departed(10).size() == 1);
  CHECK(site.pack("rpe-a") == "rpe-a-20261120-2");
  CHECK(site.states("A") == "rpe-a:en-remise");
}

TEST_CASE("R11: an acheminement that was cancelled comes to life again when the same lieu opens again") {
  Routed site;
  site.contract.suspension = model::Suspension{day("2026-11-20"), "travaux"};
  site.take_in({same_version(site.contract)});
  const std::string name = "none";
  PackOutcome outcome;
  outcome.rights_lost = site.store->due_acheminements(site.lieu_id("rpe-a"), site.now, 100);
  site.store->apply_pack(outcome, site.now);
  site.route();
  CHECK(site.states("A") == "rpe-a:annule");
  site.contract.suspension.reset();
  site.take_in({same_version(site.contract)});
  site.route();
  CHECK(site.states("A") == "rpe-a:a-remettre");
  CHECK(site.count("acheminement") == 3);
}

TEST_CASE("a delivery is recorded once: said again it changes neither date nor trace") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  site.deliver(name);
  CHECK(site.state_of(name) == "livree");
  CHECK(site.states("A") == "rpe-a:remis");
  CHECK(site.count("notification") == 1);
  const auto first = site.number("SELECT livree_le FROM remise");
  const auto traces = site.count("trace");
  site.now += 24h;
  site.store->apply_deliveries({{site.remise(name), model::Delivered{"again"}, site.now, std::nullopt}});
  CHECK(site.number("SELECT livree_le FROM remise") == first);
  CHECK(site.count("trace") == traces);
  CHECK(site.count("notification") == 1);
  CHECK(site.store->due_remises(site.now).empty());
}

TEST_CASE(
    "whatever a remise came to counts once, though it is said twice: the failure may have come after the commit") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  const auto id = site.remise(name);
  site.store->begin_attempts({id}, site.now);
  const auto twice = [&](const std::function<void()>& say) {
    const auto before = site.count("trace");
    say();
    const auto once = site.count("trace");
    CHECK(once > before);
    const auto of_lieu =
        site.text("SELECT echecs || ' ' || prochaine || ' ' || retenu FROM lieu WHERE identifiant = 'rpe-a'");
    const auto attempts = site.number("SELECT tentatives FROM remise");
    say();
    CHECK(site.count("trace") == once);
    CHECK(site.text("SELECT echecs || ' ' || prochaine || ' ' || retenu FROM lieu WHERE identifiant = 'rpe-a'") ==
          of_lieu);
    CHECK(site.number("SELECT tentatives FROM remise") == attempts);
  };
  DeliveryOutcome outcome{id, model::Retry{"no answer", {}, model::Scope::lieu}, site.now, site.now + 1min};
  outcome.begun = true;
  SECTION("an attempt that failed") {
    twice([&] { site.store->apply_deliveries({outcome}); });
  }
  SECTION("one that was refused") {
    outcome.outcome = model::Refused{"remise-differente", "x exists"};
    twice([&] { site.store->apply_deliveries({outcome}); });
  }
  SECTION("one that a stop ended: the next one counts as it should") {
    site.store->abandon_attempt(id, false, site.now);
    site.store->abandon_attempt(id, false, site.now);
    CHECK(site.number("SELECT tentatives FROM remise") == 0);
  }
  SECTION("a recall") {
    site.store->apply_deliveries({{id, model::Delivered{"sftp"}, site.now, std::nullopt}});
    site.store->withdraw_remise(name, "erreur", site.now);
    twice([&] { site.store->apply_recall({id, model::Delivered{"3 of 3 files removed"}, site.now, std::nullopt}); });
    CHECK(site.state_of(name) == "rappelee");
  }
  SECTION("what was left at a former place") {
    twice([&] { site.store->apply_cleared(id, site.now); });
  }
  SECTION("a remise taken apart") {
    const auto bound = site.bound(name);
    twice([&] { site.store->dissolve(id, {bound.at(1)}, site.now); });
  }
}

TEST_CASE("what arrived of a remise counts at its next attempt, but not once its lieu is being cleared of it") {
  Routed site;
  const auto id = site.remise(site.pack("rpe-a"));
  site.store->begin_attempts({id}, site.now);
  site.store->apply_deliveries(
      {{id, model::Retry{"no answer", {}, model::Scope::lieu, {"DI_monenfant_A.pdf"}}, site.now, site.now}});
  CHECK(site.store->due_remises(site.now).at(0).arrived == std::set<std::string>{"DI_monenfant_A.pdf"});
  site.store->begin_taking_apart({id});
  CHECK(site.store->due_remises(site.now).at(0).arrived.empty());
}

TEST_CASE("the Caf is told of a remise that goes on failing, not of one that failed a moment ago") {
  Routed site;
  const auto id = site.remise(site.pack("rpe-a"));
  site.store->begin_attempts({id}, site.now);
  site.store->apply_deliveries({{id, model::Retry{"no room", {}}, site.now, site.now + 1min}});
  CHECK(site.store->alert_facts("421", site.now + 59min).remises_in_trouble.empty());
  CHECK(site.store->alert_facts("421", site.now + 1h).remises_in_trouble.size() == 1);
}

TEST_CASE("what waits behind a server that fails is in trouble too, for the same reason and after the same hour") {
  Routed site;
  const auto tried = site.remise(site.pack("rpe-a"));
  site.take_in({test::demande("Z", {"42218"})});
  site.route();
  const std::string behind = site.pack("rpe-a");
  site.store->begin_attempts({tried}, site.now);
  DeliveryOutcome failed{tried, model::Retry{"serveur-injoignable: no answer", {}, model::Scope::lieu}, site.now,
                         site.now + 1min};
  failed.failures = 1;
  site.store->apply_deliveries({failed});
  CHECK(site.store->counts().remises_in_trouble == 2);
  CHECK(site.store->alert_facts("421", site.now + 59min).remises_in_trouble.empty());
  const auto told = site.store->alert_facts("421", site.now + 1h).remises_in_trouble;
  REQUIRE(told.size() == 2);
  CHECK(told[1].object == behind);
  CHECK(told[1].reason == "serveur-injoignable: no answer");
  CHECK(find_remise(site.store->connection(), behind)->motif == "serveur-injoignable: no answer");
  // Told as a suspended lieu, and as a held one.
  site.store->suspend_lieu("rpe-a", "incident", site.now);
  CHECK(site.store->counts().remises_in_trouble == 0);
  CHECK(site.store->alert_facts("421", site.now + 1h).remises_in_trouble.empty());
  site.store->resume_lieu("rpe-a", site.now);
  failed.next_attempt.reset();
  site.store->apply_deliveries({failed});
  CHECK(site.store->counts().remises_in_trouble == 0);
  CHECK(site.store->alert_facts("421", site.now + 1h).remises_in_trouble.empty());
  // Mended: only what was tried itself has something to tell.
  site.store->retry_lieu("rpe-a", site.now);
  CHECK(find_remise(site.store->connection(), behind)->motif.empty());
}

TEST_CASE("a lieu's last success outlives a withdrawal, and an operator's reason is no error of its") {
  Routed site;
  const auto lieu = [&] { return *find_lieu(site.store->connection(), "rpe-a", model::paris_day(site.now)); };
  const std::string name = site.pack("rpe-a");
  site.deliver(name);
  site.store->withdraw_remise(name, "by mistake", site.now);
  CHECK(lieu().derniere_remise.has_value());
  site.take_in({test::demande("Z", {"42218"})});
  site.route();
  const std::string held = site.pack("rpe-a");
  site.store->hold_remise(held, "it moves", site.now);
  CHECK(lieu().dernier_motif.empty());
}

TEST_CASE("a lieu's retry frees the notifications that all refused as well") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  site.deliver(name);
  site.store->connection().execute("UPDATE notification SET retenue = 1, prochaine = 99999999999999");
  site.store->retry_lieu("rpe-b", site.now);
  CHECK(site.store->counts().held_notifications == 1);
  site.store->retry_lieu("rpe-a", site.now);
  CHECK(site.store->counts().held_notifications == 0);
  CHECK(site.store->due_notifications(site.now, 10).size() == 1);
}

TEST_CASE("the Caf is told of each demande that is held, once it is in a remise too") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  site.store->hold_demande("A", "doubt", site.now);
  const auto told = site.store->alert_facts("421", site.now).held_demandes;
  REQUIRE(told.size() == 1);
  CHECK(told[0].object == "monenfant/A");
  CHECK(told[0].reason == "operateur: ");
  CHECK(site.store->alert_facts("691", site.now).held_demandes.empty());
}

TEST_CASE("all that waits for a person is listed as held, and counted so") {
  Routed site;
  const auto shown = [&] {
    std::vector<std::string> names;
    for (const auto& r : list_remises(site.store->connection(), {"", "", true}, no_limit)) names.push_back(r.nom);
    CHECK(site.store->counts().held_remises == names.size());
    return names;
  };
  const auto more = [&](const char* reference) {
    site.take_in({test::demande(reference, {"42218"})});
    site.route();
    return site.pack("rpe-a");
  };
  using Names = std::vector<std::string>;
  const std::string first = site.pack("rpe-a");
  const std::string delivered = more("Z1");
  site.deliver(delivered);
  CHECK(shown().empty());
  site.store->begin_attempts({site.remise(first)}, site.now);
  DeliveryOutcome refused{site.remise(first), model::Refused{"cle-hote", "not its key", model::Scope::lieu}, site.now,
                          std::nullopt};
  refused.failures = 1;
  site.store->apply_deliveries({refused});
  CHECK(shown() == Names{first});  // ready, and its partner is held
  CHECK(ages(site.store->connection(), site.now).remise_retenue == site.now);
  site.store->withdraw_remise(delivered, "by mistake", site.now);
  CHECK(shown() == Names{delivered, first});  // to be removed, and its partner is held
  site.store->retry_lieu("rpe-a", site.now);
  CHECK(shown().empty());
  site.store->apply_recall({site.remise(delivered), model::Refused{"courriel", "a mail"}, site.now, std::nullopt});
  CHECK(shown() == Names{delivered});  // only the lieu can destroy it
  site.store->hold_remise(first, "it moves", site.now);
  CHECK(shown() == Names{delivered, first});
  const std::string unannounced = more("Z2");
  site.deliver(unannounced);
  site.store->connection().execute("UPDATE notification SET retenue = 1");
  CHECK(shown() == Names{unannounced, delivered, first});
  CHECK(list_remises(site.store->connection(), {"", "rpe-b", true}, no_limit).empty());
  for (const std::string& sql : site.store->connection().prepared()) {
    if (sql.find("l.retenu = 1") == std::string::npos || !sql.starts_with("SELECT")) continue;
    for (const std::string& step : site.store->connection().plan_of(sql)) {
      INFO(sql << "\n" << step);
      CHECK((!step.starts_with("SCAN") || step.find("USING") != std::string::npos));
    }
  }
}

TEST_CASE("the Caf is told apart what waits for the lieu's destruction, for its held partner, and for a next try") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  site.deliver(name);
  site.store->withdraw_remise(name, "by mistake", site.now);
  CHECK(site.store->alert_facts("421", site.now).recalls_waiting.size() == 1);
  DeliveryOutcome failed{site.remise(name), model::Refused{"cle-hote", "not its key", model::Scope::lieu}, site.now,
                         std::nullopt};
  failed.failures = 1;
  site.store->apply_recall(failed);
  auto facts = site.store->alert_facts("421", site.now);
  CHECK(facts.recalls_waiting.empty());
  CHECK(facts.recalls_held.size() == 1);
  site.store->retry_lieu("rpe-a", site.now);
  site.store->apply_recall({site.remise(name), model::Refused{"courriel", "a mail"}, site.now, std::nullopt});
  facts = site.store->alert_facts("421", site.now);
  CHECK(facts.recalls_waiting.empty());
  CHECK(facts.recalls_held.empty());
  REQUIRE(facts.destructions_waiting.size() == 1);
  CHECK(facts.destructions_waiting[0].object == name);
}

TEST_CASE("five days of failures of a remise's own begin with the first of these") {
  Routed site;
  const auto id = site.remise(site.pack("rpe-a"));
  const auto failed = [&](const model::Retry& retry, Instant at, std::optional<Instant> since) {
    CHECK(site.store->begin_attempts({id}, at) == std::set<RowId>{id});
    site.store->apply_deliveries({{id, retry, at, at + 1min, 0, 1, false, true, since}});
    site.store->retry_lieu("rpe-a", at);
    const auto due = site.store->due_remises(at + 1min);
    REQUIRE(due.size() == 1);
    return due[0].failing_since;
  };
  const auto later = site.now + 24h;
  CHECK_FALSE(failed({"serveur-injoignable: down", {}, model::Scope::access}, site.now, {}));
  const auto fails = [&](const model::Retry& retry, Instant at, std::optional<Instant> since) {
    CHECK(site.store->begin_attempts({id}, at) == std::set<RowId>{id});
    site.store->apply_deliveries({{id, retry, at, at + 1min, 0, 1, false, true, since}});
  };
  fails({"erreur-systeme: x", {}}, later, later);
  CHECK(site.store->due_remises(later + 1min).at(0).failing_since == later);
  // A partner that is down meanwhile ends the series no more than it begins one.
  fails({"serveur-injoignable: down", {}, model::Scope::mail_server}, later + 1min, {});
  CHECK(site.number("SELECT premier_echec FROM remise") == later.time_since_epoch().count());
  CHECK_FALSE(failed({"erreur-systeme: x", {}}, later + 1h, later));  // a person asked for it anew
}

TEST_CASE("a lieu's retry frees what five days of failures held, and what else is held stays") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  const auto id = site.remise(name);
  CHECK(site.store->begin_attempts({id}, site.now) == std::set<RowId>{id});
  site.store->apply_deliveries({{id, model::Retry{"erreur-serveur: rename", {}}, site.now, std::nullopt}});
  CHECK(site.state_of(name) == "retenue");
  site.store->retry_lieu("rpe-a", site.now);
  CHECK(site.state_of(name) == "prete");
  CHECK(site.store->due_remises(site.now).size() == 1);
  CHECK(site.store->begin_attempts({id}, site.now) == std::set<RowId>{id});
  site.store->apply_deliveries({{id, model::Refused{"remise-differente", "x"}, site.now, std::nullopt}});
  site.store->retry_lieu("rpe-a", site.now);
  CHECK(site.state_of(name) == "retenue");
  site.store->release_remise(name, site.now);
  site.store->hold_remise(name, "essai", site.now);
  site.store->retry_lieu("rpe-a", site.now);
  CHECK(site.state_of(name) == "retenue");
}

TEST_CASE("a remise is tried again at its time, held when its five days are over, refused ones at once") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  const auto id = site.remise(name);
  CHECK(site.store->begin_attempts({id}, site.now) == std::set<RowId>{id});
  site.store->apply_deliveries({{id, model::Retry{"no answer", {}}, site.now, site.now + 1min}});
  CHECK(site.state_of(name) == "prete");
  CHECK(site.store->due_remises(site.now).empty());
  CHECK(site.store->next_due(site.now) <= site.now + 1min);
  const auto due = site.store->due_remises(site.now + 1min);
  REQUIRE(due.size() == 1);
  CHECK(due[0].attempts == 1);
  CHECK(due[0].failing_since == site.now);
  site.store->apply_deliveries({{id, model::Retry{"no answer", {}}, site.now, std::nullopt}});
  CHECK(site.state_of(name) == "retenue");
  CHECK(site.store->counts().held_remises == 1);
  CHECK(site.store->due_remises(site.now + 24h).empty());
  site.store->release_remise(name, site.now);
  CHECK(site.store->due_remises(site.now).at(0).attempts == 1);  // what an earlier attempt left is still looked for
  CHECK_FALSE(site.store->due_remises(site.now).at(0).failing_since);
  site.store->apply_deliveries({{id, model::Refused{"depot-absent", "no dépôt"}, site.now, std::nullopt}});
  CHECK(site.state_of(name) == "retenue");
  CHECK(site.text("SELECT motif FROM remise") == "depot-absent: no dépôt");
  CHECK(site.states("A") == "rpe-a:en-remise");
}

TEST_CASE("failures that come together count once, and the later one shortens no wait and ends no hold") {
  Routed site;
  const auto id = site.remise(site.pack("rpe-a"));
  const auto failed = [&](int failures, std::optional<Instant> next) {
    site.store->apply_deliveries(
        {{id, model::Retry{"no answer", {}, model::Scope::lieu}, site.now, next, 0, failures}});
    return site.text("SELECT echecs || ' ' || retenu || ' ' || ((prochaine - " + std::to_string(to_column(site.now)) +
                     ") / 60000) FROM lieu WHERE identifiant = 'rpe-a'");
  };
  CHECK(failed(1, site.now + 1min) == "1 0 1");
  CHECK(failed(1, site.now + 2min) == "1 0 2");
  CHECK(failed(2, site.now + 5min) == "2 0 5");
  CHECK(failed(1, site.now + 1min) == "2 0 5");
  CHECK(failed(3, std::nullopt) == "3 1 5");
  CHECK(failed(2, site.now + 9min) == "3 1 9");
}

namespace {

// Two lieux, each with a remise that is due, by these channels.
struct Pair : Site {
  Pair(const model::Channel& a, const model::Channel& b) {
    auto c = convention("C1", {lieu("rpe-a", {"42218"}), lieu("rpe-b", {"42207"})});
    c.annexe.lieux[0].channel = a;
    c.annexe.lieux[1].channel = b;
    take_in({new_version(c)});
    take_in({demande("A", {"42218"}), demande("B", {"42207"})});
    route();
    of_a = pack("rpe-a");
    of_b = pack("rpe-b");
  }
  void end(const std::string& name, model::Outcome outcome, std::optional<Instant> next = {}) {
    store->apply_deliveries({{remise(name), std::move(outcome), now, next}});
  }
  std::vector<std::string> due(Instant when) {
    std::vector<std::string> names;
    for (const DueRemise& r : store->due_remises(when)) names.push_back(r.name);
    return names;
  }
  std::string of_a;
  std::string of_b;
};

using Names = std::vector<std::string>;
const model::Retry server_down{"no answer", {}, model::Scope::mail_server};

}  // namespace

TEST_CASE("whose fault a hold was is not forgotten for what fails beside it: it decides who is freed with whom") {
  Pair site(test::sftp("epci"), test::sftp("epci"));
  SECTION("the lieu's own") {
    site.end(site.of_a, model::Refused{"repertoire-absent", "no such directory", model::Scope::lieu});
    site.end(site.of_a, model::Retry{"no answer", {}, model::Scope::access}, site.now + 1min);
    site.end(site.of_b, model::Delivered{"sftp"});
    CHECK(site.text("SELECT group_concat(identifiant) FROM lieu WHERE retenu = 1") == "rpe-a");
  }
  SECTION("the access's") {
    site.end(site.of_a, model::Refused{"connexion-refusee", "the key is not accepted", model::Scope::access});
    site.end(site.of_a, model::Retry{"no answer", {}, model::Scope::lieu}, site.now + 1min);
    site.end(site.of_b, model::Delivered{"sftp"});
    CHECK(site.number("SELECT count(*) FROM lieu WHERE retenu = 1") == 0);
  }
}

TEST_CASE("a lieu whose mails are in clear has its remises in a dépôt: the mail server puts none of them off") {
  Pair site(test::courriel("a"), test::courriel("b", "<clair/>"));
  site.end(site.of_a, server_down, site.now + 1min);
  CHECK(site.due(site.now) == Names{site.of_b});
  SECTION("nor does its dépôt tell that the mail server is well") {
    site.end(site.of_b, model::Delivered{"depot"});
    CHECK(site.due(site.now).empty());
  }
}

TEST_CASE("what our mail server or an access failed at goes behind the others: it may be the only one that fails") {
  const bool mail = GENERATE(true, false);
  Pair site(mail ? model::Channel(test::courriel("a")) : test::sftp("epci"),
            mail ? model::Channel(test::courriel("b")) : test::sftp("epci"));
  site.now += 1s;
  CHECK(site.due(site.now) == Names{site.of_a, site.of_b});
  site.end(site.of_a, mail ? server_down : model::Retry{"no answer", {}, model::Scope::access}, site.now + 1min);
  CHECK(site.due(site.now).empty());
  CHECK(site.due(site.now + 1min) == Names{site.of_b, site.of_a});
}

TEST_CASE("what was tried often at a failing mail server lets what was not go first") {
  Pair site(test::courriel("a"), test::courriel("b"));
  const auto fail = [&](const std::string& name) {
    site.store->begin_attempts({site.remise(name)}, site.now);
    site.end(name, server_down, site.now + 1h);
    site.now += 1h;
  };
  for (int i = 0; i < 3; ++i) fail(site.of_a);
  CHECK(site.due(site.now).front() == site.of_b);
  fail(site.of_b);
  CHECK(site.due(site.now).front() == site.of_b);
}

TEST_CASE("what a refused attempt, or one that a stop cut short, brought there is known") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  const RowId id = site.remise(name);
  const auto known = [&] { return site.text("SELECT group_concat(nom) FROM remise_fichier WHERE arrive = 1"); };
  const std::string file = site.text("SELECT nom FROM remise_fichier WHERE rang = 0");
  site.store->begin_attempts({id}, site.now);
  SECTION("refused") {
    site.store->apply_deliveries(
        {{id, model::Refused{"source-alteree", "x", model::Scope::remise, false, {file}}, site.now, {}}});
  }
  SECTION("cut short") {
    site.store->note_arrived(id, {file});
  }
  CHECK(known() == file);
}

TEST_CASE("why an operator holds a remise is kept when its lieu turns out to have nothing of it") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  site.store->begin_attempts({site.remise(name)}, site.now);
  site.store->apply_deliveries({{site.remise(name), model::Retry{"lost", std::nullopt}, site.now, site.now + 1h}});
  site.store->hold_remise(name, "le lieu déménage", site.now);
  site.store->confirm_taken_back(name, "rien reçu", site.now);
  CHECK(site.state_of(name) == "retenue");
  CHECK(site.text("SELECT motif FROM remise") == "le lieu déménage");
}

TEST_CASE("R6: a remise that its lieu has, although no server said so, is delivered since its first attempt") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  const auto first = site.now;
  const auto why = [&] { return site.text("SELECT motif FROM remise WHERE nom = '" + name + "'"); };
  site.store->begin_attempts({site.remise(name)}, first);
  CHECK_THROWS_WITH(site.store->confirm_pickup(name, "dit le relais", first), Catch::Contains("is not delivered"));
  site.store->apply_deliveries({{site.remise(name), model::Refused{"depot-absent", "no dépôt"}, first, {}}});
  CHECK_THROWS_WITH(site.store->confirm_pickup(name, "dit le relais", first), Catch::Contains("is not delivered"));
  site.store->retry_remise(name, first);
  site.store->begin_attempts({site.remise(name)}, first);
  CHECK_THROWS_WITH(site.store->confirm_taken_back(name, "rien", first), Catch::Contains("is leaving right now"));
  site.store->apply_deliveries({{site.remise(name), model::Refused{"arrivee-incertaine", "5 times"}, first, {}}});
  CHECK(why() == "arrivee-incertaine: 5 times");
  site.now += 24h;
  SECTION("or, says the lieu, it has it not") {
    site.store->confirm_taken_back(name, "rien reçu", site.now);
    CHECK(site.state_of(name) == "prete");
    CHECK_FALSE(site.store->due_remises(site.now).at(0).tried);
    CHECK_THROWS_WITH(site.store->confirm_pickup(name, "si", site.now, true), Catch::Contains("is not delivered"));
    return;
  }
  SECTION("held all the same, or let go since") {
    if (GENERATE(false, true)) site.store->retry_remise(name, site.now);
  }
  site.store->confirm_pickup(name, "dit le relais", site.now, true);
  CHECK(site.state_of(name) == "livree");
  CHECK(site.states("A") == "rpe-a:remis");
  CHECK(site.number("SELECT livree_le FROM remise WHERE nom = '" + name + "'") == to_column(first));
  CHECK(site.number("SELECT retiree_le FROM remise WHERE nom = '" + name + "'") == to_column(site.now));
  CHECK(site.store->due_notifications(site.now, 10).empty());
  CHECK_THROWS_WITH(site.store->confirm_pickup(name, "encore", site.now), Catch::Contains("already known"));
  CHECK_FALSE(site.store->verify().broken_at);
}

namespace {

model::Convention at_server(int version, const std::string& host, int port = 22,
                            const std::string& directory = "depot") {
  auto c = convention("C1", {lieu("rpe-a", {"42218"})});
  c.version = version;
  c.annexe.lieux[0].channel = test::sftp("navette", 1, host, port, directory);
  return c;
}

}  // namespace

TEST_CASE("what an attempt left at another place is cleared there first, and has not arrived at the new one") {
  Site site;
  site.take_in({new_version(at_server(1, "un.example.org"))});
  site.take_in({test::demande("A", {"42218"})});
  site.route();
  const auto id = site.remise(site.pack("rpe-a"));
  const auto due = [&] { return site.store->due_remises(site.now).at(0); };
  CHECK_FALSE(due().tried);
  site.store->begin_attempts({id}, site.now);
  const bool left_nothing = GENERATE(true, false);
  DeliveryOutcome outcome{id, model::Retry{"lost", {}, model::Scope::remise, {"DI_monenfant_A.pdf"}}, site.now,
                          site.now};
  outcome.left_nothing = left_nothing;
  site.store->apply_deliveries({outcome});
  CHECK(due().tried != left_nothing);
  CHECK(due().arrived.size() == 1);
  SECTION("the same place under a profile that differs otherwise") {
    auto c = at_server(2, "un.example.org");
    auto& profile = std::get<model::SftpChannel>(c.annexe.lieux[0].channel).xml;
    profile.replace(profile.find(">cle<"), 5, ">autre<");
    site.take_in({new_version(c)});
    CHECK_FALSE(due().moved);
    CHECK(due().via == site.number("SELECT id FROM version WHERE version = 2"));
  }
  const auto elsewhere = [&](const model::Convention& c) {
    site.take_in({new_version(c)});
    CHECK(due().moved != left_nothing);
    CHECK(due().via == site.number(left_nothing ? "SELECT id FROM version WHERE version = 2"
                                                : "SELECT id FROM version WHERE version = 1"));
    if (left_nothing) return;
    SECTION("withdrawn, it is removed where it was tried") {
      site.store->withdraw_remise(due().name, "erreur", site.now);
      CHECK((due().recall && due().moved));
      CHECK(due().via == site.number("SELECT id FROM version WHERE version = 1"));
    }
    SECTION("cleared") {
      site.store->apply_cleared(id, site.now);
    }
    SECTION("an operator's word") {
      site.store->confirm_taken_back(due().name, "le serveur n'existe plus", site.now);
    }
    if (due().recall) return;
    CHECK_FALSE(due().moved);
    CHECK(due().arrived.empty());
    CHECK(due().via == site.number("SELECT id FROM version WHERE version = 2"));
    CHECK_THROWS_AS(site.store->confirm_taken_back(due().name, "encore", site.now), Error);
  };
  SECTION("another server") {
    elsewhere(at_server(2, "deux.example.org"));
  }
  SECTION("another port") {
    elsewhere(at_server(2, "un.example.org", 2222));
  }
  SECTION("another directory") {
    elsewhere(at_server(2, "un.example.org", 22, "ailleurs"));
  }
  SECTION("a dépôt") {
    auto c = at_server(2, "un.example.org");
    c.annexe.lieux[0].channel = model::DepotChannel{};
    elsewhere(c);
  }
}

TEST_CASE("of a withdrawn remise only what navette wrote is to be removed") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  const auto id = site.remise(name);
  site.store->begin_attempts({id}, site.now);
  DeliveryOutcome outcome{id, model::Refused{"remise-differente", "x exists"}, site.now, std::nullopt};
  outcome.left_nothing = true;
  const auto facts = [&] { return site.text("SELECT rappel_faits FROM remise"); };
  SECTION("an attempt that wrote nothing is as none") {
    site.store->apply_deliveries({outcome});
    CHECK_FALSE(list_remises(site.store->connection(), {}, no_limit).at(0).partie);
    site.store->withdraw_remise(name, "erreur", site.now);
    CHECK(site.state_of(name) == "rappelee");
    CHECK(facts() == "nothing had left");
  }
  SECTION("nor does one that is known only after the withdrawal") {
    CHECK(list_remises(site.store->connection(), {}, no_limit).at(0).partie);
    site.store->withdraw_remise(name, "erreur", site.now);
    CHECK(site.state_of(name) == "a-rappeler");
    site.store->apply_deliveries({outcome});
    CHECK(site.state_of(name) == "rappelee");
    CHECK(facts() == "nothing had left");
    CHECK(site.number("SELECT motif IS NULL FROM remise") == 1);
  }
  SECTION("nor does one that a stop ended before it wrote") {
    const bool tried = GENERATE(true, false);
    site.store->withdraw_remise(name, "erreur", site.now);
    site.store->abandon_attempt(id, tried, site.now);
    CHECK(site.state_of(name) == (tried ? "a-rappeler" : "rappelee"));
  }
  SECTION("one that may have written") {
    outcome.left_nothing = false;
    outcome.outcome = model::Retry{"lost", {}, model::Scope::remise, {"DI_monenfant_A.xml"}};
    site.store->apply_deliveries({outcome});
    site.store->withdraw_remise(name, "erreur", site.now);
    CHECK(site.store->due_remises(site.now).at(0).arrived == std::set<std::string>{"DI_monenfant_A.xml"});
  }
  SECTION("what was picked up before only the lieu can destroy, whatever was removed") {
    site.store->apply_deliveries({{id, model::Delivered{"sftp"}, site.now, std::nullopt}});
    site.store->apply_pickups({{id, model::PickupEvidence::disappearance, site.now, {}, {}}}, site.now);
    site.store->withdraw_remise(name, "erreur", site.now);
    site.store->apply_recall({id, model::Delivered{"0 of 3 files removed"}, site.now, std::nullopt});
    CHECK(site.state_of(name) == "a-detruire");
    CHECK(site.store->counts().destructions_waiting == 1);
    const auto row = list_remises(site.store->connection(), {}, no_limit).at(0);
    CHECK((row.rappel_faits == "0 of 3 files removed" && !row.retrait_avant && row.retiree_le));
    site.store->confirm_taken_back(name, "détruite, dit le relais", site.now);
    CHECK(site.state_of(name) == "rappelee");
  }
  SECTION("once it is delivered each of its files was written for it") {
    site.store->apply_deliveries({{id, model::Delivered{"sftp"}, site.now, std::nullopt}});
    site.store->withdraw_remise(name, "erreur", site.now);
    const auto due = site.store->due_remises(site.now).at(0);
    CHECK((due.recall && due.arrived.size() == due.files.size()));
  }
  CHECK_FALSE(site.store->verify().broken_at);
}

TEST_CASE("of what is due that is asked for which is wanted, in order, and its number is not used up by the rest") {
  Routed site;
  const std::string a = site.pack("rpe-a");
  const std::string b = site.pack("rpe-b");
  std::vector<std::string> asked;
  DueFilter filter;
  filter.local = 1;
  filter.wanted = [&](const DueRemise& r) {
    asked.push_back(r.name);
    return r.name == b;
  };
  const auto due = site.store->due_remises(site.now, filter);
  REQUIRE(due.size() == 1);
  CHECK(due[0].name == b);
  CHECK(due[0].first_issue == due[0].id);
  CHECK_FALSE(due[0].files.empty());
  CHECK(asked == std::vector<std::string>{a, b});
}

TEST_CASE("a remise held by an operator is not begun, and an outcome that comes late does not release it") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  const auto id = site.remise(name);
  site.store->hold_remise(name, "le lieu déménage", site.now);
  CHECK(site.store->begin_attempts({id}, site.now).empty());
  CHECK(site.number("SELECT tentatives FROM remise") == 0);
  site.store->apply_deliveries({{id, model::Retry{"no answer", {}}, site.now, site.now + 1min}});
  CHECK(site.state_of(name) == "retenue");
  CHECK(site.text("SELECT motif FROM remise") == "le lieu déménage");
  // The bytes did arrive: that is what counts.
  site.store->apply_deliveries({{id, model::Delivered{"depot"}, site.now, std::nullopt}});
  CHECK(site.state_of(name) == "livree");
}

TEST_CASE("a suspended lieu keeps its remises until it is resumed") {
  Routed site;
  site.pack("rpe-a");
  site.store->suspend_lieu("rpe-a", "x", site.now);
  site.store->suspend_lieu("rpe-b", "x", site.now);
  CHECK(site.store->due_remises(site.now).empty());
  CHECK(site.store->next_due(site.now) > site.now);
  site.store->resume_lieu("rpe-a", site.now);
  CHECK(site.store->due_remises(site.now).size() == 1);
}

TEST_CASE("bytes in depart/ are to be removed once their remise is delivered, once") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  CHECK(site.store->departed(10).empty());
  site.deliver(name);
  const auto departed = site.store->departed(10);
  REQUIRE(departed.size() == 1);
  CHECK(departed[0].name == name);
  CHECK(departed[0].lieu == "rpe-a");
  site.store->depart_removed(departed[0].remise);
  CHECK(site.store->departed(10).empty());
}

TEST_CASE("R5: the notification's acceptance opens one échéance; said twice, the first one is day 0") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  site.deliver(name);
  CHECK(site.store->counts().notifications_waiting == 1);
  auto o = site.accepted(name);
  site.store->apply_notifications({o});
  const auto first = site.number("SELECT acceptee_le FROM notification");
  o.at += 24h;
  o.last_day = day("2026-12-01");
  site.store->apply_notifications({o});
  CHECK(site.number("SELECT acceptee_le FROM notification") == first);
  CHECK(site.text("SELECT group_concat(genre || ' ' || jour || ' ' || etat) FROM echeance") ==
        "retrait 2026-11-30 ouverte");
  CHECK(site.store->due_notifications(site.now + 48h, 10).empty());
  CHECK(site.store->counts().notifications_waiting == 0);
}

TEST_CASE("a notification that was not accepted comes again at its time and counts as trouble") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  site.deliver(name);
  NotificationOutcome o;
  o.remise = site.remise(name);
  o.at = site.now;
  o.reason = "disk full";
  o.next_attempt = site.now + 1h;
  CHECK(site.store->counts().notifications_in_trouble == 0);
  site.store->apply_notifications({o});
  CHECK(site.store->due_notifications(site.now, 10).empty());
  CHECK(site.store->counts().notifications_in_trouble == 1);
  const auto due = site.store->due_notifications(site.now + 1h, 10);
  REQUIRE(due.size() == 1);
  CHECK(due[0].attempts == 1);
  CHECK(due[0].lieu == "rpe-a");
  CHECK(due[0].demandes == 2);
  CHECK(due[0].pickup_days == 10);
  site.store->retry_remise(name, site.now);
  CHECK(site.store->due_notifications(site.now, 10).size() == 1);
}

TEST_CASE("the Caf is told of a notification that goes on being put off, and at once of one that all refuse") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  site.deliver(name);
  NotificationOutcome o;
  o.remise = site.remise(name);
  o.at = site.now;
  o.reason = "destinataire-differe: greylisted";
  o.next_attempt = site.now + 1min;
  site.store->apply_notifications({o});
  CHECK(site.store->alert_facts("421", site.now + 59min).notifications_in_trouble.empty());
  CHECK(site.store->alert_facts("421", site.now + 1h).notifications_in_trouble.size() == 1);
  o.reason = "destinataire-refuse: no such user";
  o.next_attempt.reset();
  site.store->apply_notifications({o});
  const auto facts = site.store->alert_facts("421", site.now);
  REQUIRE(facts.held_notifications.size() == 1);
  CHECK(facts.held_notifications[0].object == name);
  CHECK(site.store->alert_facts("421", site.now + 1h).notifications_in_trouble.empty());
}

TEST_CASE("lieux of the same access are named, the lieu itself is not") {
  Routed site;
  auto c = convention("C2", {lieu("rpe-un", {"42095"}), lieu("rpe-deux", {"42147"}), lieu("rpe-trois", {"42187"}),
                             lieu("rpe-quatre", {"42005"})});
  c.annexe.lieux[0].channel = test::sftp("navette", 1, "sftp.example.org", 22, "un");
  c.annexe.lieux[1].channel = test::sftp("navette", 1, "sftp.example.org", 22, "deux");
  c.annexe.lieux[2].channel = test::sftp("autre");
  c.annexe.lieux[3].channel = test::courriel("quatre");
  site.take_in({new_version(c)});
  const auto same = [&](const char* name) {
    return lieux_of_same_access(site.store->connection(), name, day("2026-11-20"));
  };
  CHECK(same("rpe-un") == std::vector<std::string>{"rpe-deux"});
  CHECK(same("rpe-trois").empty());
  CHECK(same("rpe-quatre").empty());
  CHECK(same("rpe-a").empty());  // a dépôt
  CHECK(same("none").empty());
}

TEST_CASE("R12, R13: persons notified are those of the version in force, minus the departed") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  site.deliver(name);
  auto avenant = site.contract;
  avenant.version = 2;
  avenant.annexe.effective_from = day("2026-12-01");
  avenant.activated_on = day("2026-11-20");
  avenant.annexe.personnes = {test::personne("P-NEW", "nouvelle@relais.example.org")};
  site.take_in({new_version(avenant)});
  const auto who = [&](Instant when) {
    const auto due = site.store->due_notifications(when, 10);
    return due.at(0).personnes.at(0).numero;
  };
  CHECK(who(site.now) == "C1-001");
  CHECK(who(at("2026-12-01T05:00:00Z")) == "P-NEW");
}

TEST_CASE("R8: after the end of a convention the persons of its remise are notified: commitments run to their term") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  site.deliver(name);
  site.end_convention_on("2026-11-20");
  const auto due = site.store->due_notifications(at("2026-11-25T05:00:00Z"), 10);
  REQUIRE(due.size() == 1);
  REQUIRE(due[0].personnes.size() == 1);
}

TEST_CASE("R5: the delay notified is the remise's own, whatever an avenant changes later") {
  Routed site;
  const std::string name = site.pack("rpe-a");
  site.deliver(name);
  auto avenant = site.contract;
  avenant.version = 2;
  avenant.annexe.pickup_days = 5;
  site.take_in({new_version(avenant)});
  CHECK(site.store->due_notifications(site.now, 10).at(0).pickup_days == 10);
}

TEST_CASE("something is due at midnight in Paris at the latest: conventions begin and end there") {
  Site site;
  CHECK(site.store->next_due(at("2026-11-20T05:00:00Z")) == at("2026-11-20T23:00:00Z"));
  CHECK(site.store->next_due(at("2026-07-20T22:30:00Z")) == at("2026-07-21T22:00:00Z"));
}
