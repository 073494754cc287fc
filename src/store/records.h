// The values that go between the store and the stages. Row ids are opaque outside store/.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "model/convention.h"
#include "model/delivery.h"
#include "model/demande.h"
#include "model/pickup.h"
#include "model/refusal.h"
#include "model/routing.h"
#include "model/states.h"

namespace navette::store {

using RowId = std::int64_t;

// ---- intake

// A file taken over from arrivee/: it lies in travail/<emetteur>/<ticket>.
struct Claim {
  std::string ticket;
  std::string emetteur;
  std::string name;  // as deposited, made printable
  Instant at;
  std::uint64_t size = 0;              // bytes
  std::string sha256;                  // empty when it could not be read
  std::optional<model::Code> problem;  // found while claiming: not a regular file, unreadable …
};

struct ReceivedFlux {
  RowId id = 0;
  Claim claim;
};

struct StagedDemande {
  std::uint64_t rank = 0;
  model::Demande demande;
  std::string xml;     // canonical; families' data: goes to `charge` only
  std::string sha256;  // of xml
};

struct RefusedRecord {
  std::uint64_t rank = 0;
  std::string reference;  // empty when it had no valid form
  model::Refusal refusal;
  bool duplicate = false;  // already received with the same content: not an error
};

enum class FluxState { accepte, partiel, refuse, doublon };
std::string to_string(FluxState state);

// The answer to a flux, as its accusé tells it.
struct FluxAnswer {
  RowId id = 0;
  Claim claim;
  FluxState state = FluxState::refuse;
  std::optional<std::string> kind;
  std::optional<std::string> identifiant;
  std::optional<model::Refusal> refusal;  // of the whole flux
  std::uint64_t received = 0;
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t refused = 0;
  Instant processed_at;
};

struct FluxHeader {
  std::string kind;
  std::string identifiant;
};

// What a habilitations flux does, decided by the stage.
struct ConventionChange {
  model::Convention convention;
  bool new_version = false;
  std::string created;     // of its flux
  bool unchanged = false;  // nothing new but the date of the flux
  // INSEE codes that it opens, with the arrondissements they stand for: what waits for them is looked at again.
  std::vector<std::string> opened;
};

// ---- routing

struct UnroutedDemande {
  RowId id = 0;
  std::vector<std::string> communes;  // not yet looked up
};

struct RouteOutcome {
  RowId demande = 0;
  struct To {
    model::LieuId lieu = 0;
    model::VersionId version = 0;
    Instant due;
  };
  std::vector<To> lieux;
  std::vector<std::string> served;
  std::vector<std::string> waiting;
};

// ---- remises

// A lieu as it may be served on a day.
struct LieuInForce {
  RowId id = 0;
  std::string identifiant;
  std::string nom;
  std::string partenaire;
  std::string caf;
  std::string convention;
  int version = 0;
  RowId version_id = 0;
  int pickup_days = 0;
  int retention_months = 0;
  model::Channel channel;
  std::set<std::string> communes;  // INSEE codes it may receive for
};

struct DueAcheminement {
  RowId id = 0;
  RowId demande = 0;
  std::string emetteur;
  std::string reference;
  std::vector<std::string> communes;
  bool held = false;         // the demande, by an operator
  bool others_wait = false;  // it is due, now or later, at further lieux
  // When its right was lost: the codes under which lieux may list each commune; one that is not there stands for
  // itself.
  std::map<std::string, std::vector<std::string>> accepted = {};
};

// A remise to be issued again (R15).
struct DueReissue {
  RowId first_issue = 0;
  std::string name;  // of the first issue
  RowId lieu = 0;
};

struct PackedRemise {
  std::string name;
  RowId lieu = 0;
  RowId version = 0;
  int pickup_days = 0;
  std::vector<DueAcheminement> acheminements;
  std::vector<model::RemiseFile> files;  // manifest last
};

struct FailedAcheminement {
  RowId id = 0;
  std::string reason;
};

struct PackOutcome {
  std::optional<PackedRemise> packed;
  std::optional<DueReissue> reissue;  // the acheminements of `packed` are delivered already, and stay so
  std::vector<DueAcheminement> rights_lost;
  std::vector<FailedAcheminement> failed;
};

struct DueRemise {
  RowId id = 0;
  std::string name;
  RowId lieu = 0;
  std::string lieu_identifiant;
  // The version in force, the one it was packed under when none is; or that of an earlier attempt, or of its delivery,
  // when files of it lie where that one says.
  RowId via = 0;
  model::Channel channel;                // of that version
  bool tried = false;                    // an earlier attempt may have left something there
  bool moved = false;                    // the lieu has another place now: what is there is to be removed first
  int attempts = 0;                      // so far
  std::optional<Instant> failing_since;  // attempts in a row failed through no fault of its partner's
  std::vector<model::RemiseFile> files;  // manifest last
  std::set<std::string> arrived;         // names of files that are there for certain; all once it was delivered
  bool recall = false;                   // withdrawn: to be removed at the lieu
  bool untouched = false;                // and delivered, and no removal of it begun yet, nor of what bears its names
  std::string reissue_of;                // R15: name of the first issue; empty: it is the first
  RowId first_issue = 0;                 // of the same content; its own id for a first issue
  int partner_failures = 0;              // attempts in a row that its partner failed, whatever the remise
  std::optional<Instant> partner_failing_since;
};

// Which due remises are wanted: so many that leave on this machine (dépôts), so many over the network.
struct DueFilter {
  // Asked in order, of each for which there is a number left; what it says yes to is returned. Sees no files. None:
  // all are wanted.
  std::function<bool(const DueRemise&)> wanted;
  std::size_t local = 1000;
  std::size_t remote = 1000;
};

struct DeliveryOutcome {
  RowId remise = 0;
  model::Outcome outcome;
  Instant at;
  std::optional<Instant> next_attempt;        // for a Retry; nothing: hold it
  RowId via = 0;                              // the version whose channel it was; 0: that of the remise
  int failures = 1;                           // in a row, this one included, of what model::Scope says is at fault
  bool left_nothing = false;                  // neither this attempt nor an earlier one left anything at the lieu
  bool begun = false;                         // by begin_attempts(): what is said of it twice counts once
  std::optional<Instant> failing_since = {};  // of a Retry that is no partner's: since when one follows another
};

struct DueNotification {
  RowId remise = 0;
  std::string remise_name;
  std::string first_issue;  // name of the remise that it issues again; empty for a first issue
  std::string lieu;         // identifiant
  std::string lieu_nom;
  std::string partenaire;
  std::string convention;
  std::string contact;  // of the Caf; empty when it gave none
  std::uint64_t demandes = 0;
  int pickup_days = 0;
  int retention_months = 0;
  int attempts = 0;
  Instant delivered_at;
  model::Channel channel;                  // by which it was delivered
  model::Channel channel_now;              // of the version in force
  std::vector<model::Personne> personnes;  // of that one; of the one it was delivered by when none is (R8)
  // By former attempts: numéros, as NotificationOutcome names them. Who was refused for good is not asked again.
  std::set<std::string> told;
  std::set<std::string> told_addresses;  // SHA-256 of each in hexadecimal
  struct Refusal {
    std::string address;  // whose: SHA-256 in hexadecimal
    std::string why;      // in the server's words
  };
  std::map<std::string, Refusal> refused;
  RowId version = 0;                      // of `personnes`
  std::string reason;                     // why it was put off; empty: it was not
  std::optional<Instant> first_accepted;  // for the first of them: day 0 (R5)
};

struct NotificationOutcome {
  RowId remise = 0;
  bool accepted = false;
  Instant at;
  std::string message_id;
  std::size_t recipients = 0;
  // Numéros of those who have it by this attempt, accepted as a whole or not, each with the SHA-256 of the address.
  std::map<std::string, std::string> told;
  std::map<std::string, DueNotification::Refusal> refused;  // of those refused for good by this attempt
  std::vector<std::string> put_off;                         // "numéro (why)" of those put off by this attempt
  std::vector<std::string> missed;      // when accepted: "numéro (why)" of the persons whom it does not reach
  RowId version = 0;                    // whose persons were asked
  std::string reason;                   // when not accepted
  std::optional<Instant> next_attempt;  // when not accepted; nothing: hold it
  std::optional<model::Day> last_day;   // R5, once somebody has it
};

// The daily mail to a Caf that is still to be sent today, if anything needs a person.
struct DueAlert {
  std::string caf;
  std::vector<std::string> contacts;  // addresses
  int attempts = 0;                   // today
};
// What the reason of a remise that is held after five days begins with, before that of its last attempt.
constexpr std::string_view not_for_five_days = "not delivered for five days: ";
// What is said of a withdrawn remise of which the lieu never had anything.
constexpr const char* nothing_had_left = "nothing had left";
struct AlertItem {
  std::string object;  // a lieu, a remise, a flux …: nothing of a family
  std::string reason;  // of model::with_code, or the code that refused a flux; empty: none
};
struct AlertFacts {
  std::vector<AlertItem> held_partners;
  std::vector<AlertItem> held_remises;
  std::vector<AlertItem> remises_in_trouble;
  std::vector<AlertItem> notifications_in_trouble;  // tried again by themselves
  std::vector<AlertItem> held_notifications;        // refused for good
  std::vector<AlertItem> recalls_waiting;           // to be removed at the lieu, which is tried again by itself
  std::vector<AlertItem> recalls_held;              // and of a held partner: nothing is tried
  std::vector<AlertItem> destructions_waiting;      // only the lieu can destroy it
  std::vector<AlertItem> held_demandes;
  std::vector<AlertItem> withdrawn_demandes;  // from all who had them: not finished yet, or in the last day
  std::vector<AlertItem> suspended_lieux;
  std::vector<AlertItem> refused_flux;  // of the last day
};
struct CommuneWaiting {
  std::string insee;
  std::uint64_t demandes = 0;
};
struct AlertOutcome {
  std::string caf;
  model::Day day;  // in Paris
  Instant at;
  bool accepted = false;
  std::size_t recipients = 0;
  std::string reason;    // when not accepted
  Instant next_attempt;  // when not accepted
};

// ---- pickup

// A remise that a flux acknowledges.
struct PickupSubject {
  RowId remise = 0;
  std::string lieu;  // identifiant
  std::string caf;
  bool delivered = false;
  bool acknowledged = false;             // by a flux
  std::optional<Instant> first_attempt;  // before it nobody can have it
};

struct PickedUp {
  RowId remise = 0;
  model::PickupEvidence evidence = model::PickupEvidence::operator_word;
  Instant at;
  std::string personne;  // number; empty: not known
  std::string detail;    // for the trace, may be empty
};

// A lieu whose pickups are waited for, and the channel by which it got these remises.
struct AwaitingLieu {
  RowId lieu = 0;
  std::string identifiant;
  RowId via = 0;
  model::Channel channel;
  bool unnamed = false;                // who picked some of them up may still be told in its return directory
  bool former = false;                 // the lieu has another profile now, or none
  std::optional<Instant> failed_at{};  // the latest look, if the partner could not be looked at
  std::optional<Instant> wanted_at{};  // when an operator last wanted it looked at
};
struct AwaitedRemise {
  RowId id = 0;
  std::string name;
  std::vector<model::RemiseFile> documents;  // PDF and XML
};

// How far a log was read.
struct LogPosition {
  std::string file;  // path
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;  // bytes
};
// What a line of the log of internal-sftp tells.
struct SessionOpened {
  std::int64_t pid = 0;
  std::string account;
};
struct SessionClosed {
  std::int64_t pid = 0;
};
struct FileRead {
  std::int64_t pid = 0;
  std::string remise;
  std::string file;
  std::uint64_t bytes = 0;
  std::optional<Instant> at;  // nothing: the line does not tell
};
using LogEvent = std::variant<SessionOpened, SessionClosed, FileRead>;

// What a pass could not do, in a sentence for the operator: what, where, what to do.
struct Incident {
  std::string key;  // the same from pass to pass
  std::string text;
  Instant since;  // set by the store
};

// Whose server failed for five days, or in a way that somebody must mend: nothing is tried until a person says so.
struct HeldLieu {
  std::string identifiant;
  Instant since;
  std::uint64_t remises = 0;  // that wait for it
};

// What waits, and what needs a person; for `status`, `run`'s exit code and the log.
struct Counts {
  std::uint64_t flux_received = 0;
  std::uint64_t unrouted = 0;
  std::uint64_t sans_lieu = 0;  // demandes for which the last look found no lieu (R11)
  std::uint64_t waiting = 0;    // acheminements for the lieu's next remise
  std::uint64_t held_acheminements = 0;
  std::uint64_t held_demandes = 0;  // by an operator, or for a lieu because they could not be rendered
  std::uint64_t ready_remises = 0;
  std::uint64_t held_remises = 0;        // all that `remises list --held` shows
  std::uint64_t remises_in_trouble = 0;  // it, or what went before it at its lieu, failed; to be tried again by itself
  std::uint64_t notifications_waiting = 0;
  std::uint64_t notifications_in_trouble = 0;  // tried at least once without success, to be tried again
  std::uint64_t held_notifications = 0;        // refused for good by all whom they were for
  std::uint64_t recalls_waiting = 0;           // withdrawn, not removed at the lieu yet
  std::uint64_t destructions_waiting = 0;      // withdrawn, and only the lieu can destroy what it has
  std::uint64_t suspended_lieux = 0;
  std::vector<HeldLieu> held_lieux;  // the first held first
};

}  // namespace navette::store
