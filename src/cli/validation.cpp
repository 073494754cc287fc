#include "cli/validation.h"

#include <cstdlib>
#include <filesystem>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/directory.h"
#include "cli/open_store.h"
#include "daemon/settings.h"
#include "lib/crypto/sha256.h"
#include "stages/conventions_intake.h"
#include "stages/pickups_intake.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

namespace fs = std::filesystem;
using model::Code;
using model::Objection;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "navette-validate-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw_errno("make a directory below " + fs::temp_directory_path().string());
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string sha256_of(int fd) {
  crypto::Sha256 hash;
  std::string buffer(std::size_t{1} << 16U, '\0');
  while (const std::size_t n = read_some(fd, buffer.data(), buffer.size())) {
    hash.update(std::string_view(buffer).substr(0, n));
  }
  if (::lseek(fd, 0, SEEK_SET) != 0) throw_errno("rewind");
  return hash.finish_hex();
}

// The decisions of stages/intake.cpp, told instead of stored.
class Judge final : public flux::Handler {
 public:
  Judge(const stages::IntakeTools& tools, bool remises_known, std::string emetteur, std::string sha256,
        std::uint64_t size, const std::function<void(const RecordFault&)>& fault)
      : tools_(tools),
        remises_known_(remises_known),
        emetteur_(std::move(emetteur)),
        sha256_(std::move(sha256)),
        size_(size),
        fault_(fault),
        today_(model::paris_day(tools.clock.now())) {}

  std::optional<Objection> header(const flux::Header& header) override {
    // Without a configuration there is no sender to hold it against.
    if (!tools_.senders.empty()) {
      if (emetteur_.empty()) emetteur_ = header.emetteur;
      auto sender = stages::find_sender(tools_.senders, tools_.store, emetteur_);
      if (!sender) return Objection{Code::emetteur_inconnu, "emetteur"};
      sender_ = *std::move(sender);
      if (!sender_.kinds.contains(header.kind)) return Objection{Code::type_non_autorise, "emetteur"};
      if (header.emetteur != emetteur_) return Objection{Code::emetteur_different, "emetteur"};
    } else if (!emetteur_.empty() && header.emetteur != emetteur_) {
      return Objection{Code::emetteur_different, "emetteur"};
    }
    const auto known = tools_.store.accepted_sha256(header.emetteur, header.identifiant);
    if (auto objection = stages::check_envelope(header, size_, today_)) return objection;
    if (known) return Objection{*known == sha256_ ? Code::doublon : Code::conflit, "identifiant"};
    if (tools_.senders.empty()) sender_.lieu = header.emetteur;
    pickups_.emplace(tools_.store, sender_, today_);
    conventions_.emplace(tools_, sender_);
    conventions_->sent_at(header.created);
    if (sender_.caf.empty() && header.emetteur.starts_with("caf-")) sender_.caf = header.emetteur.substr(4);
    return std::nullopt;
  }

  void demande(flux::DemandeRecord record) override {
    RecordFault f{record.rank, record.demande.reference, record.position, false};
    if (record.demande.date > today_) {
      f.refusal = record.source.refusal({Code::date_invalide, "dateDemande"});
      return tell(f);
    }
    if (!references_.insert(record.demande.reference).second) {
      f.refusal.code = Code::reference_en_double;
      return tell(f);
    }
    const auto known =
        store::known_demande(tools_.store.connection(), record.demande.emetteur, record.demande.reference);
    if (!known) return;
    f.duplicate = *known == crypto::sha256_hex(record.xml);
    f.refusal.code = f.duplicate ? Code::doublon : Code::conflit;
    tell(f);
  }

  void convention(flux::ConventionRecord record) override {
    std::string numero = record.convention.numero;
    if (const auto objection = conventions_->add(std::move(record.convention))) {
      tell({record.rank, std::move(numero), record.source.refusal(*objection), false});
    }
  }

  void pickup(flux::PickupRecord record) override {
    if (!remises_known_) return;
    const auto objection = pickups_->add(record.pickup);
    if (!objection) return;
    tell({record.rank, std::move(record.pickup.remise), record.source.refusal(*objection),
          objection->code == Code::doublon});
  }

  void refused(flux::RefusedRecord record) override {
    tell({record.rank, std::move(record.reference), std::move(record.refusal), false});
  }

  std::uint64_t refused_count() const { return refused_; }
  std::uint64_t duplicates() const { return duplicates_; }

 private:
  void tell(const RecordFault& f) {
    ++(f.duplicate ? duplicates_ : refused_);
    fault_(f);
  }

  const stages::IntakeTools& tools_;
  bool remises_known_;
  std::string emetteur_;
  std::string sha256_;
  std::uint64_t size_;
  const std::function<void(const RecordFault&)>& fault_;
  model::Day today_;
  stages::Sender sender_;
  std::optional<stages::ConventionsIntake> conventions_;
  std::optional<stages::PickupsIntake> pickups_;
  std::set<std::string> references_;
  std::uint64_t refused_ = 0;
  std::uint64_t duplicates_ = 0;
};

Verdict refused_whole(Code code) {
  Verdict v;
  v.result = "refuse";
  v.refusal = model::Refusal{code, 0, 0, {}};
  return v;
}

std::string result_of(const Verdict& v) {
  if (v.refusal) return v.refusal->code == Code::doublon ? "doublon" : "refuse";
  if (v.refused == 0) return "accepte";
  return v.received > v.refused ? "partiel" : "refuse";
}

}  // namespace

// The spool and the empty database that the stage's tools ask for; gone with us.
struct Validation::Scratch {
  Scratch() : spool(stages::Spool::open(directory.path() / "spool")) {}
  TemporaryDirectory directory;
  stages::Spool spool;
};

Validation::Validation(const config::Config& config, const Clock& clock)
    : config_(config),
      clock_(clock),
      schemas_(flux::Schemas::load(config.data.schemas().string())),
      reference_(daemon::load_reference_data(config)),
      senders_(daemon::senders_of(config)),
      scratch_(std::make_unique<Scratch>()) {
  try {
    store_ = open_for_reading(config);
  } catch (const std::exception& e) {
    without_database_ = describe(e);
    store_ = std::make_unique<store::Store>((scratch_->directory.path() / "navette.db").string(), "validate");
  }
}

Validation::~Validation() = default;

Verdict Validation::check(const std::string& file, const std::string& emetteur,
                          const std::function<void(const RecordFault&)>& fault) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) throw_errno("open " + file);
  const FileStatus status = status_of(fd.get());
  if (status.type != FileType::regular) return refused_whole(Code::fichier_non_regulier);
  if (status.size > config_.limits.flux_size) return refused_whole(Code::taille_excessive);
  // Before a byte is read: intake knows whose directory it was.
  if (!senders_.empty() && !emetteur.empty() && !senders_.contains(emetteur))
    return refused_whole(Code::emetteur_inconnu);

  const stages::IntakeTools tools{
      scratch_->spool, *store_, schemas_, reference_, senders_, daemon::served_channels(), daemon::limits_of(config_),
      clock_};
  Judge judge(tools, without_database_.empty(), emetteur, sha256_of(fd.get()), status.size, fault);
  const flux::Result result = flux::read(fd.get(), schemas_, reference_, judge, tools.limits);
  Verdict v;
  v.header = result.header;
  v.refusal = result.refusal;
  v.received = result.records;
  v.refused = judge.refused_count();
  v.duplicates = judge.duplicates();
  v.result = result_of(v);
  return v;
}

}  // namespace navette::cli
