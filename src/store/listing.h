// What people look at: read-only lists and single rows, newest first unless said otherwise, bounded by `limit`
// (no_limit: all). The families' table is never read here (R9).
//
// Works on a connection of either access; nothing is written. Instants are UTC, days Europe/Paris.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "lib/sqlite/connection.h"
#include "model/civil_time.h"
#include "model/convention.h"

namespace navette::store {

inline constexpr std::int64_t no_limit = -1;

// ---- flux

struct FluxRow {
  std::int64_t id = 0;
  std::string ticket;
  std::string emetteur;
  std::string nom;  // of the deposited file, printable
  Instant recu_le;
  std::uint64_t taille = 0;  // bytes
  std::string etat;          // recu, accepte, partiel, refuse, doublon
  std::optional<std::string> type;
  std::optional<std::string> identifiant;
  std::optional<std::string> code;  // of the whole flux, with its place
  std::int64_t ligne = 0;
  std::int64_t colonne = 0;
  std::string chemin;
  std::uint64_t recus = 0;
  std::uint64_t acceptes = 0;
  std::uint64_t doublons = 0;
  std::uint64_t refuses = 0;
  std::optional<Instant> traite_le;
  std::optional<std::string> accuse;  // file name in accuses/<emetteur>/
};
struct FluxFilter {
  std::string etat;
  std::string emetteur;
};
std::vector<FluxRow> list_flux(sqlite::Connection& db, const FluxFilter& filter, std::int64_t limit);
// Records refused in flux that were taken in but for them, and answered at `since` or later.
std::uint64_t refused_records(sqlite::Connection& db, Instant since);
// By ticket, or EMETTEUR/IDENTIFIANT of an accepted one.
std::optional<FluxRow> find_flux(sqlite::Connection& db, const std::string& id);

struct RefusRow {
  std::int64_t rang = 0;
  bool doublon = false;
  std::string reference;  // empty: it had no valid form
  std::string code;
  std::int64_t ligne = 0;
  std::int64_t colonne = 0;
  std::string chemin;
};
std::vector<RefusRow> list_refus(sqlite::Connection& db, std::int64_t flux, std::int64_t limit);

// ---- demandes

struct DemandeCommune {
  std::string insee;
  std::string etat;  // nouvelle, attente, servie
};
struct DemandeLieu {
  std::string lieu;
  std::string etat;  // of the acheminement
  Instant du;        // when it may leave
  std::optional<std::string> remise;
  std::string motif;
  std::optional<Instant> livree_le;  // the remise
};
struct DemandeRow {
  std::int64_t id = 0;
  std::string emetteur;
  std::string reference;
  model::Day jour;  // of the demande
  Instant recue_le;
  std::string flux;  // ticket
  std::string etat;  // model::demande_state
  std::optional<std::string> retenue;
  std::vector<DemandeCommune> communes;
  std::vector<DemandeLieu> lieux;
};
struct DemandeFilter {
  std::string etat;  // a-router, sans-lieu, en-cours, remise, retenue, retiree
  std::string lieu;
  bool en_partie = false;  // delivered or on their way, but some commune waits for a lieu
};
std::vector<DemandeRow> list_demandes(sqlite::Connection& db, const DemandeFilter& filter, std::int64_t limit);
// REFERENCE, or EMETTEUR/REFERENCE; several when several émetteurs use the reference.
std::vector<DemandeRow> find_demandes(sqlite::Connection& db, const std::string& reference);
// Where records of that reference (REFERENCE, or EMETTEUR/REFERENCE) were refused, newest first.
struct RefuseeRow {
  std::string emetteur;
  std::string flux;  // ticket
  std::string code;
};
std::vector<RefuseeRow> find_refusees(sqlite::Connection& db, const std::string& reference);
// SHA-256 of the canonical XML of a demande already taken in.
std::optional<std::string> known_demande(sqlite::Connection& db, const std::string& emetteur,
                                         const std::string& reference);

// ---- remises

struct RemiseRow {
  std::int64_t id = 0;
  std::string nom;
  std::string lieu;
  std::string convention;
  std::int64_t version = 0;
  std::string etat;        // prete, retenue, livree, dissoute, a-rappeler, a-detruire, rappelee
  std::string reemise_de;  // name of the first issue (R15)
  std::string rappel;      // why it was withdrawn
  std::optional<Instant> rappelee_le;
  std::string rappel_faits;  // what was removed at the lieu
  Instant composee_le;
  std::int64_t nombre = 0;  // demandes
  std::int64_t tentatives = 0;
  bool en_cours = false;      // an attempt was begun whose end is not written down
  bool partie = false;        // it was delivered, or an attempt may have left something of it at the lieu
  bool par_courriel = false;  // what an attempt may have left is a mail
  // Next try of the delivery, the removal or the notification; may have passed. Nothing while `partenaire_retenu` or
  // `lieu_suspendu` keep it from being tried.
  std::optional<Instant> prochaine;
  std::optional<Instant> partenaire_retenu;  // since when its partner is held, and it with it
  bool partenaire_en_echec = false;          // its partner failed at the last try, of whatever remise
  bool lieu_suspendu = false;                // and it waits for that
  std::string motif;                         // of the last try, its own or its partner's, or of the hold
  std::optional<Instant> livree_le;
  std::string faits;
  std::optional<std::string> notification;  // a-envoyer, envoyee
  std::int64_t notification_tentatives = 0;
  bool notification_retenue = false;  // refused for good
  std::string notification_motif;
  std::optional<Instant> notifiee_le;
  std::int64_t destinataires = 0;
  std::string joints;                       // numéros of who has it, whoever is still to be told; ", " between them
  std::string non_joints;                   // of who was refused for good, each with the server's words
  std::string reemission;                   // why an operator wants it issued again, as long as it is not (R15)
  std::optional<model::Day> retrait_avant;  // R5: last day of the pickup
  std::optional<Instant> retiree_le;
  std::string retrait_preuve;    // disparition, journal, retrait, operateur
  std::string retrait_personne;  // its number; empty: not known
};
struct RemiseFilter {
  std::string etat;
  std::string lieu;
  bool held = false;  // all that wait for a person (HELD_REMISES); `etat` is not looked at then
};
std::vector<RemiseRow> list_remises(sqlite::Connection& db, const RemiseFilter& filter, std::int64_t limit);
std::optional<RemiseRow> find_remise(sqlite::Connection& db, const std::string& nom);

struct FichierRow {
  std::string nom;
  std::string genre;  // pdf, xml, manifeste
  std::uint64_t taille = 0;
  std::string sha256;
  std::string demande;  // EMETTEUR/REFERENCE; empty for the manifest
};
std::vector<FichierRow> list_fichiers(sqlite::Connection& db, std::int64_t remise);

// ---- lieux and conventions

struct LieuRow {
  std::string identifiant;
  std::string nom;
  std::string caf;
  std::string convention;  // the one in force today, else the latest
  std::int64_t version = 0;
  bool en_vigueur = false;  // today
  std::string canal;
  bool depot = false;                      // its remises lie in the dépôt: that channel, or a mail in clear
  std::string profil;                      // of the channel, as its convention says it; empty for a dépôt
  std::optional<std::string> suspendu;     // by an operator, and why
  std::uint64_t en_attente = 0;            // acheminements that wait for the next remise
  std::uint64_t remises_en_attente = 0;    // prete or retenue
  std::uint64_t en_cours = 0;              // of these, with an attempt whose end is not written down
  std::optional<Instant> derniere_remise;  // last success
  std::string dernier_motif;               // the last error of its server, or why its oldest remise did not arrive yet
  std::string derniere_erreur;             // of its server, over perhaps
  std::optional<Instant> erreur_le;        // when that was
  std::optional<Instant> prochain_essai;   // may have passed; nothing while it is held or suspended
  std::optional<Instant> retenu;           // since when nothing is tried until a person says so
  std::vector<std::string> regard;         // what the latest look for its pickups could not do
  std::optional<Instant> regard_le;        // when it could not look at all, and so waits an hour
  std::vector<std::string> communes;       // INSEE codes of that version
};
// By identifiant.
std::vector<LieuRow> list_lieux(sqlite::Connection& db, model::Day today, std::int64_t limit);
std::optional<LieuRow> find_lieu(sqlite::Connection& db, const std::string& identifiant, model::Day today);
// A lieu whose remises leave this machine, as a version of its convention has it: today, from a later day on, or once
// that version is activated.
struct ServedLieu {
  std::string identifiant;
  std::string caf;
  std::string canal;
  std::string profil;
  std::optional<model::Day> from;  // nothing: not activated yet

