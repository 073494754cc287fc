#include <catch2/catch.hpp>

#include "store_fixture.h"

using namespace navette;
using namespace navette::store;
using model::Code;
using test::demande;
using test::Site;

namespace {

model::Refusal refusal(Code code) {
  return {code, 3, 1, "/demandes/demande[1]"};
}

std::vector<RefusedRecord> refusals_of(Store& store, RowId flux) {
  std::vector<RefusedRecord> out;
  store.each_refusal(flux, [&](const RefusedRecord& r) { out.push_back(r); });
  return out;
}

}  // namespace

TEST_CASE("demandes that are staged are invisible until their flux is accepted") {
  Site site;
  const auto flux = site.receive();
  site.store->begin_reading(flux.id);
  CHECK(site.stage(flux, {demande("A", {"42218"}), demande("B", {"42218"})}).empty());
  CHECK(site.store->unrouted(10).empty());
  CHECK(site.store->counts().unrouted == 0);
  CHECK_THROWS(site.store->hold_demande("A", "x", site.now));
  CHECK(site.accept(flux, 2) == FluxState::accepte);
  CHECK(site.store->unrouted(10).size() == 2);
  CHECK(site.store->counts().unrouted == 2);
  CHECK(site.store->charge(site.store->unrouted(10)[0].id) == "<demande>A</demande>");
}

TEST_CASE("a reading that was interrupted leaves nothing behind when it begins again") {
  Site site;
  const auto flux = site.receive();
  site.store->begin_reading(flux.id);
  site.stage(flux, {demande("A", {"42218"})}, {{2, "R2", refusal(Code::non_eligible), false}});
  site.open();  // the process died and is started again
  site.store->begin_reading(flux.id);
  for (const char* table : {"demande", "charge", "demande_commune", "refus"}) CHECK(site.count(table) == 0);
  CHECK(site.stage(flux, {demande("A", {"42218"})}).empty());
  CHECK(site.accept(flux, 1) == FluxState::accepte);
  CHECK(site.count("charge") == 1);
}

TEST_CASE("R11: what a flux that died had staged makes no duplicates of the next one's demandes") {
  Site site;
  const auto dead = site.receive();
  site.store->begin_reading(dead.id);
  site.stage(dead, {demande("A", {"42218"})});
  const auto next = site.receive();
  site.store->begin_reading(next.id);
  CHECK(site.stage(next, {demande("A", {"42218"})}).empty());
  CHECK(site.accept(next, 1) == FluxState::accepte);
  CHECK(site.count("charge") == 1);
  site.store->begin_reading(dead.id);
  site.store->refuse_flux(dead, FluxHeader{"demandes", "ID"}, refusal(Code::totaux_faux), 1, site.now);
  CHECK(site.count("charge") == 1);  // what was accepted stays
}

TEST_CASE("a reading stopped on purpose does not count; one that dies does, and goes behind") {
  Site site;
  const auto bad = site.receive();
  const auto good = site.receive();
  for (int i = 0; i < 5; ++i) {
    site.store->begin_reading(bad.id);
    site.stage(bad, {demande("A", {"42218"})});
    site.store->abandon_reading(bad.id);
  }
  for (int i = 0; i < 3; ++i) {
    REQUIRE(site.store->next_received()->id == bad.id);
    site.store->begin_reading(bad.id);
  }
  CHECK(site.store->next_received()->id == good.id);
  CHECK(site.store->next_received({good.id})->id == bad.id);
  CHECK_FALSE(site.store->next_received({good.id, bad.id}));
}

TEST_CASE("more staged demandes than one transaction discards are all gone") {
  Site site;
  const auto flux = site.receive();
  site.store->begin_reading(flux.id);
  std::vector<StagedDemande> many;
  for (int i = 0; i < 4100; ++i) many.push_back(demande("R" + std::to_string(i), {"42218"}));
  site.stage(flux, many);
  CHECK(site.count("charge") == 4100);
  site.store->discard_staged();
  for (const char* table : {"demande", "charge", "demande_commune"}) CHECK(site.count(table) == 0);
}

