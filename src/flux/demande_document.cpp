#include "flux/demande_document.h"

#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/error.h"
#include "flux/record_judge.h"

namespace navette::flux {
namespace {

constexpr std::size_t document_limit = std::size_t{4} << 20U;

[[noreturn]] void throw_refused(const model::Refusal& refusal) {
  // Of the file as a whole there is no place, and none but the line where it is not well-formed.
  std::string place = refusal.line == 0 ? "" : fmt::format(" (line {}", refusal.line);
  if (!place.empty()) place += refusal.path.empty() ? ")" : ", " + refusal.path + ")";
  throw Error(fmt::format("{}{}: {}", model::to_string(refusal.code), place, model::label(refusal.code)));
}

class Search final : public Handler {
 public:
  explicit Search(const std::string& reference) : reference_(reference) {}

  std::optional<model::Objection> header(const Header& /*header*/) override { return std::nullopt; }
  void demande(DemandeRecord record) override {
    if (wants(record.demande.reference)) found_ = std::move(record);
  }
  void refused(RefusedRecord record) override {
    if (wants(record.reference)) refusal_ = std::move(record.refusal);
  }
  bool keep_going() override { return !found_ && !refusal_; }

  std::optional<DemandeRecord> found() {
    if (refusal_) throw_refused(*refusal_);
    return std::move(found_);
  }

 private:
  bool wants(const std::string& reference) const { return reference_.empty() || reference == reference_; }

  const std::string& reference_;
  std::optional<DemandeRecord> found_;
  std::optional<model::Refusal> refusal_;
};

std::string read_whole(int fd) {
  if (::lseek(fd, 0, SEEK_SET) != 0) throw_errno("rewind");
  std::string bytes(document_limit + 1, '\0');
  std::size_t size = 0;
  while (const std::size_t got = read_some(fd, bytes.data() + size, bytes.size() - size)) size += got;
  if (size > document_limit) throw Error("too large for one demande");
  bytes.resize(size);
  return bytes;
}

std::optional<DemandeRecord> read_document(int fd, const Schemas& schemas, const model::ReferenceData& reference_data) {
  const KindSchema& kind = schemas.of("demandes");
  const auto document = xml::Document::parse(read_whole(fd));
  const xml::Node root = document.root();
  if (root.name() != kind.kind->record || root.space() != kind.space) {
    throw_refused({model::Code::type_inconnu, root.line(), 0, {}});
  }
  Verdict verdict = RecordJudge(kind, reference_data, {}).judge(root, 1);
  if (const auto* refused = std::get_if<RefusedRecord>(&verdict.record)) throw_refused(refused->refusal);
  return std::get<DemandeRecord>(std::move(verdict.record));
}

}  // namespace

std::optional<DemandeRecord> find_demande(int fd, const Schemas& schemas, const model::ReferenceData& reference_data,
                                          const std::string& reference) {
  Search search(reference);
  const Result result = read(fd, schemas, reference_data, search);
  if (result.refusal && result.refusal->code == model::Code::type_inconnu) {
    auto record = read_document(fd, schemas, reference_data);
    if (!reference.empty() && record->demande.reference != reference) return std::nullopt;
    return record;
  }
  if (auto found = search.found()) return found;
  if (result.refusal) throw_refused(*result.refusal);
  return std::nullopt;
}

}  // namespace navette::flux
