// Claims, staging, answers to flux.
#include <fmt/format.h>

#include "base/error.h"
#include "base/heartbeat.h"
#include "model/civil_time.h"
#include "store/store.h"

namespace navette::store {
namespace {

constexpr int discard_chunk = 2000;

FluxState parse_flux_state(const std::string& text) {
  for (const auto s : {FluxState::accepte, FluxState::partiel, FluxState::refuse, FluxState::doublon}) {
    if (to_string(s) == text) return s;
  }
  throw Error("unknown flux state in the database: " + text);
}

std::optional<model::Code> code_from(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const auto code = model::parse_code(*text);
  if (!code) throw Error("unknown code in the database: " + *text);
  return code;
}

// Columns ticket, emetteur, nom, recu_le, taille, sha256, probleme from `first` on.
Claim claim_from(const sqlite::Query& q, int first) {
  Claim c;
  c.ticket = q.text(first);
  c.emetteur = q.text(first + 1);
  c.name = q.text(first + 2);
  c.at = instant_from(q.integer(first + 3));
  c.size = static_cast<std::uint64_t>(q.integer(first + 4));
  c.sha256 = q.text(first + 5);
  c.problem = code_from(q.find_text(first + 6));
  return c;
}

std::string flux_object(const Claim& claim) {
  return "flux:" + claim.ticket;
}

std::optional<std::string> non_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

void insert_refusal(sqlite::Connection& db, RowId flux, const RefusedRecord& r) {
  db.query(
        "INSERT INTO refus (flux_id, rang, genre, reference, code, ligne, colonne, chemin) VALUES (?, ?, ?, ?, ?, ?, "
        "?, ?)")
      .bind(flux, static_cast<std::int64_t>(r.rank), r.duplicate ? "doublon" : "refus", non_empty(r.reference))
      .bind(std::string(model::to_string(r.refusal.code)), std::int64_t{r.refusal.line}, std::int64_t{r.refusal.column},
            r.refusal.path)
      .run();
}

// Why this demande cannot be taken: its reference is used already. Nothing when it is free.
std::optional<RefusedRecord> clash(sqlite::Connection& db, RowId flux, const StagedDemande& d,
                                   const model::Refusal& position) {
  auto q = db.query("SELECT flux_id, sha256 FROM demande WHERE emetteur = ? AND reference = ?");
  q.bind(d.demande.emetteur, d.demande.reference);
  if (!q.step()) return std::nullopt;
  RefusedRecord r{d.rank, d.demande.reference, position, false};
  if (q.integer(0) == flux) {
    r.refusal.code = model::Code::reference_en_double;
  } else {
    r.duplicate = q.text(1) == d.sha256;
    r.refusal.code = r.duplicate ? model::Code::doublon : model::Code::conflit;
  }
  return r;
}

void insert_demande(sqlite::Connection& db, RowId flux, const StagedDemande& d) {
  db.query("INSERT INTO demande (flux_id, emetteur, reference, jour, sha256) VALUES (?, ?, ?, ?, ?)")
      .bind(flux, d.demande.emetteur, d.demande.reference, model::to_iso(d.demande.date), d.sha256)
      .run();
  const RowId id = db.last_insert_id();
  db.query("INSERT INTO charge (demande_id, xml) VALUES (?, ?)").bind(id).bind_blob(d.xml).run();
  for (const std::string& insee : d.demande.communes) {
    db.query("INSERT INTO demande_commune (demande_id, insee, etat) VALUES (?, ?, 'nouvelle')").bind(id, insee).run();
  }
}

}  // namespace

Store::TicketState Store::ticket_state(const std::string& ticket) {
  auto q = db_.query("SELECT probleme IS NULL, accuse IS NOT NULL FROM flux WHERE ticket = ?");
  if (!q.bind(ticket).step()) return TicketState::unknown;
  if (q.integer(1) != 0) return TicketState::answered;
  return q.integer(0) != 0 ? TicketState::copied : TicketState::not_copied;
}

void Store::add_claims(const std::vector<Claim>& claims) {
  sqlite::Transaction transaction(db_);
  for (const Claim& c : claims) {
    const auto problem = c.problem ? std::optional(std::string(model::to_string(*c.problem))) : std::nullopt;
    db_.query(
           "INSERT INTO flux (ticket, emetteur, nom, recu_le, taille, sha256, probleme, etat) "
           "VALUES (?, ?, ?, ?, ?, ?, ?, 'recu')")
        .bind(c.ticket, c.emetteur, c.name, to_column(c.at), static_cast<std::int64_t>(c.size), non_empty(c.sha256),
              problem)
        .run();
    trace(c.at, "flux.recu", flux_object(c),
          fmt::format("emetteur={} octets={} sha256={}", c.emetteur, c.size, c.sha256));
  }
  transaction.commit();
}

std::optional<ReceivedFlux> Store::next_received(const std::set<RowId>& except) {
  auto q = db_.query(
      "SELECT id, ticket, emetteur, nom, recu_le, taille, sha256, probleme FROM flux WHERE etat = 'recu' ORDER BY "
      "lectures >= 3, id");
  while (q.step()) {
    if (!except.contains(q.integer(0))) return ReceivedFlux{q.integer(0), claim_from(q, 1)};
  }
  return std::nullopt;
}

bool Store::begin_reading(RowId flux, const std::stop_token& stop) {
  if (!discard_staged(stop)) return false;
  sqlite::Transaction transaction(db_);
  db_.query("DELETE FROM refus WHERE flux_id = ?").bind(flux).run();
  db_.query("UPDATE flux SET lectures = lectures + 1 WHERE id = ?").bind(flux).run();
  transaction.commit();
  return true;
}

void Store::abandon_reading(RowId flux) {
  sqlite::Transaction transaction(db_);
  db_.query("UPDATE flux SET lectures = lectures - 1 WHERE id = ?").bind(flux).run();
  transaction.commit();
}

bool Store::discard_staged(const std::stop_token& stop) {
  int gone = discard_chunk;
  while (gone == discard_chunk) {
    if (stop.stop_requested()) return false;
    heartbeat::beat();
    sqlite::Transaction transaction(db_);
    std::vector<RowId> ids;
    {
      auto q = db_.query("SELECT id FROM demande WHERE admise = 0 LIMIT ?");
      q.bind(discard_chunk);
      while (q.step()) ids.push_back(q.integer(0));
    }
    for (const RowId id : ids) {
      db_.query("DELETE FROM charge WHERE demande_id = ?").bind(id).run();
      db_.query("DELETE FROM demande_commune WHERE demande_id = ?").bind(id).run();
      db_.query("DELETE FROM demande WHERE id = ?").bind(id).run();
    }
    gone = static_cast<int>(ids.size());
    transaction.commit();
  }
  return true;
}

std::optional<std::string> Store::accepted_sha256(const std::string& emetteur, const std::string& identifiant) {
  auto q =
      db_.query("SELECT sha256 FROM flux WHERE emetteur = ? AND identifiant = ? AND etat IN ('accepte', 'partiel')");
  q.bind(emetteur, identifiant);
  if (!q.step()) return std::nullopt;
  return q.text(0);
}

std::vector<Store::Clash> Store::stage(const ReceivedFlux& flux, const std::vector<StagedDemande>& demandes,
                                       const std::vector<model::Refusal>& positions,
                                       const std::vector<RefusedRecord>& refused) {
  std::vector<Clash> clashes;
  sqlite::Transaction transaction(db_);
  for (std::size_t i = 0; i < demandes.size(); ++i) {
    if (auto r = clash(db_, flux.id, demandes[i], positions.at(i))) {
      insert_refusal(db_, flux.id, *r);
      clashes.push_back({i, std::move(*r)});
    } else {
      insert_demande(db_, flux.id, demandes[i]);
    }
  }
  for (const RefusedRecord& r : refused) insert_refusal(db_, flux.id, r);
  transaction.commit();
  return clashes;
}

FluxState Store::close_flux(const ReceivedFlux& flux, FluxState state, const std::optional<FluxHeader>& header,
                            const std::optional<model::Refusal>& refusal, std::uint64_t received, Instant now) {
  std::int64_t refused = 0;
  std::int64_t duplicates = 0;
  if (state == FluxState::accepte) {
    auto q = db_.query("SELECT count(*), coalesce(sum(genre = 'doublon'), 0) FROM refus WHERE flux_id = ?");
    q.bind(flux.id).step();
    duplicates = q.integer(1);
    refused = q.integer(0) - duplicates;
  }
  const std::int64_t count = static_cast<std::int64_t>(received);
  const std::int64_t accepted = state == FluxState::accepte ? count - refused - duplicates : 0;
  if (refused > 0) state = accepted + duplicates > 0 ? FluxState::partiel : FluxState::refuse;
  const auto position = refusal.value_or(model::Refusal{});
  const auto code = refusal ? std::optional(std::string(model::to_string(refusal->code))) : std::nullopt;
  db_.query(
         "UPDATE flux SET etat = ?, type = ?, identifiant = ?, code = ?, ligne = ?, colonne = ?, chemin = ?, recus = "
         "?, "
         "acceptes = ?, doublons = ?, refuses = ?, traite_le = ? WHERE id = ?")
      .bind(to_string(state), header ? std::optional(header->kind) : std::nullopt,
            header ? std::optional(header->identifiant) : std::nullopt, code)
      .bind(std::int64_t{position.line}, std::int64_t{position.column}, position.path)
      .bind(count, accepted, duplicates, refused, to_column(now), flux.id)
      .run();
  trace(now, "flux." + to_string(state), flux_object(flux.claim),
        fmt::format("recus={} acceptes={} doublons={} refuses={}{}{}", count, accepted, duplicates, refused,
                    code ? " code=" : "", code.value_or("")));
  return state;
}

std::optional<FluxState> Store::accept_flux(const ReceivedFlux& flux, const FluxHeader& header, std::uint64_t received,
                                            const std::vector<ConventionChange>& conventions,
                                            const std::vector<std::string>& contacts, const std::string& caf,
                                            Instant now, const std::vector<PickedUp>& pickups,
                                            const std::stop_token& stop) {
  sqlite::Transaction transaction(db_);
  db_.query("UPDATE demande SET admise = 1 WHERE flux_id = ? AND admise = 0").bind(flux.id).run();
  for (const ConventionChange& change : conventions) {
    if (stop.stop_requested()) return std::nullopt;
    heartbeat::beat();
    apply_convention(change, now);
  }
  for (const PickedUp& pickup : pickups) set_picked_up(pickup, now);
  const FluxState state = close_flux(flux, FluxState::accepte, header, std::nullopt, received, now);
  if (!contacts.empty() && state != FluxState::refuse) {
    db_.query("DELETE FROM contact_caf WHERE caf = ?").bind(caf).run();
    for (const std::string& courriel : contacts) {
      db_.query("INSERT OR IGNORE INTO contact_caf (caf, courriel) VALUES (?, ?)").bind(caf, courriel).run();
    }
  }
  transaction.commit();
  return state;
}

bool Store::refuse_flux(const ReceivedFlux& flux, const std::optional<FluxHeader>& header,
                        const model::Refusal& refusal, std::uint64_t received, Instant now,
                        const std::stop_token& stop) {
  if (!discard_staged(stop)) return false;
  sqlite::Transaction transaction(db_);
  db_.query("DELETE FROM refus WHERE flux_id = ?").bind(flux.id).run();
  close_flux(flux, FluxState::refuse, header, refusal, received, now);
  transaction.commit();
  return true;
}

void Store::duplicate_flux(const ReceivedFlux& flux, const FluxHeader& header, Instant now) {
  sqlite::Transaction transaction(db_);
  close_flux(flux, FluxState::doublon, header, model::Refusal{model::Code::doublon, 0, 0, {}}, 0, now);
  transaction.commit();
}

std::vector<FluxAnswer> Store::accuses_due(RowId after, std::size_t limit) {
  std::vector<FluxAnswer> out;
  auto q = db_.query(
      "SELECT id, ticket, emetteur, nom, recu_le, taille, sha256, probleme, etat, type, identifiant, code, ligne, "
      "colonne, "
      "chemin, recus, acceptes, doublons, refuses, traite_le FROM flux WHERE accuse IS NULL AND etat <> 'recu' "
      "AND id > ? ORDER BY id LIMIT ?");
  q.bind(after, static_cast<std::int64_t>(limit));
  const auto count = [&](int column) { return static_cast<std::uint64_t>(q.integer(column)); };
  while (q.step()) {
    FluxAnswer a;
    a.id = q.integer(0);
    a.claim = claim_from(q, 1);
    a.state = parse_flux_state(q.text(8));
    a.kind = q.find_text(9);
    a.identifiant = q.find_text(10);
    if (const auto code = code_from(q.find_text(11))) a.refusal = {*code, q.integer(12), q.integer(13), q.text(14)};
    a.received = count(15);
    a.accepted = count(16);
    a.duplicates = count(17);
    a.refused = count(18);
    a.processed_at = instant_from(q.integer(19));
    out.push_back(std::move(a));
  }
  return out;
}

void Store::each_refusal(RowId flux, const std::function<void(const RefusedRecord&)>& visit) {
  auto q = db_.query(
      "SELECT rang, genre, reference, code, ligne, colonne, chemin FROM refus WHERE flux_id = ? ORDER BY rang");
  q.bind(flux);
  while (q.step()) {
    RefusedRecord r;
    r.rank = static_cast<std::uint64_t>(q.integer(0));
    r.duplicate = q.text(1) == "doublon";
    r.reference = q.text(2);
    r.refusal = {code_from(q.find_text(3)).value_or(model::Code::enregistrement_invalide), q.integer(4), q.integer(5),
                 q.text(6)};
    visit(r);
  }
}

void Store::accuse_written(RowId flux, const std::string& file_name) {
  sqlite::Transaction transaction(db_);
  db_.query("UPDATE flux SET accuse = ? WHERE id = ?").bind(file_name, flux).run();
  transaction.commit();
}

}  // namespace navette::store
