// Why a flux or a record was refused: a code of the closed list of accuse-1.xsd and a place in the file. Never a value
// (R9).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace navette::model {

enum class Code {
  fichier_vide,
  fichier_illisible,
  fichier_non_regulier,
  taille_excessive,
  encodage_invalide,
  xml_mal_forme,
  doctype_interdit,
  profondeur_excessive,
  texte_excessif,
  type_inconnu,
  version_inconnue,
  type_non_autorise,
  emetteur_inconnu,
  emetteur_different,
  entete_invalide,
  enveloppe_invalide,
  totaux_faux,
  doublon,
  conflit,
  enregistrement_invalide,
  reference_en_double,
  siret_invalide,
  nir_interdit,
  commune_inconnue,
  commune_hors_caf,
  commune_hors_annexe,
  date_invalide,
  dates_incoherentes,
  horaires_incoherents,
  non_eligible,
  version_non_consecutive,
  avenant_requis,
  lieu_rattache_ailleurs,
  repertoire_partage,
  justificatif_interdit,
  personne_en_double,
  preavis_insuffisant,
  convention_terminee,
  flux_anterieur,
  canal_indisponible,
  remise_inconnue,
  remise_non_livree,
  personne_non_habilitee,
  identifiant_reserve,
  contenu_incompatible,
};

// "TOTAUX_FAUX" …: as in accuse-1.xsd, in the store and in traces.
std::string_view to_string(Code code);
std::optional<Code> parse_code(std::string_view text);
// The French sentence of the accusé; the same as in the annotation of accuse-1.xsd.
std::string_view label(Code code);

struct Refusal {
  Code code = Code::xml_mal_forme;
  long line = 0;     // 1-based in the deposited file; 0: none
  long column = 0;   // 1-based; 0: none
  std::string path;  // /demandes/demande[3]/reference; element names of ours only
};

// Why a record whose own content is right is refused all the same: the element at fault by its name and, where there
// may be several of that name, by what it holds or by which it is known (identifiant, numero). No element: the whole
// record.
struct Objection {
  Code code = Code::conflit;
  std::string_view element = {};  // of the closed vocabulary of the schemas: a literal
  std::string value = {};

  bool operator==(const Objection&) const = default;
};

}  // namespace navette::model
