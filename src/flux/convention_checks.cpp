#include "flux/convention_checks.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "flux/channel_profile.h"

namespace navette::flux {
namespace {

using model::Code;
using model::ConventionKind;
using xml::Node;
using Finding = std::optional<Problem>;

std::optional<Problem> check_contents(Node convention, ConventionKind kind) {
  const Node lieux = convention.child("lieux");
  const Node etablissements = convention.child("etablissements");
  const bool is_lieu_information = kind == ConventionKind::lieu_information;
  if (is_lieu_information && !lieux) return Problem{Code::contenu_incompatible, convention.child("type")};
  if (!is_lieu_information && lieux) return Problem{Code::contenu_incompatible, lieux};
  if (kind != ConventionKind::structures && etablissements) return Problem{Code::contenu_incompatible, etablissements};
  return std::nullopt;
}

// R20: availability of places concerns EAJE only.
Finding check_etablissement(Node etablissement) {
  if (etablissement.child_text("type") == "EAJE") return std::nullopt;
  for (Node o = etablissement.child("ouvertures").first_element(); o; o = o.next_element()) {
    if (o.text() == "disponibilite") return Problem{Code::contenu_incompatible, o};
  }
  return std::nullopt;
}

// A commune stands for its municipal arrondissements.
Finding check_within(Node communes, const std::vector<std::string>& annexe,
                     const model::ReferenceData& reference_data) {
  for (Node code = communes.first_element(); code; code = code.next_element()) {
    const auto accepted = reference_data.accepted_for(code.text());
    const bool listed = std::any_of(accepted.begin(), accepted.end(), [&](const std::string& c) {
      return std::binary_search(annexe.begin(), annexe.end(), c);
    });
    if (!listed) return Problem{Code::commune_hors_annexe, code};
  }
  return std::nullopt;
}

// The first child element of `parent` whose `name` repeats that of a former one.
Finding check_unique(Node parent, std::string_view name, Code code) {
  std::unordered_set<std::string> seen;
  for (Node element = parent.first_element(); element; element = element.next_element()) {
    const Node id = element.child(name);
    if (!seen.insert(token(id)).second) return Problem{code, id};
  }
  return std::nullopt;
}

// `read`: the lieux as read, in document order.
Finding check_places(Node lieux, const std::vector<model::Lieu>& read) {
  std::unordered_map<std::string, std::vector<model::Place>> seen;
  auto as_read = read.begin();
  for (Node lieu = lieux.first_element(); lieu; lieu = lieu.next_element()) {
    const auto of_lieu = places((as_read++)->channel);
    const Node sftp = lieu.child("canal").child("sftp");
    // What lies where its remises are put is not taken for what the lieu sends back, and removed.
    if (of_lieu.size() == 2 && collide(of_lieu[0], of_lieu[1])) {
      return Problem{Code::enregistrement_invalide, sftp.child("repertoireRetour")};
    }
    const char* element = "repertoire";
    for (const model::Place& place : of_lieu) {
      auto& there = seen[place.user];
      const auto hit = [&](const model::Place& other) { return collide(other, place); };
      if (std::any_of(there.begin(), there.end(), hit)) return Problem{Code::repertoire_partage, sftp.child(element)};
      there.push_back(place);
      element = "repertoireRetour";
    }
  }
  return std::nullopt;
}

Finding check_lieux(Node lieux, const model::Convention& read, const model::ReferenceData& reference_data) {
  if (auto problem = check_unique(lieux, "identifiant", Code::reference_en_double)) return problem;
  for (Node lieu = lieux.first_element(); lieu; lieu = lieu.next_element()) {
    const Node communes = lieu.child("communes");
    if (auto problem = check_within(communes, read.annexe.communes, reference_data)) return problem;
  }
  return check_places(lieux, read.annexe.lieux);
}

Finding check_personnes(Node personnes) {
  if (auto problem = check_unique(personnes, "numero", Code::personne_en_double)) return problem;
  for (Node personne = personnes.first_element(); personne; personne = personne.next_element()) {
    const auto end = optional_day(personne, "dateFin");
    if (end && *end < day(personne.child("dateDebut"))) {
      return Problem{Code::dates_incoherentes, personne.child("dateFin")};
    }
  }
  return std::nullopt;
}

Finding check_etablissements(Node etablissements) {
  if (auto problem = check_unique(etablissements, "identifiant", Code::reference_en_double)) return problem;
  for (Node e = etablissements.first_element(); e; e = e.next_element()) {
    if (auto problem = check_etablissement(e)) return problem;
  }
  return std::nullopt;
}

Finding not_before(Node date, model::Day first) {
  if (day(date) < first) return Problem{Code::dates_incoherentes, date};
  return std::nullopt;
}

// An event of the convention's life cannot come before its signature. An avenant has only its own date of signature,
// and what happened to the convention may well be older.
Finding not_before_signature(Node date, const model::Convention& read) {
  return read.version == 1 ? not_before(date, read.annexe.signed_on) : std::nullopt;
}

Finding check_resiliation(Node resiliation, const model::Convention& read) {
  if (auto problem = not_before_signature(resiliation.child("dateReception"), read)) return problem;
  const Node end = resiliation.child("dateFin");
  if (auto problem = not_before(end, read.termination->received_on)) return problem;
  const bool anniversary_known = read.version == 1;
  if (anniversary_known && !model::has_sufficient_notice(read.kind, read.annexe.signed_on, *read.termination)) {
    return Problem{Code::preavis_insuffisant, end};
  }
  return std::nullopt;
}

Finding check_partenaire(Node partenaire) {
  const Node siret = partenaire.child("siret");
  if (!model::is_valid_siret(siret.text())) return Problem{Code::siret_invalide, siret};
  return std::nullopt;
}

Finding check_child(Node child, const model::Convention& read, const model::ReferenceData& reference_data) {
  const std::string_view name = child.name();
  if (name == "dateActivation") return not_before_signature(child, read);
  if (name == "suspension") return not_before_signature(child.child("dateSuspension"), read);
  if (name == "resiliation") return check_resiliation(child, read);
  if (name == "partenaire") return check_partenaire(child);
  if (name == "personnes") return check_personnes(child);
  if (name == "lieux") return check_lieux(child, read, reference_data);
  if (name == "etablissements") return check_etablissements(child);
  return std::nullopt;
}

}  // namespace

std::optional<Problem> check_convention(Node convention, const model::Convention& read,
                                        const model::ReferenceData& reference_data) {
  if (auto problem = check_contents(convention, read.kind)) return problem;
  for (Node child = convention.first_element(); child; child = child.next_element()) {
    if (auto problem = check_child(child, read, reference_data)) return problem;
  }
  return std::nullopt;
}

}  // namespace navette::flux