TEST_CASE("a stop does not wait until what an interrupted reading staged is discarded; the flux stays received") {
  Site site;
  const auto flux = site.receive();
  site.store->begin_reading(flux.id);
  site.stage(flux, {demande("A", {"42218"})});
  std::stop_source stop;
  stop.request_stop();
  CHECK_FALSE(site.store->begin_reading(flux.id, stop.get_token()));
  CHECK_FALSE(site.store->refuse_flux(flux, FluxHeader{"demandes", "ID"}, refusal(Code::totaux_faux), 1, site.now,
                                      stop.get_token()));
  CHECK(site.text("SELECT etat || lectures FROM flux") == "recu1");
  CHECK(site.count("charge") == 1);
  CHECK(site.store->begin_reading(flux.id));
  CHECK(site.count("charge") == 0);
}

TEST_CASE("R9: a refused flux leaves no family's data in the database, and its references are free again") {
  Site site;
  const auto flux = site.receive();
  site.store->begin_reading(flux.id);
  site.stage(flux, {demande("A", {"42218"})});
  site.store->refuse_flux(flux, FluxHeader{"demandes", "ID"}, refusal(Code::totaux_faux), 1, site.now);
  CHECK(site.count("charge") == 0);
  CHECK(site.count("demande") == 0);
  CHECK_FALSE(site.store->accepted_sha256("monenfant", "ID"));
  const auto again = site.receive();
  site.store->begin_reading(again.id);
  CHECK(site.stage(again, {demande("A", {"42218"})}).empty());
  CHECK(site.store->accept_flux(again, {"demandes", "ID"}, 1, {}, {}, "", site.now) == FluxState::accepte);
}

TEST_CASE("an accepted flux is known by its émetteur and identifier") {
  Site site;
  const auto flux = site.receive();
  site.accept(flux, 0);
  CHECK(site.store->accepted_sha256("monenfant", "ID-T1") == "sha-T1");
  CHECK_FALSE(site.store->accepted_sha256("caf-421", "ID-T1"));
  CHECK_FALSE(site.store->accepted_sha256("monenfant", "ID-T2"));
}

TEST_CASE("a flux of which every record was refused is refused: identifier free, contacts not taken") {
  Site site;
  const auto flux = site.receive("caf-421");
  site.stage(flux, {}, {{1, "C1", refusal(Code::siret_invalide), false}});
  CHECK(site.accept(flux, 1, {}, {"caf@example.org"}) == FluxState::refuse);
  CHECK_FALSE(site.store->accepted_sha256("caf-421", "ID-T1"));
  CHECK(site.count("contact_caf") == 0);
  const auto partly = site.receive("caf-421");
  site.stage(partly, {}, {{1, "C1", refusal(Code::siret_invalide), false}});
  CHECK(site.accept(partly, 2, {}, {"caf@example.org"}) == FluxState::partiel);
  CHECK(site.store->accepted_sha256("caf-421", "ID-T2"));
  CHECK(site.text("SELECT courriel FROM contact_caf") == "caf@example.org");
}

TEST_CASE("a reference seen again: a duplicate with the same content, a conflict with another") {
  Site site;
  site.take_in({demande("A", {"42218"}), demande("B", {"42218"})});
  const auto flux = site.receive();
  const auto clashes =
      site.stage(flux, {demande("A", {"42218"}), demande("B", {"42218"}, " changed"), demande("C", {"42218"})});
  REQUIRE(clashes.size() == 2);
  CHECK(clashes[0].index == 0);
  CHECK(clashes[0].record.duplicate);
  CHECK(clashes[0].record.refusal.code == Code::doublon);
  CHECK(clashes[1].index == 1);
  CHECK_FALSE(clashes[1].record.duplicate);
  CHECK(clashes[1].record.refusal.code == Code::conflit);
  CHECK(site.accept(flux, 3) == FluxState::partiel);
  const auto answer = site.store->accuses_due(0, 10).back();
  CHECK(answer.received == 3);
  CHECK(answer.accepted == 1);
  CHECK(answer.duplicates == 1);
  CHECK(answer.refused == 1);
  CHECK(site.text("SELECT xml FROM charge c JOIN demande d ON d.id = c.demande_id WHERE d.reference = 'B'") ==
        "<demande>B</demande>");
}

TEST_CASE("the same reference twice in one flux is refused the second time, even with the same content") {
  Site site;
  const auto flux = site.receive();
  StagedDemande second = demande("A", {"42218"});
  second.rank = 2;
  const auto clashes = site.stage(flux, {demande("A", {"42218"}), second});
  REQUIRE(clashes.size() == 1);
  CHECK(clashes[0].record.refusal.code == Code::reference_en_double);
}

