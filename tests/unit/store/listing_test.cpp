// What people see, on a store filled through its own functions.
#include "store/listing.h"

#include <catch2/catch.hpp>

#include "store_fixture.h"

using namespace navette;
using namespace navette::store;
using test::convention;
using test::day;
using test::lieu;
using test::new_version;

namespace {

// A is delivered, B waits for its lieu, C has none; rpe-b is not open.
struct Filled : test::Site {
  Filled() {
    auto closed = convention("C2", {lieu("rpe-b", {"42207"})});
    closed.activated_on.reset();
    take_in({new_version(convention("C1", {lieu("rpe-a", {"42218"})})), new_version(closed)});
    take_in({test::demande("A", {"42218"})});
    route();
    name = pack("rpe-a");
    deliver(name);
    take_in({test::demande("B", {"42218"}), test::demande("C", {"42207"})});
    route();
  }
  sqlite::Connection& db() { return store->connection(); }
  std::vector<std::string> references(const DemandeFilter& filter, std::int64_t limit = no_limit) {
    std::vector<std::string> out;
    for (const auto& row : list_demandes(db(), filter, limit)) out.push_back(row.reference);
    return out;
  }
  std::string name;  // of the remise of A
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Filled, "flux come newest first, bounded, and by state and sender") {
  CHECK(list_flux(db(), {}, no_limit).size() == 3);
  CHECK(list_flux(db(), {}, 2).front().ticket == "T3");
  CHECK(list_flux(db(), {"", "caf-421"}, no_limit).size() == 1);
  CHECK(list_flux(db(), {"refuse", ""}, no_limit).empty());

  const auto flux = receive();
  store->begin_reading(flux.id);
  RefusedRecord bad;
  bad.rank = 2;
  bad.reference = "D2";
  bad.refusal = {model::Code::non_eligible, 7, 3, "/demandes/demande[2]"};
  stage(flux, {test::demande("D1", {"42218"})}, {bad});
  CHECK(references({"a-router", ""}).empty());  // staged only: not there yet
  CHECK(find_demandes(db(), "D1").empty());
  accept(flux, 2);

  const auto row = find_flux(db(), flux.claim.ticket);
  REQUIRE(row);
  CHECK(row->etat == "partiel");
  CHECK(row->recus == 2);
  CHECK(row->refuses == 1);
  CHECK(row->traite_le == now);
  CHECK(find_flux(db(), "monenfant/ID-" + flux.claim.ticket)->id == flux.id);
  CHECK_FALSE(find_flux(db(), "none"));
  const auto refused = list_refus(db(), flux.id, no_limit);
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].code == "NON_ELIGIBLE");
  CHECK(refused[0].ligne == 7);
  CHECK(references({"a-router", ""}) == Words{"D1"});
}

TEST_CASE_METHOD(Filled, "a demande's state is the model's, found by every filter") {
  CHECK(references({}) == Words{"C", "B", "A"});
  CHECK(references({}, 1) == Words{"C"});
  CHECK(references({"remise", ""}) == Words{"A"});
  CHECK(references({"en-cours", ""}) == Words{"B"});
  CHECK(references({"sans-lieu", ""}) == Words{"C"});
  CHECK(references({"", "rpe-a"}) == Words{"B", "A"});
  CHECK(references({"en-cours", "rpe-a"}) == Words{"B"});
  CHECK(references({"", "rpe-b"}).empty());

  store->hold_demande("B", "asked for", now);
  CHECK(references({"retenue", ""}) == Words{"B"});
  CHECK(references({"en-cours", ""}).empty());
  CHECK(references({"", "rpe-a"}) == Words{"B", "A"});
  CHECK(find_demandes(db(), "B").front().retenue == "asked for");
  CHECK(find_demandes(db(), "monenfant/B").size() == 1);
  CHECK(find_demandes(db(), "other/B").empty());
  CHECK(known_demande(db(), "monenfant", "A") == test::demande("A", {"42218"}).sha256);

  store->release_demande("B", now);
  route();
  const std::string second = pack("rpe-a");
  CHECK(references({"en-cours", ""}) == Words{"B"});  // bound to a remise
  store->hold_remise(second, "x", now);
  CHECK(references({"en-cours", ""}) == Words{"B"});
}

