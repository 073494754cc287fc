#include "stages/intake.h"

#include <memory>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/heartbeat.h"
#include "base/log.h"
#include "lib/crypto/sha256.h"
#include "lib/xml/writer.h"
#include "model/civil_time.h"
#include "stages/conventions_intake.h"
#include "stages/pickups_intake.h"

namespace navette::stages {
namespace {

using model::Code;
using model::Objection;
using model::Refusal;

constexpr std::size_t records_at_once = 500;  // records a transaction

// The refused records of one flux, in one file beside its accusé. Durable before the flux is answered.
class Fragments {
 public:
  Fragments(const Spool& spool, const store::Claim& claim)
      : directory_(spool.rejet.make_durable_dir(claim.emetteur)), name_(claim.ticket + ".fragments.xml") {}

  void add(std::uint64_t rank, const Refusal& refusal, const std::string& xml) {
    if (!file_) {
      file_ = std::make_unique<AtomicFile>(directory_, name_);
      file_->write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<fragments>\n");
    }
    // The fragment is escaped, not embedded: it was refused, and may hold anything.
    std::string text =
        "<fragment rang=\"" + std::to_string(rank) + "\" code=\"" + std::string(to_string(refusal.code)) + "\">";
    xml::append_escaped(text, xml);
    file_->write(text + "</fragment>\n");
  }
  void commit() {
    if (!file_) return;
    file_->write("</fragments>\n");
    file_->commit();
  }

 private:
  Directory directory_;
  std::string name_;
  std::unique_ptr<AtomicFile> file_;
};

class Reading final : public flux::Handler {
 public:
  Reading(const IntakeTools& tools, const store::ReceivedFlux& flux, const Sender& sender,
          const std::function<void(std::size_t)>& progress, const std::stop_token& stop)
      : tools_(tools),
        flux_(flux),
        sender_(sender),
        progress_(progress),
        stop_(stop),
        today_(model::paris_day(tools.clock.now())),
        fragments_(tools.spool, flux.claim),
        conventions_(tools, sender),
        pickups_(tools.store, sender, today_) {}

  std::optional<Objection> header(const flux::Header& header) override {
    if (!sender_.kinds.contains(header.kind)) return Objection{Code::type_non_autorise, "emetteur"};
    if (header.emetteur != flux_.claim.emetteur) return Objection{Code::emetteur_different, "emetteur"};
    conventions_.sent_at(header.created);
    if (auto objection = check_envelope(header, flux_.claim.size, today_)) return objection;
    const auto known = tools_.store.accepted_sha256(header.emetteur, header.identifiant);
    if (known) return Objection{*known == flux_.claim.sha256 ? Code::doublon : Code::conflit, "identifiant"};
    return std::nullopt;
  }

  void contacts(const std::vector<std::string>& courriels) override { contacts_ = courriels; }

  void demande(flux::DemandeRecord record) override {
    if (record.demande.date > today_) {
      const Refusal refusal = record.source.refusal({Code::date_invalide, "dateDemande"});
      return refuse({record.rank, record.demande.reference, refusal, false}, record.xml);
    }
    const std::string sha256 = crypto::sha256_hex(record.xml);
    staged_.push_back({record.rank, std::move(record.demande), std::move(record.xml), sha256});
    positions_.push_back(std::move(record.position));
    flush_when_full();
  }

  void convention(flux::ConventionRecord record) override {
    const std::string numero = record.convention.numero;
    if (const auto objection = conventions_.add(std::move(record.convention))) {
      refuse({record.rank, numero, record.source.refusal(*objection), false}, record.xml);
    }
  }

  void pickup(flux::PickupRecord record) override {
    const auto objection = pickups_.add(record.pickup);
    if (!objection) return;
    const bool duplicate = objection->code == Code::doublon;
    store::RefusedRecord told{record.rank, record.pickup.remise, record.source.refusal(*objection), duplicate};
    if (!duplicate) return refuse(std::move(told), record.xml);
    refused_.push_back(std::move(told));
    flush_when_full();
  }

  void refused(flux::RefusedRecord record) override {
    refuse({record.rank, record.reference, record.refusal, false}, record.fragment);
  }

  bool keep_going() override {
    if (++seen_ % records_at_once == 0) heartbeat::beat();
    return !stop_.stop_requested();
  }

  // What is staged so far becomes durable, and its clashes known.
  void flush() {
    if (staged_.empty() && refused_.empty()) return;
    for (const auto& clash : tools_.store.stage(flux_, staged_, positions_, refused_)) {
      if (!clash.record.duplicate) fragments_.add(clash.record.rank, clash.record.refusal, staged_[clash.index].xml);
    }
    if (progress_) progress_(staged_.size() + refused_.size());
    staged_.clear();
    positions_.clear();
    refused_.clear();
  }

  // Nothing: a stop was asked for, and nothing is changed.
  std::optional<store::FluxState> accept(const flux::Result& result) {
    flush();
    fragments_.commit();
    return tools_.store.accept_flux(flux_, {result.header->kind, result.header->identifiant}, result.records,
                                    conventions_.changes(), contacts_, sender_.caf, tools_.clock.now(),
                                    pickups_.taken(), stop_);
  }

 private:
  void refuse(store::RefusedRecord record, const std::string& xml) {
    fragments_.add(record.rank, record.refusal, xml);
    refused_.push_back(std::move(record));
    flush_when_full();
  }
  void flush_when_full() {
    if (staged_.size() + refused_.size() >= records_at_once) flush();
  }

