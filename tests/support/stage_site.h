// A whole site in a directory of its own: spool, database, dépôts, real schemas, stylesheets and communes.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>

#include "base/atomic_file.h"
#include "channels/depot_sender.h"
#include "flux/schemas.h"
#include "model/reference_data.h"
#include "stages/answer.h"
#include "stages/claim.h"
#include "stages/intake.h"
#include "stages/route.h"
#include "stages/spool.h"
#include "store/store.h"
#include "support/times.h"
#include "unit/base/temp_dir.h"

namespace navette::test {

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline const flux::Schemas& schemas() {
  static const auto loaded = flux::Schemas::load("xsd");
  return loaded;
}

inline const model::ReferenceData& communes() {
  static const auto loaded = model::ReferenceData::parse(slurp("data/communes.tsv"));
  return loaded;
}

// Where `from` stands, `to` instead; throws when it does not stand there.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  auto found = text.find(from);
  if (found == std::string::npos) throw std::runtime_error("not in the text: " + from);
  for (; found != std::string::npos; found = text.find(from, found + to.size())) text.replace(found, from.size(), to);
  return text;
}

class StageSite {
 public:
  StageSite() : spool(stages::Spool::open(dir / "spool")) { open(); }

  // As a process that starts on what the former one left.
  void open() { store = std::make_unique<store::Store>((dir / "navette.db").string(), "navette"); }

  std::filesystem::path in(const std::string& below) const { return dir.path() / "spool" / below; }
  void deposit(const std::string& emetteur, const std::string& name, const std::string& bytes) {
    const auto fd = spool.arrivee.make_dir(emetteur).open_file(name, O_WRONLY | O_CREAT | O_TRUNC);
    write_all(fd.get(), bytes);
  }
  std::vector<std::string> names(const std::string& below) const {
    return std::filesystem::is_directory(in(below)) ? Directory::open(in(below)).names() : std::vector<std::string>{};
  }

  stages::ClaimReport claim(const stages::SeenDeposits& seen = {}) {
    return stages::claim(spool, *store, rules, seen, claim_clock, stop.get_token());
  }
  stages::IntakeReport intake(const std::function<void(std::size_t)>& progress = {}) {
    return stages::intake({spool, *store, schemas(), *known_communes, senders, served, flux::Limits{}, clock}, progress,
                          stop.get_token());
  }
  std::size_t answer() { return stages::answer(spool, *store, stop.get_token()); }
  stages::RouteReport route() { return stages::route(*store, communes(), clock, stop.get_token()); }

  // Deposits, claims, reads and answers one flux; the row's state and code: "refuse TOTAUX_FAUX".
  std::string take_in(const std::string& emetteur, const std::string& bytes) {
    deposit(emetteur, "depot.xml", bytes);
    claim();
    intake();
    answer();
    return text("SELECT etat || ' ' || coalesce(code, '') FROM flux ORDER BY id DESC LIMIT 1");
  }

  // Conventions of an accepted flux, without its file.
  void habilitate(const std::vector<store::ConventionChange>& changes) {
    store::Claim claim;
    claim.ticket = "H" + std::to_string(++fluxes);
    claim.emetteur = "caf-421";
    claim.at = clock.now();
    store->add_claims({claim});
    const auto flux = store->next_received().value();
    store->accept_flux(flux, {"habilitations", claim.ticket}, changes.size(), changes, {"caf@example.org"}, "421",
                       clock.now());
    store->accuse_written(flux.id, "none");
  }

  // A remise of one demande, as delivering leaves it, without the way there. Delivered on the 19th, unless another
  // state is asked for.
  void remise(const std::string& name, const std::string& lieu, const std::string& state = "livree") {
    auto& db = store->connection();
    db.query(
          "INSERT INTO remise (nom, lieu_id, version_id, etat, composee_le, nombre, delai_retrait, tentatives, "
          "premiere_tentative, prochaine, livree_le) SELECT ?1, lieu_id, version_id, ?3, ?4, 1, 10, 1, ?4, ?4, ?4 FROM "
          "lieu_version WHERE lieu_id = (SELECT id FROM lieu WHERE identifiant = ?2)")
        .bind(name, lieu, state, store::to_column(at("2026-11-19T05:00:00Z")))
        .run();
    const auto id = db.last_insert_id();
    db.query("INSERT INTO echeance (genre, remise_id, jour, etat) VALUES ('retrait', ?, '2026-11-29', 'ouverte')")
        .bind(id)
        .run();
    int rank = 0;
    for (const char* kind : {"pdf", "xml", "manifeste"}) {
      const std::string file =
          std::string(kind) == "manifeste" ? "manifeste.xml" : "DI_monenfant_A." + std::string(kind);
      db.query("INSERT INTO remise_fichier (remise_id, rang, nom, genre, taille, sha256) VALUES (?, ?, ?, ?, ?, '')")
          .bind(id, std::int64_t{rank}, file, kind, std::int64_t{100 + rank})
          .run();
      ++rank;
    }
  }

  std::string text(const std::string& sql) const {
    SQLite::Database db((dir / "navette.db").string(), SQLite::OPEN_READONLY, 1000);
    SQLite::Statement q(db, sql);
    return q.executeStep() ? q.getColumn(0).getString() : "none";
  }
  long number(const std::string& sql) const { return std::stol(text(sql)); }

  TempDir dir;
  stages::Spool spool;
  std::unique_ptr<store::Store> store;
  FakeClock clock{"2026-11-20T05:00:00Z"};
  FakeClock claim_clock{"2090-01-01T00:00:00Z"};  // deposits have the machine's ctime: all are long complete
  stages::ClaimRules rules;
  const model::ReferenceData* known_communes = &communes();
  stages::Senders senders{{"monenfant", {{"demandes"}, "", {}}}, {"caf-421", {{"habilitations"}, "421", {"42"}}}};
  std::set<std::string> served{"depot", "sftp", "courriel"};
  std::stop_source stop;
  int fluxes = 0;
};

}  // namespace navette::test