TEST_CASE_METHOD(Filled, "a remise tells its attempts, its delivery and its notification") {
  auto row = find_remise(db(), name).value();
  CHECK(row.lieu == "rpe-a");
  CHECK(row.etat == "livree");
  CHECK(row.tentatives == 1);
  CHECK(row.livree_le == now);
  CHECK(row.faits == "depot");
  CHECK(row.notification == "a-envoyer");
  CHECK_FALSE(row.retrait_avant);
  NotificationOutcome accepted;
  accepted.remise = row.id;
  accepted.accepted = true;
  accepted.at = now;
  accepted.recipients = 2;
  accepted.last_day = day("2026-11-30");
  store->apply_notifications({accepted});
  row = find_remise(db(), name).value();
  CHECK(row.destinataires == 2);
  CHECK(row.retrait_avant == day("2026-11-30"));
  CHECK_FALSE(row.prochaine);
  const auto echeances = list_echeances(db(), false, no_limit);
  REQUIRE(echeances.size() == 1);
  CHECK(echeances[0].objet == "remise:" + name);
  CHECK(echeances[0].lieu == "rpe-a");

  const std::string second = pack("rpe-a");
  CHECK(list_remises(db(), {"prete", ""}, no_limit).front().nom == second);
  store->hold_remise(second, "the lieu moves", now);
  const auto held = list_remises(db(), {"retenue", ""}, no_limit);
  REQUIRE(held.size() == 1);
  CHECK(held[0].motif == "the lieu moves");
  CHECK(list_remises(db(), {"", "rpe-a"}, no_limit).size() == 2);
  CHECK(list_remises(db(), {"livree", "rpe-a"}, no_limit).size() == 1);
  CHECK(list_remises(db(), {"", "rpe-b"}, no_limit).empty());
  CHECK(list_remises(db(), {}, 1).front().nom == second);
  CHECK(list_fichiers(db(), row.id).size() == 3);
  CHECK(list_fichiers(db(), row.id).front().demande == "monenfant/A");
  store->withdraw_remise(name, "by mistake", now);
  CHECK_FALSE(find_remise(db(), name)->retrait_avant);  // nothing is to be picked up any more
}

TEST_CASE_METHOD(Filled, "a lieu tells whether it is open, what waits and when it was last served") {
  const auto rows = list_lieux(db(), day("2026-11-20"), no_limit);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].identifiant == "rpe-a");
  CHECK(rows[0].en_vigueur);
  CHECK(rows[0].convention == "C1");
  CHECK(rows[0].canal == "depot");
  CHECK(rows[0].en_attente == 1);
  CHECK(rows[0].derniere_remise == now);
  CHECK(rows[0].communes == Words{"42218"});
  CHECK_FALSE(rows[1].en_vigueur);
  store->suspend_lieu("rpe-a", "incident", now);
  CHECK(find_lieu(db(), "rpe-a", day("2026-11-20"))->suspendu == "incident");
  CHECK_FALSE(find_lieu(db(), "none", day("2026-11-20")));
}

TEST_CASE_METHOD(Filled, "a convention says why it is not in force") {
  const auto today = day("2026-11-20");
  const auto rows = list_conventions(db(), today, no_limit);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].en_vigueur);
  CHECK(rows[0].partenaire == "Métropole inventée");
  CHECK(rows[0].siret == "24420077000018");
  CHECK(rows[1].motif == "not activated by the Caf");
  CHECK(find_conventions(db(), "421/C1", today).size() == 1);
  CHECK(find_conventions(db(), "591/C1", today).empty());

  const auto motif = [&](model::Convention c) { return in_force_of({std::move(c)}, today).front().motif; };
  auto c = convention("X", {});
  CHECK(motif(c).empty());
  c.suspension = model::Suspension{day("2026-11-01"), "breach"};
  CHECK(motif(c) == "suspended since 2026-11-01: breach");
  c = convention("X", {});
  c.termination = model::Termination{model::TerminationCause::manquement, day("2026-11-01"), day("2026-11-10")};
  CHECK(motif(c) == "ended on 2026-11-10");
  c = convention("X", {});
  c.activated_on = day("2026-12-01");
  c.annexe.effective_from = day("2026-12-01");
  CHECK(motif(c) == "begins on 2026-12-01");
  auto second = convention("X", {});
  second.version = 2;
  second.annexe.signed_on = second.annexe.effective_from = day("2026-06-01");
  second.activated_on = day("2026-06-01");
  const auto both = in_force_of({convention("X", {}), second}, today);
  CHECK(both[0].motif == "replaced on 2026-06-01");
  CHECK(both[1].today);
}

TEST_CASE_METHOD(Filled, "traces are found by object; status knows since when things wait") {
  const auto all = list_traces(db(), "", no_limit);
  CHECK(all.front().seq == static_cast<std::int64_t>(all.size()));
  CHECK(list_traces(db(), "", 3).size() == 3);
  const auto of_one = list_traces(db(), "remise:" + name, no_limit);
  REQUIRE_FALSE(of_one.empty());
  for (const auto& row : of_one) CHECK(row.objet == "remise:" + name);

  const Ages a = ages(db(), test::at("2026-11-25T12:00:00Z"));
  CHECK(a.sans_lieu == now);
  CHECK(a.prochain_depart == now);
  CHECK(a.dernier_flux == now);
  CHECK(a.derniere_livraison == now);
  CHECK_FALSE(a.flux_recu);
  CHECK_FALSE(a.remise_retenue);
}