  const IntakeTools& tools_;
  const store::ReceivedFlux& flux_;
  const Sender& sender_;
  const std::function<void(std::size_t)>& progress_;
  const std::stop_token& stop_;
  model::Day today_;
  Fragments fragments_;
  ConventionsIntake conventions_;
  PickupsIntake pickups_;
  std::size_t seen_ = 0;
  std::vector<std::string> contacts_;
  std::vector<store::StagedDemande> staged_;
  std::vector<Refusal> positions_;
  std::vector<store::RefusedRecord> refused_;
};

// False when a stop was asked for before what the flux had staged was discarded: it stays received.
bool refuse_whole(const IntakeTools& tools, const store::ReceivedFlux& flux, const std::optional<flux::Header>& header,
                  const Refusal& refusal, std::uint64_t records, const std::stop_token& stop, IntakeReport& report) {
  const auto known = header ? std::optional(store::FluxHeader{header->kind, header->identifiant}) : std::nullopt;
  if (!tools.store.refuse_flux(flux, known, refusal, records, tools.clock.now(), stop)) {
    tools.store.abandon_reading(flux.id);
    return false;
  }
  ++report.refused_flux;
  log::warning("flux.refused", {{"flux", flux.claim.ticket},
                                {"emetteur", flux.claim.emetteur},
                                {"code", to_string(refusal.code)},
                                {"line", refusal.line}});
  return true;
}

// False when a stop was asked for before the end.
bool read_flux(const IntakeTools& tools, const store::ReceivedFlux& flux,
               const std::function<void(std::size_t)>& progress, const std::stop_token& stop, IntakeReport& report) {
  const store::Claim& claim = flux.claim;
  if (!tools.store.begin_reading(flux.id, stop)) return false;
  const auto sender = find_sender(tools.senders, tools.store, claim.emetteur);
  if (claim.problem) {
    return refuse_whole(tools, flux, std::nullopt, {*claim.problem, 0, 0, {}}, 0, stop, report);
  }
  if (!sender) {
    return refuse_whole(tools, flux, std::nullopt, {Code::emetteur_inconnu, 0, 0, {}}, 0, stop, report);
  }
  const auto work = tools.spool.travail.find_dir(claim.emetteur);
  if (!work || !work->contains(claim.ticket)) {  // somebody took it out of travail/
    return refuse_whole(tools, flux, std::nullopt, {Code::fichier_illisible, 0, 0, {}}, 0, stop, report);
  }
  const UniqueFd fd = work->open_file(claim.ticket, O_RDONLY);
  Reading reading(tools, flux, *sender, progress, stop);
  const flux::Result result = flux::read(fd.get(), tools.schemas, tools.reference, reading, tools.limits);
  if (result.interrupted) {
    tools.store.abandon_reading(flux.id);
    return false;
  }
  report.records += result.records;
  if (result.refusal && result.refusal->code == Code::doublon && result.header) {
    tools.store.duplicate_flux(flux, {result.header->kind, result.header->identifiant}, tools.clock.now());
    log::notice("flux.duplicate", {{"flux", claim.ticket}, {"emetteur", claim.emetteur}});
  } else if (result.refusal) {
    return refuse_whole(tools, flux, result.header, *result.refusal, result.records, stop, report);
  } else {
    const auto accepted = reading.accept(result);
    if (!accepted) {
      tools.store.abandon_reading(flux.id);
      return false;
    }
    const store::FluxState state = *accepted;
    if (state == store::FluxState::refuse) ++report.refused_flux;
    log::info("flux.read", {{"flux", claim.ticket},
                            {"emetteur", claim.emetteur},
                            {"result", to_string(state)},
                            {"records", result.records}});
  }
  return true;
}

}  // namespace

std::optional<Objection> check_envelope(const flux::Header& header, std::uint64_t bytes, model::Day today) {
  if (header.kind == "habilitations" && bytes > max_habilitations) return Objection{Code::taille_excessive};
  // Of two flux on one convention the later one counts: one that says it was made in the year 2099 would make every
  // true one that follows too old, a departure or a breach among them (R13, R8). A day for clocks that disagree.
  if (header.created.substr(0, 10) > model::to_iso(model::plus_days(today, 1))) {
    return Objection{Code::date_invalide, "dateCreation"};
  }
  return std::nullopt;
}

bool serves_one_caf(const Senders& configured) {
  std::set<std::string> cafs;
  for (const auto& [name, sender] : configured) {
    if (!sender.caf.empty()) cafs.insert(sender.caf);
  }
  return cafs.size() <= 1;
}

std::optional<Sender> find_sender(const Senders& configured, store::Store& store, const std::string& name) {
  if (const auto known = configured.find(name); known != configured.end()) return known->second;
  if (!store.knows_lieu(name)) return std::nullopt;
  return Sender{{"retrait"}, {}, {}, name};
}

IntakeReport intake(const IntakeTools& tools, const std::function<void(std::size_t)>& progress,
                    const std::stop_token& stop) {
  IntakeReport report;
  std::set<store::RowId> failed;
  while (!stop.stop_requested()) {
    heartbeat::beat();
    const auto flux = tools.store.next_received(failed);
    if (!flux) break;
    try {
      if (!read_flux(tools, *flux, progress, stop, report)) break;
      ++report.flux;
    } catch (const std::system_error& e) {  // its file, or its sender's rejet/: the next flux may fare better
      failed.insert(flux->id);
      log::error("intake.failed",
                 {{"flux", flux->claim.ticket}, {"emetteur", flux->claim.emetteur}, {"error", describe(e)}});
    }
  }
  if (!failed.empty()) throw Error(fmt::format("{} flux could not be read, see the log", failed.size()));
  return report;
}

}  // namespace navette::stages
