#include "flux/reader.h"

#include <charconv>
#include <memory>
#include <utility>

#include "flux/judge_line.h"
#include "flux/record_judge.h"
#include "lib/xml/record_parser.h"
#include "model/nir.h"

namespace navette::flux {
namespace {

using model::Code;
using xml::Node;

constexpr const char* schema_instance = "http://www.w3.org/2001/XMLSchema-instance";

// A total that the schema accepted.
std::uint64_t total(Node node) {
  const std::string text = node.text();
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Attributes of the root other than `version` and those that XML Schema allows everywhere.
bool has_foreign_attribute(Node root) {
  bool foreign = false;
  root.each_attribute([&](std::string_view name, std::string_view space, const std::string&) {
    foreign = foreign || !((space.empty() && name == "version") || space == schema_instance);
  });
  return foreign;
}

class FluxReader final : public xml::RecordHandler {
 public:
  FluxReader(const Schemas& schemas, const model::ReferenceData& reference_data, Handler& handler, const Limits& limits)
      : schemas_(schemas),
        reference_data_(reference_data),
        handler_(handler),
        limits_(limits),
        parser_(*this, parse_limits(limits)) {}

  Result read(int fd) {
    const xml::ParseResult parsed = parser_.read(fd);
    if (line_ && !result_.interrupted) line_->drain();
    if (result_.interrupted) return std::move(result_);
    if (parsed.fault != xml::Fault::none) {
      result_.refusal = {code_of(parsed.fault), parsed.line, parsed.column, fault_path(parsed.path)};
    } else if (!parsed.stopped && wrong_total_) {
      result_.refusal = std::move(wrong_total_);
    } else if (!parsed.stopped && stage_ != Stage::totals) {
      result_.refusal = model::Refusal{stage_ == Stage::header ? Code::entete_invalide : Code::enveloppe_invalide,
                                       root_line_, root_column_, root_path()};
    }
    return std::move(result_);
  }

 private:
  enum class Stage { header, preamble, records, totals };

  static xml::ParseLimits parse_limits(const Limits& limits) {
    xml::ParseLimits out;
    out.depth = limits.depth;
    out.text = limits.text;
    return out;
  }

  bool root(Node root, xml::ParseLimits& limits) override {
    kind_ = schemas_.find(root.name(), root.space());
    if (kind_ == nullptr) {
      const bool other = schemas_.is_other_version(root.name(), root.space());
      result_.refusal = {other ? Code::version_inconnue : Code::type_inconnu, root.line(), root.column(), {}};
      if (other) result_.refusal->path = root.path();
      return false;
    }
    root_line_ = root.line();
    root_column_ = root.column();
    if (root.attribute("version") != "1") return refuse(Code::version_inconnue, root);
    if (has_foreign_attribute(root)) return refuse(Code::enveloppe_invalide, root);
    limits.record = limits_.record == 0 ? kind_->kind->record_bytes : limits_.record;
    limits.elements = kind_->kind->record_elements;
    limits.counted = kind_->kind->inner;
    validator_ = std::make_unique<xml::Validator>(kind_->schema);
    return true;
  }

  // Entête, optional preamble, records, totaux: in this order and nothing else.
  bool begins(Node child) override {
    const std::string_view name = child.space() == kind_->space ? child.name() : std::string_view{};
    if (stage_ == Stage::header) return name == "entete" || refuse_later(Code::entete_invalide, child);
    if (stage_ == Stage::totals) return refuse_later(Code::enveloppe_invalide, child);
    if (name == kind_->kind->record) {
      stage_ = Stage::records;
      child.set_rank(++result_.records);
      return true;
    }
    if (name == "totaux") {
      stage_ = Stage::totals;
      return true;
    }
    const bool preamble = stage_ == Stage::preamble && !name.empty() && name == kind_->kind->preamble;
    if (!preamble) return refuse_later(Code::enveloppe_invalide, child);
    stage_ = Stage::records;
    return true;
  }

  bool ends(xml::Record child) override {
    if (result_.refusal) return false;
    const Node node = child.node();
    const auto& fault = child.fault();
    if (fault && node.name() != kind_->kind->record) {
      result_.refusal = {code_of(fault->fault), fault->line, fault->column, safe_path(fault->path, *kind_)};
      return false;
    }
    if (stage_ == Stage::header) return read_header(node);
    if (stage_ == Stage::totals) return read_totals(node);
    if (node.name() == kind_->kind->record) return line_->add(std::move(child), result_.records);
    return read_contacts(node);
  }

  bool stray_text(Node root) override { return refuse(Code::enveloppe_invalide, root); }

  bool read_header(Node entete) {
    if (!is_valid(entete, Code::entete_invalide)) return false;
    const Node emetteur = entete.child("emetteur");
    // It would become part of file names (R9); a NIR does not enter these flows (DOMAIN, section 7).
    const Node identifiant = entete.child("identifiant");
    if (model::is_nir(identifiant.text())) return refuse(Code::nir_interdit, identifiant);
    result_.header = Header{std::string(kind_->kind->name), emetteur.text(), identifiant.text(),
                            entete.child_text("dateCreation") + "T" + entete.child_text("heureCreation")};
    line_ = std::make_unique<JudgeLine>(*kind_, reference_data_, result_.header->emetteur,
                                        [this](Verdict verdict) { return deliver(std::move(verdict)); });
    stage_ = Stage::preamble;
    if (const auto objection = handler_.header(*result_.header)) {
      const Node at = entete.child(objection->element);
      return refuse(objection->code, at ? at : emetteur);
    }
    return true;
  }

  bool read_contacts(Node contacts) {
    if (!is_valid(contacts, Code::enveloppe_invalide)) return false;
    std::vector<std::string> courriels;
    for (Node contact = contacts.first_element(); contact; contact = contact.next_element()) {
      courriels.push_back(contact.child_text("courriel"));
    }
    handler_.contacts(courriels);
    return true;
  }

  bool read_totals(Node totals) {
    if (!is_valid(totals, Code::enveloppe_invalide) || !line_->drain()) return false;
    const Node records = totals.child(kind_->kind->total);
    const Node inner = kind_->kind->inner.empty() ? Node() : totals.child(kind_->kind->inner_total);
    // Told at the end only: if anything follows, these are not the totals.
    if (total(records) != result_.records) {
      wrong_total_ = refusal_at(Code::totaux_faux, records, *kind_);
    } else if (inner && total(inner) != inner_) {
      wrong_total_ = refusal_at(Code::totaux_faux, inner, *kind_);
    }
    return true;
  }

  bool deliver(Verdict verdict) {
    inner_ += verdict.inner;
    std::visit([&](auto& record) { give(std::move(record)); }, verdict.record);
    result_.interrupted = !handler_.keep_going();
    return !result_.interrupted;
  }

  void give(RefusedRecord record) { handler_.refused(std::move(record)); }
  void give(DemandeRecord record) { handler_.demande(std::move(record)); }
  void give(ConventionRecord record) { handler_.convention(std::move(record)); }
  void give(PickupRecord record) { handler_.pickup(std::move(record)); }

  // An element of the envelope: its first violation refuses the flux.
  bool is_valid(Node element, Code code) {
    const auto violations = validator_->violations(element);
    return violations.empty() || refuse(code, violations.front());
  }

  // Always false, to be returned.
  bool refuse(Code code, Node at) {
    result_.refusal = refusal_at(code, at, *kind_);
    return false;
  }

  // What is not at its place is read to its end before it refuses the flux: if it goes beyond a limit or is not
  // well-formed, that says more. Always true, to be returned.
  bool refuse_later(Code code, Node at) { return !refuse(code, at); }

  std::string root_path() const { return kind_ == nullptr ? std::string{} : "/" + std::string(kind_->kind->name); }
  std::string fault_path(const std::string& path) const {
    return kind_ == nullptr ? std::string{} : safe_path(path, *kind_);
  }

  const Schemas& schemas_;
  const model::ReferenceData& reference_data_;
  Handler& handler_;
  Limits limits_;
  Result result_;
  const KindSchema* kind_ = nullptr;
  std::unique_ptr<xml::Validator> validator_;
  // In this order: the line gives back the parser's records before the parser goes.
  xml::RecordParser parser_;
  std::unique_ptr<JudgeLine> line_;
  Stage stage_ = Stage::header;
  std::uint64_t inner_ = 0;
  std::optional<model::Refusal> wrong_total_;
  long root_line_ = 0;
  long root_column_ = 0;
};

}  // namespace

Result read(int fd, const Schemas& schemas, const model::ReferenceData& reference_data, Handler& handler,
            const Limits& limits) {
  return FluxReader(schemas, reference_data, handler, limits).read(fd);
}

}  // namespace navette::flux
