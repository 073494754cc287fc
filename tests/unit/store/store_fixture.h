// A store on a real file, and the shortest way to put things into it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/routing.h"
#include "store/store.h"
#include "support/conventions.h"
#include "support/times.h"
#include "unit/base/temp_dir.h"

namespace navette::test {

// 20 November 2026 in the morning, a Friday; what is given here is in force then.
class Site {
 public:
  Site() { open(); }

  void open() { store = std::make_unique<store::Store>(path().string(), "navette"); }
  std::filesystem::path path() const { return dir / "navette.db"; }

  store::ReceivedFlux receive(const std::string& emetteur = "monenfant") {
    store::Claim claim;
    claim.ticket = "T" + std::to_string(++tickets);
    claim.emetteur = emetteur;
    claim.name = "depot.xml";
    claim.at = now;
    claim.size = 10;
    claim.sha256 = "sha-" + claim.ticket;
    store->add_claims({claim});
    auto q = store->connection().query("SELECT id FROM flux WHERE ticket = ?");
    q.bind(claim.ticket).step();
    return {q.integer(0), claim};
  }

  // Ranks are given where there are none.
  std::vector<store::Store::Clash> stage(const store::ReceivedFlux& flux, std::vector<store::StagedDemande> staged,
                                         const std::vector<store::RefusedRecord>& refused = {}) {
    for (std::size_t i = 0; i < staged.size(); ++i) {
      if (staged[i].rank == 0) staged[i].rank = i + 1;
    }
    return store->stage(flux, staged, std::vector<model::Refusal>(staged.size()), refused);
  }

  store::FluxState accept(const store::ReceivedFlux& flux, std::uint64_t records,
                          const std::vector<store::ConventionChange>& changes = {},
                          const std::vector<std::string>& contacts = {}) {
    const bool demandes = flux.claim.emetteur == "monenfant";
    return *store->accept_flux(flux, {demandes ? "demandes" : "habilitations", "ID-" + flux.claim.ticket}, records,
                               changes, contacts, demandes ? "" : "421", now);
  }

  // Demandes that came in one accepted flux.
  void take_in(const std::vector<store::StagedDemande>& staged) {
    const auto flux = receive();
    store->begin_reading(flux.id);
    stage(flux, staged);
    accept(flux, staged.size());
  }
  void take_in(const std::vector<store::ConventionChange>& changes, const std::vector<std::string>& contacts = {}) {
    accept(receive("caf-421"), changes.size(), changes, contacts);
  }

  // What stages/route does, without reference data: a commune is accepted for itself, and 13201 for 13055.
  std::size_t route() {
    store->reopen_communes(model::paris_day(now));
    std::size_t acheminements = 0;
    for (const auto& d : store->unrouted(1'000'000)) {
      std::map<std::string, std::vector<std::string>> accepted;
      std::set<std::string> codes;
      for (const auto& c : d.communes) {
        accepted[c] = {c};
        if (c == "13201") accepted[c].emplace_back("13055");
        codes.insert(accepted[c].begin(), accepted[c].end());
      }
      const auto routed = model::route(accepted, store->coverage(codes, model::paris_day(now)));
      store::RouteOutcome outcome{d.id, {}, routed.served, routed.waiting};
      for (const auto& o : routed.lieux) outcome.lieux.push_back({o.lieu, o.version, now});
      acheminements += outcome.lieux.size();
      store->apply_routes({outcome}, now);
    }
    return acheminements;
  }

  store::RowId lieu_id(const std::string& identifiant) {
    return number("SELECT id FROM lieu WHERE identifiant = '" + identifiant + "'");
  }

  // All that is due for a lieu, as one remise; its name.
  std::string pack(const std::string& lieu_name) {
    const auto id = lieu_id(lieu_name);
    const auto day_of = model::paris_day(now);
    const auto in_force = store->lieu_in_force(id, day_of);
    store::PackedRemise p;
    p.name = store->next_remise_name(id, day_of);
    p.lieu = id;
    p.version = in_force.value().version_id;
    p.pickup_days = in_force->pickup_days;
    p.acheminements = store->due_acheminements(id, now, 1000);
    for (const auto& a : p.acheminements) {
      const std::string stem = "DI_" + a.emetteur + "_" + a.reference;
      p.files.push_back({stem + ".pdf", model::FileKind::pdf, 1, "aa", a.emetteur, a.reference});
      p.files.push_back({stem + ".xml", model::FileKind::xml, 2, "bb", a.emetteur, a.reference});
    }
    p.files.push_back({"manifeste.xml", model::FileKind::manifest, 3, "cc", "", ""});
    store::PackOutcome outcome;
    outcome.packed = p;
    return store->apply_pack(outcome, now) ? p.name : "";
  }

  store::RowId remise(const std::string& name) { return number("SELECT id FROM remise WHERE nom = '" + name + "'"); }

  void deliver(const std::string& name) {
    store->begin_attempts({remise(name)}, now);
    store->apply_deliveries({{remise(name), model::Delivered{"depot"}, now, std::nullopt}});
  }

  // "rpe-a:remis rpe-b:annule" of one demande, lieux in order of their names.
  std::string states(const std::string& reference) {
    return text(
        "SELECT coalesce(group_concat(s, ' '), '') FROM (SELECT l.identifiant || ':' || a.etat AS s FROM acheminement "
        "a "
        "JOIN lieu l ON l.id = a.lieu_id JOIN demande d ON d.id = a.demande_id WHERE d.reference = '" +
        reference + "' ORDER BY l.identifiant)");
  }

  // Any SQL of one value; prepared each time, so that tests may build it.
  std::string text(const std::string& sql) {
    SQLite::Database db(path().string(), SQLite::OPEN_READONLY, 1000);
    SQLite::Statement q(db, sql);
    return q.executeStep() ? q.getColumn(0).getString() : "none";
  }
  std::int64_t number(const std::string& sql) { return std::stoll(text(sql)); }
  std::int64_t count(const std::string& table) { return number("SELECT count(*) FROM " + table); }

  TempDir dir;
  std::unique_ptr<store::Store> store;
  Instant now = at("2026-11-20T05:00:00Z");
  int tickets = 0;
};

}  // namespace navette::test
