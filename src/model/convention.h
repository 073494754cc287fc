// Conventions, their versions (avenants, R12) and what they open.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/civil_time.h"

namespace navette::model {

enum class ConventionKind { lieu_information, structures, mon_compte_partenaire };

struct Personne {
  std::string numero;  // the opaque id under which traces know the person
  std::string civilite;
  std::string nom;
  std::string prenom;
  std::string courriel;
  std::string role;
  Day from;
  std::optional<Day> to;  // last day of the habilitation
  bool operator==(const Personne&) const = default;
};

// How remises reach a lieu. A flux names credentials, never a path or a secret.
struct DepotChannel {
  bool operator==(const DepotChannel&) const = default;
};
struct SftpChannel {
  std::string xml;  // the profile as received; its fields are read where the channel is served
  bool operator==(const SftpChannel&) const = default;
};
struct CourrielChannel {
  std::string xml;
  bool operator==(const CourrielChannel&) const = default;
};
using Channel = std::variant<DepotChannel, SftpChannel, CourrielChannel>;
// "depot", "sftp" or "courriel".
const char* kind_of(const Channel& channel);

struct Lieu {
  std::string identifiant;  // unique for the instance; directory and account name
  std::string nom;
  std::string adresse;                // one line, may be empty
  std::vector<std::string> communes;  // INSEE codes
  Channel channel;
  bool operator==(const Lieu&) const = default;
};

struct Etablissement {
  std::string identifiant;
  std::string nom;
  std::string type;
  std::string commune;
  std::vector<std::string> ouvertures;
  bool operator==(const Etablissement&) const = default;
};

struct Immediat {
  bool operator==(const Immediat&) const = default;
};
struct Quotidien {
  std::chrono::minutes at{6 * 60};  // after midnight, Paris
  bool operator==(const Quotidien&) const = default;
};
using Cadence = std::variant<Immediat, Quotidien>;
std::string to_string(const Cadence& cadence);  // "immediat", "quotidien 06:00"

struct Partenaire {
  std::string siret;
  std::string nom;
  std::string adresse;
  bool operator==(const Partenaire&) const = default;
};

// What was signed: never changes under the same version, but for a person's departure (R13).
struct Annexe {
  Day signed_on;
  Day effective_from;
  Partenaire partenaire;
  std::vector<std::string> communes;
  std::vector<Personne> personnes;
  std::vector<Lieu> lieux;
  std::vector<Etablissement> etablissements;
  int pickup_days = 15;      // R5: 5 to 15
  int retention_months = 6;  // R6: at most 6
  Cadence cadence = Quotidien{};
};

enum class TerminationCause { denonciation, manquement, commun_accord };
struct Termination {
  TerminationCause cause = TerminationCause::commun_accord;
  Day received_on;
  Day last_day;  // on which the convention is in force
  bool operator==(const Termination&) const = default;
};
struct Suspension {
  Day from;
  std::string motif;
  bool operator==(const Suspension&) const = default;
};

// One version of a convention as a habilitations flux carries it: the signed content, and what happens to it.
struct Convention {
  std::string caf;     // of the émetteur; not in the record
  std::string numero;  // unique for the Caf
  int version = 1;     // 1 as signed, 2 … avenants
  ConventionKind kind = ConventionKind::lieu_information;
  Annexe annexe;
  std::optional<Day> activated_on;
  std::optional<Suspension> suspension;
  std::optional<Termination> termination;
};

// Days on which a version may be used, both included; no `to` means open-ended.
struct Interval {
  Day from;
  std::optional<Day> to;
  bool contains(Day day) const { return from <= day && (!to || day <= *to); }
  bool overlaps(const Interval& other) const { return (!to || other.from <= *to) && (!other.to || from <= *other.to); }
  bool operator==(const Interval&) const = default;
};

// The first day on which this version could serve: signed, then activated, and effective. Nothing before it is
// activated.
std::optional<Day> starts_on(const Convention& version);

// R1, R8, R12: when this version is in force: signed, then activated, effective, not terminated, not suspended, and not
// yet replaced by the next version, which
// starts on `replaced_on`. Nothing when never. A convention lasts without limit
// until it is terminated: renewal is tacit (R12).
std::optional<Interval> in_force(const Convention& version, const std::optional<Day>& replaced_on);

// From its effect to its end, activated and suspended or not: the days for which it may claim a lieu. Nothing when it
// ended before it took effect.
std::optional<Interval> term(const Convention& version);

// Persons habilitated on that day.
std::vector<Personne> habilitated(const std::vector<Personne>& personnes, Day day);

std::string to_string(ConventionKind kind);  // as in the schema: "lieu-information" …
std::optional<ConventionKind> parse_convention_kind(const std::string& text);
std::string to_string(TerminationCause cause);
std::optional<TerminationCause> parse_termination_cause(const std::string& text);

// Luhn checksum of the 14 digits; offices of La Poste (SIREN 356000000, but for its head office 35600000000048) are
// known by a plain digit sum, multiple of 5.
bool is_valid_siret(const std::string& siret);

// R12, R36: a dénonciation of a yearly convention takes effect at the first anniversary of its signature that leaves
// three months' notice (so not before that anniversary's eve); a mon-compte-partenaire ends three months after receipt
// at the earliest, one month for a breach. Any other cause ends at once, not before it was received.
bool has_sufficient_notice(ConventionKind kind, Day signed_on, const Termination& termination);

}  // namespace navette::model
