#include "flux/record_judge.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "flux/canonical.h"
#include "flux/convention_checks.h"
#include "flux/convention_reader.h"
#include "flux/demande_reader.h"
#include "flux/fields.h"
#include "flux/retrait_reader.h"
#include "model/nir.h"

namespace navette::flux {
namespace {

using model::Code;
using xml::Node;

bool is_alphanumeric(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// The pattern of commun-1.xsd for references, numbers of conventions and names of remises; a NIR is not told again
// (R9).
bool is_reference(const std::string& text, std::size_t longest) {
  return !text.empty() && text.size() <= longest && !model::is_nir(text) && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; });
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// YYYY-MM-DD, whether the day exists or not.
bool has_shape_of_date(const std::string& text) {
  if (text.size() != 10) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 4 || i == 7 ? text[i] != '-' : !is_digit(text[i])) return false;
  }
  return true;
}

// A date in the right form that the schema refuses does not exist (31/02) or lies outside of 1900-2099.
Code code_of_violation(Node at) {
  const bool is_date = at.name().starts_with("date") && !at.first_element() && has_shape_of_date(token(at));
  return is_date ? Code::date_invalide : Code::enregistrement_invalide;
}

std::uint64_t count(Node node, std::string_view name, std::string_view space) {
  std::uint64_t total = 0;
  for (Node child = node.first_element(); child; child = child.next_element()) {
    if (child.name() == name && child.space() == space) ++total;
    total += count(child, name, space);
  }
  return total;
}

bool is_known_by(Node element, const std::string& value) {
  return token(element) == value || child_token(element, "identifiant") == value ||
         child_token(element, "numero") == value;
}

// In document order; false when there is none.
Node find_below(Node parent, std::string_view name, const std::string& value) {
  for (Node child = parent.first_element(); child; child = child.next_element()) {
    if (child.name() == name && (value.empty() || is_known_by(child, value))) return child;
    if (const Node found = find_below(child, name, value)) return found;
  }
  return {};
}

}  // namespace

model::Refusal RecordSource::refusal(const model::Objection& objection) const {
  const Node at = objection.element.empty() ? Node() : find_below(record_, objection.element, objection.value);
  return refusal_at(objection.code, at ? at : record_, *kind_);
}

model::Refusal refusal_at(Code code, Node at, const KindSchema& kind) {
  return {code, at.line(), at.column(), safe_path(at.path(), kind)};
}

Code code_of(xml::Fault fault) {
  switch (fault) {
    case xml::Fault::empty:
      return Code::fichier_vide;
    case xml::Fault::encoding:
      return Code::encodage_invalide;
    case xml::Fault::doctype:
      return Code::doctype_interdit;
    case xml::Fault::depth:
      return Code::profondeur_excessive;
    case xml::Fault::text:
      return Code::texte_excessif;
    case xml::Fault::record:
      return Code::taille_excessive;
    case xml::Fault::none:
    case xml::Fault::malformed:
      break;
  }
  return Code::xml_mal_forme;
}

Verdict RecordJudge::judge(const xml::Record& whole, std::uint64_t rank) {
  const Node record = whole.node();
  if (const auto& fault = whole.fault()) {
    Verdict refused =
        refuse(record, rank, {code_of(fault->fault), fault->line, fault->column, safe_path(fault->path, kind_)});
    refused.inner += fault->counted;
    return refused;
  }
  return judge(record, rank);
}

Verdict RecordJudge::judge(Node record, std::uint64_t rank) {
  const auto violations = validator_.violations(record);
  if (!violations.empty()) {
    const Node at = violations.front();
    return refuse(record, rank, refusal_at(code_of_violation(at), at, kind_));
  }
  if (kind_.kind->name == "demandes") return judge_demande(record, rank);
  if (kind_.kind->name == "habilitations") return judge_convention(record, rank);
  return judge_pickup(record, rank);
}

Verdict RecordJudge::refuse(Node record, std::uint64_t rank, model::Refusal refusal) const {
  const std::string reference = record.child_text(kind_.kind->identity);
  const std::uint64_t inner = kind_.kind->inner.empty() ? 0 : count(record, kind_.kind->inner, kind_.space);
  const bool fit = is_reference(reference, kind_.kind->identity_size);
  return {RefusedRecord{rank, fit ? reference : std::string{}, std::move(refusal), fragment(record)}, inner};
}

Verdict RecordJudge::judge_demande(Node record, std::uint64_t rank) const {
  model::Demande demande = read_demande(record, emetteur_);
  if (const auto problem = check_demande(record, demande, reference_data_)) {
    return refuse(record, rank, refusal_at(problem->code, problem->at, kind_));
  }
  const std::uint64_t children = demande.enfants.size();
  return {DemandeRecord{rank, std::move(demande), refusal_at(Code::enregistrement_invalide, record, kind_),
                        RecordSource(record, kind_), canonical(record)},
          children};
}

Verdict RecordJudge::judge_convention(Node record, std::uint64_t rank) const {
  model::Convention convention = read_convention(record, emetteur_);
  if (const auto problem = check_convention(record, convention, reference_data_)) {
    return refuse(record, rank, refusal_at(problem->code, problem->at, kind_));
  }
  return {ConventionRecord{rank, std::move(convention), RecordSource(record, kind_), canonical(record)}, 0};
}

Verdict RecordJudge::judge_pickup(Node record, std::uint64_t rank) const {
  return {PickupRecord{rank, read_retrait(record), RecordSource(record, kind_), canonical(record)}, 0};
}

}  // namespace navette::flux
