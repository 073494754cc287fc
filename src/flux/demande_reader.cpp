#include "flux/demande_reader.h"

#include <algorithm>

#include "model/nir.h"

namespace navette::flux {
namespace {

using model::Code;

// Far beyond any pregnancy, on both sides: only clear contradictions are refused.
constexpr int latest_birth_in_months = 12;
constexpr int earliest_birth_in_months = -2;

model::Enfant read_enfant(xml::Node enfant) {
  if (const xml::Node born = enfant.child("dateNaissance")) return {day(born), false};
  return {day(enfant.child("dateNaissancePrevue")), true};
}

// Looked for where a number is expected, not in free text.
std::optional<Problem> check_demandeur(xml::Node demandeur) {
  const xml::Node numero = demandeur.child("allocataire").child("numeroAllocataire");
  if (numero && model::is_nir(numero.text())) return Problem{Code::nir_interdit, numero};
  return std::nullopt;
}

std::optional<Problem> check_enfants(xml::Node enfants, const model::Demande& demande) {
  if (!model::is_eligible(demande)) return Problem{Code::non_eligible, enfants};
  xml::Node element = enfants.first_element();
  for (const model::Enfant& enfant : demande.enfants) {
    const bool plausible = enfant.expected
                               ? enfant.day <= model::plus_months(demande.date, latest_birth_in_months) &&
                                     enfant.day >= model::plus_months(demande.date, earliest_birth_in_months)
                               : enfant.day <= demande.date;
    if (!plausible) {
      return Problem{Code::dates_incoherentes,
                     element.child(enfant.expected ? "dateNaissancePrevue" : "dateNaissance")};
    }
    element = element.next_element();
  }
  return std::nullopt;
}

std::optional<Problem> check_communes(xml::Node wanted, const model::ReferenceData& reference_data) {
  for (xml::Node code = wanted.first_element(); code; code = code.next_element()) {
    if (reference_data.find(code.text()) == nullptr) return Problem{Code::commune_inconnue, code};
  }
  return std::nullopt;
}

std::optional<Problem> check_periode(xml::Node periode) {
  const auto end = optional_day(periode, "dateFin");
  if (end && *end < day(periode.child("dateDebut"))) {
    return Problem{Code::dates_incoherentes, periode.child("dateFin")};
  }
  return std::nullopt;
}

std::optional<Problem> check_besoins(xml::Node besoins) {
  for (xml::Node creneau = besoins.first_element(); creneau; creneau = creneau.next_element()) {
    const xml::Node end = creneau.child("heureFin");
    if (minutes(end) <= minutes(creneau.child("heureDebut"))) return Problem{Code::horaires_incoherents, end};
  }
  return std::nullopt;
}

std::optional<Problem> check_consentement(xml::Node consentement, const model::Demande& demande) {
  const xml::Node date = consentement.child("dateConsentement");
  if (day(date) > demande.date) return Problem{Code::dates_incoherentes, date};
  return std::nullopt;
}

}  // namespace

model::Demande read_demande(xml::Node demande, const std::string& emetteur) {
  model::Demande out;
  out.emetteur = emetteur;
  for (xml::Node child = demande.first_element(); child; child = child.next_element()) {
    const std::string_view name = child.name();
    if (name == "reference") {
      out.reference = child.text();
    } else if (name == "dateDemande") {
      out.date = day(child);
    } else if (name == "enfants") {
      each_child(child, "enfant", [&](xml::Node enfant) { out.enfants.push_back(read_enfant(enfant)); });
    } else if (name == "communesSouhaitees") {
      each_child(child, "codeInsee", [&](xml::Node node) {
        std::string code = node.text();
        if (std::find(out.communes.begin(), out.communes.end(), code) == out.communes.end()) {
          out.communes.push_back(std::move(code));
        }
      });
    }
  }
  return out;
}

std::optional<Problem> check_demande(xml::Node demande, const model::Demande& read,
                                     const model::ReferenceData& reference_data) {
  for (xml::Node child = demande.first_element(); child; child = child.next_element()) {
    const std::string_view name = child.name();
    std::optional<Problem> problem;
    // It would become a file name and stand in logs (R9).
    if (name == "reference" && model::is_nir(child.text())) problem = Problem{Code::nir_interdit, child};
    if (name == "demandeur") problem = check_demandeur(child);
    if (name == "enfants") problem = check_enfants(child, read);
    if (name == "communesSouhaitees") problem = check_communes(child, reference_data);
    if (name == "periode") problem = check_periode(child);
    if (name == "besoins") problem = check_besoins(child);
    if (name == "consentement") problem = check_consentement(child, read);
    if (problem) return problem;
  }
  return std::nullopt;
}

}  // namespace navette::flux