TEST_CASE_METHOD(Filled, "R11: a demande that nobody has any more is counted, and a retry says what can be done") {
  CHECK(ages(db(), now).retirees == 0);
  store->withdraw_remise(name, "by mistake", now);
  CHECK(ages(db(), now).retirees == 1);
  CHECK(withdrawn_demandes(db(), now) == 1);
  CHECK(list_lieux(db(), day("2026-11-20"), no_limit).front().derniere_remise == now);  // that it was is not undone
  CHECK(references({"retiree", ""}) == Words{"A"});
  CHECK_THROWS_WITH(store->retry_demande("A", now),
                    Catch::Contains("withdrawn from every lieu") && Catch::Contains("under a new reference"));
  store->hold_demande("B", "x", now);
  CHECK_THROWS_WITH(store->retry_demande("B", now), Catch::Contains("release it first"));
  // That is true: the same reference is known, another one is routed.
  take_in({test::demande("A-bis", {"42218"})});
  route();
  CHECK(states("A-bis") == "rpe-a:a-remettre");
  // Somebody has what another lieu was to destroy.
  store->connection().execute(
      "INSERT INTO acheminement (demande_id, lieu_id, version_id, etat, du) SELECT d.id, l.id, 1, 'remis', 0 FROM "
      "demande "
      "d, lieu l WHERE d.reference = 'A' AND l.identifiant = 'rpe-b'");
  CHECK(ages(db(), now).retirees == 0);
  CHECK(withdrawn_demandes(db(), now) == 0);
  CHECK(references({"retiree", ""}).empty());
}

TEST_CASE_METHOD(Filled,
                 "R11: a withdrawal is told until it is finished, wherever the remise lay, and for a while after") {
  const auto told = [&](Instant since) {
    Words objects;
    for (const auto& item : store->alert_facts("421", since + std::chrono::days(1)).withdrawn_demandes) {
      objects.push_back(item.object);
    }
    CHECK(withdrawn_demandes(db(), since) == objects.size());
    return objects;
  };
  const auto issue_again = [&](const char* as, const char* state) {
    db().execute(std::string("INSERT INTO remise (nom, lieu_id, version_id, etat, composee_le, nombre, delai_retrait, "
                             "tentatives, prochaine, reemise_de, tentee_par) SELECT '") +
                 as + "', lieu_id, version_id, '" + state +
                 "', 0, 1, 5, 1, 0, id, version_id FROM remise WHERE nom = '" + name + "'");
  };
  const Words a{"monenfant/A"};
  issue_again("again", "livree");
  issue_again("taken-apart", "dissoute");
  CHECK(told(now).empty());
  store->withdraw_remise(name, "by mistake", now);
  CHECK(store->alert_facts("391", now).withdrawn_demandes.empty());  // another Caf's
  now += std::chrono::days(30);
  CHECK(told(now) == a);  // still at the lieu
  store->confirm_taken_back(name, "destroyed", now);
  CHECK(told(now + std::chrono::hours(1)) == a);  // what was issued again is
  store->confirm_taken_back("again", "destroyed", now);
  CHECK(told(now) == a);
  CHECK(told(now + std::chrono::hours(1)).empty());
  CHECK(ages(db(), now).retirees == 1);
}

TEST_CASE_METHOD(Filled, "no list reads the families' table, and lists by state do not walk the demandes") {
  for (const char* state : {"a-router", "sans-lieu", "en-cours", "remise", "retenue", "retiree", ""}) {
    list_demandes(db(), {state, ""}, 5);
  }
  list_demandes(db(), {"", "rpe-a"}, 5);
  ages(db(), now);
  withdrawn_demandes(db(), now);
  store->alert_facts("421", now);
  list_remises(db(), {"", "rpe-a"}, 5);
  list_traces(db(), "remise:" + name, 5);
  std::size_t looked_at = 0;
  for (const std::string& sql : db().prepared()) {
    if (!sql.starts_with("SELECT")) continue;
    for (const std::string& step : db().plan_of(sql)) {
      ++looked_at;
      INFO(sql << "\n" << step);
      const bool ours = sql.find("ORDER BY 1 DESC") != std::string::npos ||
                        sql.find("WHERE objet") != std::string::npos || sql.find("'retire'") != std::string::npos;
      CHECK_FALSE((ours && (step == "SCAN demande" || step == "SCAN a" || step == "SCAN demande_commune")));
      CHECK((!ours || step.find("charge") == std::string::npos));
    }
  }
  CHECK(looked_at > 10);
}