TEST_CASE("a reference is unique for its émetteur only") {
  Site site;
  site.take_in({demande("A", {"42218"})});
  StagedDemande other = demande("A", {"42218"}, " other");
  other.demande.emetteur = "autre-site";
  const auto flux = site.receive();
  CHECK(site.stage(flux, {other}).empty());
  site.accept(flux, 1);
  CHECK_THROWS_WITH(site.store->hold_demande("A", "x", site.now), Catch::Contains("several émetteurs"));
  CHECK_NOTHROW(site.store->hold_demande("autre-site/A", "x", site.now));
}

TEST_CASE("a flux of nothing but duplicates is accepted, harmless") {
  Site site;
  site.take_in({demande("A", {"42218"})});
  const auto flux = site.receive();
  site.stage(flux, {demande("A", {"42218"})});
  CHECK(site.accept(flux, 1) == FluxState::accepte);
  CHECK(site.count("charge") == 1);
}

TEST_CASE("answers are due until their accusé is written, oldest first, after a given one") {
  Site site;
  const auto a = site.receive();
  const auto b = site.receive();
  site.store->refuse_flux(b, std::nullopt, refusal(Code::xml_mal_forme), 0, site.now);
  site.accept(a, 0);
  auto due = site.store->accuses_due(0, 10);
  REQUIRE(due.size() == 2);
  CHECK(due[0].id == a.id);
  CHECK(due[1].refusal->code == Code::xml_mal_forme);
  CHECK(due[1].refusal->line == 3);
  CHECK_FALSE(due[1].identifiant);
  CHECK(site.store->accuses_due(a.id, 10).size() == 1);
  CHECK(site.store->accuses_due(0, 1).size() == 1);
  site.store->accuse_written(a.id, "AR.xml");
  site.store->accuse_written(b.id, "AR.xml");
  CHECK(site.store->accuses_due(0, 10).empty());
}

TEST_CASE("refusals are told in the order of the flux, with their place") {
  Site site;
  const auto flux = site.receive();
  site.stage(flux, {}, {{7, "R7", refusal(Code::non_eligible), false}, {2, "", refusal(Code::siret_invalide), false}});
  const auto told = refusals_of(*site.store, flux.id);
  REQUIRE(told.size() == 2);
  CHECK(told[0].rank == 2);
  CHECK(told[0].reference.empty());
  CHECK(told[1].rank == 7);
  CHECK(told[1].refusal.code == Code::non_eligible);
  CHECK(told[1].refusal.line == 3);
  CHECK(told[1].refusal.path == "/demandes/demande[1]");
}

TEST_CASE("a ticket is known, and whether its file could be copied") {
  Site site;
  CHECK(site.store->ticket_state("T1") == Store::TicketState::unknown);
  site.receive();
  CHECK(site.store->ticket_state("T1") == Store::TicketState::copied);
  Claim pipe;
  pipe.ticket = "T2";
  pipe.emetteur = "monenfant";
  pipe.problem = Code::fichier_non_regulier;
  site.store->add_claims({pipe});
  CHECK(site.store->ticket_state("T2") == Store::TicketState::not_copied);
  CHECK(site.store->next_received({1})->claim.problem == Code::fichier_non_regulier);
}

TEST_CASE("an exception in the middle leaves neither state nor trace") {
  Site site;
  const auto rows = site.count("trace");
  Claim good;
  good.ticket = "X1";
  good.emetteur = "monenfant";
  CHECK_THROWS(site.store->add_claims({good, good}));
  CHECK(site.count("flux") == 0);
  CHECK(site.count("trace") == rows);

  const auto flux = site.receive();
  site.stage(flux, {demande("A", {"42218"})});
  auto wrong = test::convention("C1", {test::lieu("rpe-a", {"42218"})});
  wrong.annexe.pickup_days = 99;  // the schema refuses it, after demandes were admitted and a convention inserted
  const auto before = site.count("trace");
  const auto good_change = test::new_version(test::convention("C0", {test::lieu("rpe-b", {"42207"})}));
  CHECK_THROWS(site.accept(flux, 1, {good_change, test::new_version(wrong)}));
  CHECK(site.count("convention") == 0);
  CHECK(site.count("lieu") == 0);
  CHECK(site.count("trace") == before);
  CHECK(site.store->unrouted(10).empty());
  CHECK(site.text("SELECT etat FROM flux") == "recu");
}
