// With 100,000 demandes waiting, a pass with nothing due costs nothing: by the query plans, and by the rows that
// statements walk through, as SQLite counts them.
#include <catch2/catch.hpp>

#include "store_fixture.h"

using namespace navette;
using namespace navette::store;
using test::convention;
using test::lieu;
using test::new_version;
using test::Site;

namespace {

// `waiting` demandes without a lieu and as many for tomorrow morning; a tenth as much history.
void fill(Site& site, int waiting) {
  auto quotidien = convention("C1", {lieu("rpe-a", {"42218"}), lieu("rpe-b", {"42207"})});
  quotidien.annexe.cadence = model::Quotidien{};
  site.take_in({new_version(quotidien)});
  site.store->accuse_written(1, "AR.xml");
  site.route();
  const auto number = std::to_string(waiting);
  const auto tomorrow = std::to_string(to_column(site.now) + 86'400'000);
  const auto past = std::to_string(to_column(site.now) - 86'400'000);
  auto& db = site.store->connection();
  db.execute("BEGIN IMMEDIATE");
  db.execute("CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < " +
             number + ") SELECT i FROM c");
  db.execute(
      "INSERT INTO flux (ticket, emetteur, nom, recu_le, taille, etat, type, identifiant, accuse) SELECT 'X' || i, "
      "'monenfant', 'x', 0, 1, 'accepte', 'demandes', 'I' || i, 'AR' FROM n WHERE i % 10 = 0");
  // Odd: sans-lieu; even: routed for tomorrow; every tenth of those: delivered yesterday.
  db.execute(
      "INSERT INTO demande (id, flux_id, emetteur, reference, jour, sha256, admise) SELECT i, 1, 'monenfant', 'R' || "
      "i, "
      "'2026-11-18', 'x', 1 FROM n");
  db.execute("INSERT INTO charge SELECT i, x'00' FROM n");
  db.execute(
      "INSERT INTO demande_commune SELECT i, CASE i % 2 WHEN 1 THEN '2A004' ELSE '42218' END, CASE i % 2 WHEN 1 THEN "
      "'attente' ELSE 'servie' END FROM n");
  db.execute("UPDATE demande SET sans_lieu = 1 WHERE id % 2 = 1");
  db.execute(
      "INSERT INTO remise (id, nom, lieu_id, version_id, etat, composee_le, nombre, delai_retrait, prochaine, "
      "livree_le, depart_efface) SELECT i, 'rpe-a-20261119-' || i, 1, 1, 'livree', 0, 1, 10, " +
      past + ", " + past + ", 1 FROM n WHERE i % 20 = 0");
  db.execute(
      "INSERT INTO remise_fichier (remise_id, rang, nom, genre, taille, sha256, demande_id) SELECT i, 0, 'x', 'pdf', "
      "1, 'x', i FROM n WHERE i % 20 = 0");
  db.execute("INSERT INTO notification (remise_id, etat, prochaine) SELECT i, 'envoyee', 0 FROM n WHERE i % 20 = 0");
  db.execute(
      "INSERT INTO acheminement (demande_id, lieu_id, version_id, etat, du, remise_id) SELECT i, 1, 1, CASE i % 20 "
      "WHEN "
      "0 THEN 'remis' ELSE 'a-remettre' END, " +
      tomorrow + ", CASE i % 20 WHEN 0 THEN i END FROM n WHERE i % 2 = 0");
  db.execute(
      "INSERT INTO trace SELECT i + 1000, 0, 'navette', 'x', 'y', '', 'z' FROM n WHERE i % 10 = 0; DROP TABLE n; "
      "COMMIT");
}

// All that a pass with nothing due asks of the store, and what follows it: when to wake up, what needs a person.
void idle_pass(Site& site) {
  auto& store = *site.store;
  const auto today = model::paris_day(site.now);
  CHECK(store.ticket_state("none") == Store::TicketState::unknown);
  CHECK_FALSE(store.next_received());
  CHECK(store.accuses_due(0, 100).empty());
  CHECK_FALSE(store.reopen_communes(today));
  CHECK(store.unrouted(500).empty());
  CHECK(store.lieux_due(site.now).empty());
  CHECK(store.departed(200).empty());
  CHECK(store.due_remises(site.now).empty());
  CHECK(store.due_notifications(site.now, 100).empty());
  CHECK(store.next_due(site.now) > site.now);
  store.trace_head();
  store.counts();
  CHECK(store.last_worked());
  store.set_incidents({}, site.now);
}

sqlite::Connection::Work idle_work(Site& site) {
  idle_pass(site);  // statements prepared
  site.store->connection().take_work();
  idle_pass(site);
  return site.store->connection().take_work();
}

}  // namespace