  bool in_force(model::Day today) const { return from && *from <= today; }
};
// By identifiant, then in the order of versions. A version that changes nothing for a lieu is left out.
std::vector<ServedLieu> lieux_served_elsewhere(sqlite::Connection& db, model::Day today);
// Other lieux that are served through the same access today, and fail and heal with it; by identifiant.
std::vector<std::string> lieux_of_same_access(sqlite::Connection& db, const std::string& identifiant, model::Day today);

struct ConventionRow {
  std::string caf;
  std::string numero;
  std::string type;
  std::int64_t version = 0;  // in force today, else the latest
  std::int64_t versions = 0;
  std::string partenaire;
  std::string siret;
  std::string signee;
  std::optional<std::string> activee;
  std::optional<std::string> fin;
  bool en_vigueur = false;
  std::string motif;  // why it is not; empty when it is
  std::int64_t lieux = 0;
};
// By Caf and number.
std::vector<ConventionRow> list_conventions(sqlite::Connection& db, model::Day today, std::int64_t limit);
// NUMERO, or CAF/NUMERO; several when several Caf use the number.
std::vector<ConventionRow> find_conventions(sqlite::Connection& db, const std::string& numero, model::Day today);

// Whether each version is in force on `today`, or why not, in words for the operator. `versions` in order.
struct InForce {
  std::optional<model::Interval> interval;
  bool today = false;
  std::string motif;
};
std::vector<InForce> in_force_of(const std::vector<model::Convention>& versions, model::Day today);

// ---- échéances and traces

struct EcheanceRow {
  std::string genre;
  std::string objet;  // remise:<name>
  std::string lieu;
  model::Day jour;  // last day of the delay, ends at 24:00
  std::string etat;
};
// The open ones (`all_states`: every one), soonest first.
std::vector<EcheanceRow> list_echeances(sqlite::Connection& db, bool all_states, std::int64_t limit);

struct TraceRow {
  std::int64_t seq = 0;
  Instant le;
  std::string acteur;
  std::string action;
  std::string objet;
  std::optional<std::string> detail;  // nothing: none, or erased
};
// `objet` empty: of every object.
std::vector<TraceRow> list_traces(sqlite::Connection& db, const std::string& objet, std::int64_t limit);

// ---- status

// For how long `run` and `status` tell what is over and may still have to be acted on.
constexpr auto lately = std::chrono::days(7);

// Since when the oldest of each queue waits.
struct Ages {
  std::optional<Instant> flux_recu;
  std::optional<Instant> sans_lieu;
  std::optional<Instant> prochain_depart;  // when the next acheminement may leave
  std::optional<Instant> remise_prete;
  std::optional<Instant> remise_retenue;
  std::optional<Instant> notification;
  std::optional<Instant> dernier_flux;  // received last
  std::optional<Instant> derniere_livraison;
  std::int64_t remises_a_retirer = 0;  // delivered, and nothing proves a pickup
  std::int64_t flux_refuses = 0;       // refused whole lately
  // Demandes served in part: some commune of theirs waits for a lieu, another has one (R11).
  std::int64_t servies_en_partie = 0;
  std::int64_t retirees = 0;  // demandes that were withdrawn from all who had them
};
Ages ages(sqlite::Connection& db, Instant now);
// Of `retirees` those whose withdrawal is not finished yet, or was so at `since` or later.
std::uint64_t withdrawn_demandes(sqlite::Connection& db, Instant since);

}  // namespace navette::store
