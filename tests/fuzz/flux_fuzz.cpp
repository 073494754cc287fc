// Any bytes as a flux: there is an answer, with a code and a place, that repeats nothing of the input (R9); fragments
// and accusé are well-formed; what is accepted is canonical.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "base/text.h"
#include "flux/accuse.h"
#include "flux/demande_document.h"
#include "flux/kinds.h"
#include "flux/reader.h"
#include "fuzz/fuzz.h"

using namespace navette;
using fuzz::require;

namespace {

const flux::Schemas& schemas() {
  static const auto loaded = flux::Schemas::load("xsd");
  return loaded;
}

const model::ReferenceData& communes() {
  static const auto loaded = [] {
    std::ifstream in("data/communes.tsv", std::ios::binary);
    return model::ReferenceData::parse(std::string(std::istreambuf_iterator<char>(in), {}));
  }();
  return loaded;
}

// /demandes/demande[3]/reference: names that a schema declares, with ranks.
bool is_path_of_ours(const std::string& path) {
  if (path.empty()) return true;
  if (path.front() != '/') return false;
  for (const std::string& step : text::split(path.substr(1), '/')) {
    const std::string name = step.substr(0, step.find('['));
    const std::string rank = step.substr(name.size());
    const bool known = std::any_of(flux::kinds.begin(), flux::kinds.end(), [&](const flux::Kind& kind) {
      return schemas().of(kind.name).elements.contains(name);
    });
    const bool ranked = rank.empty() || (rank.size() > 2 && rank.front() == '[' && rank.back() == ']' &&
                                         rank.find_first_not_of("0123456789", 1) == rank.size() - 1);
    if (!known || !ranked) return false;
  }
  return true;
}

void check_refusal(const model::Refusal& refusal) {
  require(model::parse_code(model::to_string(refusal.code)) == refusal.code, "the code is one of the list");
  require(refusal.line >= 0 && refusal.column >= 0, "a place is none or from 1");
  require(is_path_of_ours(refusal.path), "a path holds names of ours only");
}

class Checker final : public flux::Handler {
 public:
  std::optional<model::Objection> header(const flux::Header& header) override {
    require(text::is_valid_utf8(header.emetteur) && header.emetteur.size() <= 31, "an émetteur is of its form");
    head.kind = header.kind;
    head.identifiant = header.identifiant;
    return std::nullopt;
  }
  void demande(flux::DemandeRecord record) override {
    check_refusal(record.position);
    const UniqueFd fd = fuzz::file_of(record.xml);
    const auto again = flux::find_demande(fd.get(), schemas(), communes(), record.demande.reference);
    require(again && again->xml == record.xml, "what is accepted is canonical");
  }
  void convention(flux::ConventionRecord record) override {
    const auto refusal = record.source.refusal({model::Code::conflit, "numero", record.convention.numero});
    check_refusal(refusal);
    require(refusal.path.ends_with("/numero"), "an element at fault is found");
    xml::Document::parse(record.xml);
  }
  void refused(flux::RefusedRecord record) override {
    check_refusal(record.refusal);
    require(record.refusal.line > 0 && !record.refusal.path.empty(), "a refused record has a place");
    require(record.reference.find_first_of("<>&\"'/. \n") == std::string::npos, "a reference is of its form");
    xml::Document::parse(record.fragment);
    refusals.push_back(std::move(record));
  }

  flux::AccuseHead head;
  std::vector<flux::RefusedRecord> refusals;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const UniqueFd fd = fuzz::file_of(fuzz::view(data, size));
  Checker checker;
  const flux::Result result = flux::read(fd.get(), schemas(), communes(), checker);
  require(!result.interrupted && result.records >= checker.refusals.size(), "records are counted");
  if (result.refusal) check_refusal(*result.refusal);

  flux::AccuseHead& head = checker.head;
  head.emetteur = "monenfant";
  head.file_name = std::string(fuzz::view(data, std::min<std::size_t>(size, 300)));
  head.ticket = "T1";
  head.result = result.refusal ? "refuse" : "partiel";
  head.refusal = result.refusal;
  head.received = result.records;
  std::string accuse;
  flux::AccuseWriter writer([&](std::string_view bytes) { accuse += bytes; }, head);
  for (const auto& refused : checker.refusals) writer.refused(refused.rank, refused.reference, refused.refusal);
  writer.finish();
  xml::Document::parse(accuse);
  return 0;
}