TEST_CASE("a pass with nothing due walks through no large table, and costs the same with 100 or 100,000 waiting") {
  Site small;
  fill(small, 200);
  const auto few = idle_work(small);

  Site large;
  fill(large, 100'000);
  CHECK(large.store->counts().sans_lieu == 50'000);
  CHECK(large.store->counts().waiting == 45'000);
  const auto many = idle_work(large);

  CHECK(few.instructions > 100);  // it does count
  CHECK(many.instructions <= few.instructions + few.instructions / 10);
  CHECK(many.scanned <= few.scanned + 5);

  // A partial index holds only what is due, hence may be walked; the tables and their full indexes may not.
  const std::set<std::string> partial = {
      "flux_recu",      "flux_accuse_du",   "demande_retenue",  "acheminement_retenu", "commune_nouvelle", "remise_due",
      "remise_retenue", "remise_a_effacer", "notification_due", "remise_a_rappeler",   "remise_a_detruire"};
  std::size_t looked_at = 0;
  for (const std::string& sql : large.store->connection().prepared()) {
    if (sql.starts_with("PRAGMA") || sql.starts_with("INSERT")) continue;
    for (const std::string& step : large.store->connection().plan_of(sql)) {
      ++looked_at;
      INFO(sql << "\n" << step);
      if (!step.starts_with("SCAN")) continue;
      const auto index = step.find("INDEX ");  // "SCAN a USING INDEX name"
      const bool in_partial = index != std::string::npos && partial.contains(step.substr(index + 6));
      const bool small_table = step == "SCAN l" || step == "SCAN lieu" || step == "SCAN incident" ||
                               step == "SCAN alerte" || step == "SCAN due" || step == "SCAN CONSTANT ROW" ||
                               (step == "SCAN trace" && sql.find("LIMIT 1") != std::string::npos);
      CHECK((in_partial || small_table));
    }
  }
  CHECK(looked_at > 20);
}

TEST_CASE("what the counters say is what the rows say, after everything that can happen to them") {
  Site site;
  site.take_in({new_version(convention("C1", {lieu("rpe-a", {"42218"}), lieu("rpe-b", {"42207"})}))});
  site.take_in({test::demande("A", {"42218"}), test::demande("B", {"42218", "42207"}), test::demande("C", {"2A004"}),
                test::demande("D", {"42218"})});
  const auto agree = [&] {
    const auto counts = site.store->counts();
    const auto rows = [&](const char* sql) { return static_cast<std::uint64_t>(site.number(sql)); };
    CHECK(counts.waiting == rows("SELECT count(*) FROM acheminement WHERE etat = 'a-remettre'"));
    CHECK(counts.held_acheminements == rows("SELECT count(*) FROM acheminement WHERE etat = 'retenu'"));
    CHECK(counts.sans_lieu ==
          rows("SELECT count(DISTINCT w.demande_id) FROM demande_commune w WHERE w.etat = 'attente' AND NOT EXISTS "
               "(SELECT 1 FROM acheminement a WHERE a.demande_id = w.demande_id AND a.etat <> 'annule')"));
  };
  agree();
  site.route();
  agree();
  CHECK(site.store->counts().sans_lieu == 1);
  site.store->hold_demande("D", "x", site.now);
  agree();
  const std::string name = site.pack("rpe-a");
  agree();
  site.store->dissolve(site.remise(name), site.store->acheminements_of(site.remise(name)), site.now);
  site.route();
  agree();
  site.store->release_demande("D", site.now);
  site.route();
  site.deliver(site.pack("rpe-a"));
  agree();
  CHECK(site.store->counts().waiting == 1);
}
