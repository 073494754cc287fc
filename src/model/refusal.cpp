#include "model/refusal.h"

#include <array>

namespace navette::model {
namespace {

struct Entry {
  Code code;
  std::string_view text;
  std::string_view label;
};

// In the order of Code.
constexpr std::array entries{
    Entry{Code::fichier_vide, "FICHIER_VIDE", "Le fichier est vide."},
    Entry{Code::fichier_illisible, "FICHIER_ILLISIBLE", "Le fichier ne peut pas être lu."},
    Entry{Code::fichier_non_regulier, "FICHIER_NON_REGULIER", "Le dépôt n'est pas un fichier ordinaire."},
    Entry{Code::taille_excessive, "TAILLE_EXCESSIVE", "Le fichier ou l'enregistrement dépasse la taille admise."},
    Entry{Code::encodage_invalide, "ENCODAGE_INVALIDE",
          "L'encodage n'est ni UTF-8 ni ISO-8859-1, ou le contenu ne lui correspond pas."},
    Entry{Code::xml_mal_forme, "XML_MAL_FORME", "Le XML est mal formé ou incomplet."},
    Entry{Code::doctype_interdit, "DOCTYPE_INTERDIT", "Une déclaration DOCTYPE est interdite."},
    Entry{Code::profondeur_excessive, "PROFONDEUR_EXCESSIVE", "Les éléments sont imbriqués trop profondément."},
    Entry{Code::texte_excessif, "TEXTE_EXCESSIF", "Un texte ou un attribut dépasse la longueur admise."},
    Entry{Code::type_inconnu, "TYPE_INCONNU", "L'élément racine n'est celui d'aucun flux connu."},
    Entry{Code::version_inconnue, "VERSION_INCONNUE", "La version du flux n'est pas connue."},
    Entry{Code::type_non_autorise, "TYPE_NON_AUTORISE", "L'émetteur n'est pas autorisé à envoyer ce type de flux."},
    Entry{Code::emetteur_inconnu, "EMETTEUR_INCONNU", "L'émetteur n'est pas connu."},
    Entry{Code::emetteur_different, "EMETTEUR_DIFFERENT",
          "L'émetteur de l'entête n'est pas celui du répertoire de dépôt."},
    Entry{Code::entete_invalide, "ENTETE_INVALIDE", "L'entête est absente ou incorrecte."},
    Entry{Code::enveloppe_invalide, "ENVELOPPE_INVALIDE", "L'enveloppe du flux n'est pas conforme à son schéma."},
    Entry{Code::totaux_faux, "TOTAUX_FAUX", "Les totaux annoncés ne correspondent pas au contenu du flux."},
    Entry{Code::doublon, "DOUBLON", "Ce flux a déjà été reçu à l'identique."},
    Entry{Code::conflit, "CONFLIT", "Cet identifiant a déjà servi pour un contenu différent."},
    Entry{Code::enregistrement_invalide, "ENREGISTREMENT_INVALIDE", "L'enregistrement n'est pas conforme au schéma."},
    Entry{Code::reference_en_double, "REFERENCE_EN_DOUBLE", "La référence figure plusieurs fois dans le flux."},
    Entry{Code::siret_invalide, "SIRET_INVALIDE", "Le SIRET est incorrect : sa clé de contrôle est fausse."},
    Entry{Code::nir_interdit, "NIR_INTERDIT",
          "Le numéro est un numéro de sécurité sociale, qui n'entre pas dans ces flux."},
    Entry{Code::commune_inconnue, "COMMUNE_INCONNUE", "Le code INSEE ne désigne aucune commune connue."},
    Entry{Code::commune_hors_caf, "COMMUNE_HORS_CAF", "La commune n'est pas dans le ressort de la Caf."},
    Entry{Code::commune_hors_annexe, "COMMUNE_HORS_ANNEXE",
          "La commune n'est pas dans la liste des communes de la convention."},
    Entry{Code::date_invalide, "DATE_INVALIDE", "La date n'existe pas ou n'est pas vraisemblable."},
    Entry{Code::dates_incoherentes, "DATES_INCOHERENTES", "Les dates se contredisent."},
    Entry{Code::horaires_incoherents, "HORAIRES_INCOHERENTS",
          "Les horaires se contredisent : la fin ne suit pas le début."},
    Entry{Code::non_eligible, "NON_ELIGIBLE", "Aucun enfant n'a moins de six ans et aucune naissance n'est attendue."},
    Entry{Code::version_non_consecutive, "VERSION_NON_CONSECUTIVE",
          "La version de la convention ne suit pas la dernière connue."},
    Entry{Code::avenant_requis, "AVENANT_REQUIS", "Ce changement demande un avenant, donc une nouvelle version."},
    Entry{Code::lieu_rattache_ailleurs, "LIEU_RATTACHE_AILLEURS",
          "Le lieu est rattaché à une autre convention pour une partie de la même période, ou à un autre partenaire."},
    Entry{Code::repertoire_partage, "REPERTOIRE_PARTAGE",
          "Un répertoire du serveur, celui des remises ou de retour, est déjà celui d'un autre lieu du même compte, ou "
          "contient encore de ses remises."},
    Entry{Code::justificatif_interdit, "JUSTIFICATIF_INTERDIT",
          "Le nom d'un justificatif n'est pas admis ici : il est celui d'une autre Caf ou d'un autre usage."},
    Entry{Code::personne_en_double, "PERSONNE_EN_DOUBLE", "Une personne figure plusieurs fois dans la convention."},
    Entry{Code::preavis_insuffisant, "PREAVIS_INSUFFISANT", "La date de fin ne respecte pas le préavis."},
    Entry{Code::convention_terminee, "CONVENTION_TERMINEE", "La convention est terminée et ne peut plus changer."},
    Entry{Code::flux_anterieur, "FLUX_ANTERIEUR",
          "Un flux plus récent a déjà fait connaître l'état de cette convention."},
    Entry{Code::canal_indisponible, "CANAL_INDISPONIBLE", "Le canal de remise demandé n'est pas disponible."},
    Entry{Code::remise_inconnue, "REMISE_INCONNUE", "Ce lieu n'a pas de remise de cet identifiant."},
    Entry{Code::remise_non_livree, "REMISE_NON_LIVREE", "La remise n'est pas livrée et n'a pas pu être retirée."},
    Entry{Code::personne_non_habilitee, "PERSONNE_NON_HABILITEE",
          "La convention n'habilite pas cette personne à cette date."},
    Entry{Code::identifiant_reserve, "IDENTIFIANT_RESERVE", "L'identifiant du lieu est déjà celui d'un émetteur."},
    Entry{Code::contenu_incompatible, "CONTENU_INCOMPATIBLE",
          "Le contenu n'est pas compatible avec le type de la convention."},
};

constexpr bool in_order() {
  for (std::size_t k = 0; k < entries.size(); ++k) {
    if (entries[k].code != static_cast<Code>(k)) return false;
  }
  return true;
}
static_assert(in_order() && entries.size() == static_cast<std::size_t>(Code::contenu_incompatible) + 1);

const Entry& entry(Code code) {
  return entries.at(static_cast<std::size_t>(code));
}

}  // namespace

std::string_view to_string(Code code) {
  return entry(code).text;
}

std::optional<Code> parse_code(std::string_view text) {
  for (const Entry& e : entries) {
    if (e.text == text) return e.code;
  }
  return std::nullopt;
}

std::string_view label(Code code) {
  return entry(code).label;
}

}  // namespace navette::model
