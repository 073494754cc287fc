// The state of navette: one SQLite database. Every function that changes something is one transaction that holds the
// new state and its trace rows; when it returns, both survive a crash; when it throws, neither happened.
//
// One Store is used by one thread. The pass and the commands of operators open their own; SQLite serialises them.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/sqlite/connection.h"
#include "store/records.h"
#include "store/trace.h"

namespace navette::store {

class Store {
 public:
  enum class Access { read_write, read_only };
  // Opens the database and, read_write, creates or migrates it. `actor` signs the trace rows. Throws Error.
  Store(const std::string& path, std::string actor, Access access = Access::read_write);

  // ---- claims and flux
  enum class TicketState { unknown, copied, not_copied, answered };  // not_copied: claimed with a problem
  TicketState ticket_state(const std::string& ticket);
  void add_claims(const std::vector<Claim>& claims);
  // The oldest but `except`; one whose reading was begun three times and never ended comes after all others.
  std::optional<ReceivedFlux> next_received(const std::set<RowId>& except = {});
  bool begin_reading(RowId flux, const std::stop_token& stop = {});  // false: a stop came first
  void abandon_reading(RowId flux);                                  // stopped on purpose: it does not count
  // Forgets whatever an interrupted reading had staged: only the flux being read may have staged demandes, else those
  // of one that is read later would be taken for duplicates. Several transactions: safe to repeat. False: a stop came
  // first.
  bool discard_staged(const std::stop_token& stop = {});
  // SHA-256 of the accepted flux of that identity, if there is one.
  std::optional<std::string> accepted_sha256(const std::string& emetteur, const std::string& identifiant);
  // Demandes of a flux that is being read: kept, but invisible until accept_flux(). A reference already taken becomes a
  // refusal (REFERENCE_EN_DOUBLE within the flux, CONFLIT) or a duplicate; these are recorded and returned, with their
  // index in `demandes`. `positions` are those of the demandes.
  struct Clash {
    std::size_t index = 0;
    RefusedRecord record;
  };
  std::vector<Clash> stage(const ReceivedFlux& flux, const std::vector<StagedDemande>& demandes,
                           const std::vector<model::Refusal>& positions, const std::vector<RefusedRecord>& refused);
  // The end was reached and the totals are right: staged demandes become visible, conventions and pickups take effect,
  // the answer is fixed. When every record was refused that is `refuse`. Nothing, and nothing is changed: a stop came
  // first.
  std::optional<FluxState> accept_flux(const ReceivedFlux& flux, const FluxHeader& header, std::uint64_t received,
                                       const std::vector<ConventionChange>& conventions,
                                       const std::vector<std::string>& contacts, const std::string& caf, Instant now,
                                       const std::vector<PickedUp>& pickups = {}, const std::stop_token& stop = {});
  // Nothing of the flux is kept but the answer (its staged demandes are discarded first). False: a stop came first.
  bool refuse_flux(const ReceivedFlux& flux, const std::optional<FluxHeader>& header, const model::Refusal& refusal,
                   std::uint64_t received, Instant now, const std::stop_token& stop = {});
  void duplicate_flux(const ReceivedFlux& flux, const FluxHeader& header, Instant now);
  // Answered flux whose accusé is not written yet, oldest first, those after `after`.
  std::vector<FluxAnswer> accuses_due(RowId after, std::size_t limit);
  void each_refusal(RowId flux, const std::function<void(const RefusedRecord&)>& visit);
  void accuse_written(RowId flux, const std::string& file_name);

  // ---- conventions
  std::vector<model::Convention> convention_versions(const std::string& caf, const std::string& numero);
  // Creation date and time of the last flux that told of the convention; empty when none did.
  std::string convention_told_at(const std::string& caf, const std::string& numero);
  // The caf and SIREN to which a lieu belongs, and when other conventions than `except_convention` hold it.
  struct Tenure {
    std::string convention;
    int version = 1;
    model::Interval during;
  };
  struct LieuOwner {
    std::string caf;
    std::string siren;
    std::vector<Tenure> tenures;
  };
  std::optional<LieuOwner> lieu_owner(const std::string& lieu, const std::string& except_convention);
  // Lieux served over SFTP, and when conventions hold them so.
  struct SftpLieu {
    std::string lieu;
    std::string caf;
    Tenure tenure;
    model::SftpChannel channel;
  };
  std::vector<SftpLieu> sftp_lieux();
  // By the channels, former ones perhaps, by which remises were put where navette may still look for them or remove
  // them. No tenure.
  std::vector<SftpLieu> sftp_lieux_with_remises(Instant now);

  // ---- routing
  // What waits for communes that open today becomes unrouted again. Returns whether anything was due.
  bool reopen_communes(model::Day today);
  std::vector<UnroutedDemande> unrouted(std::size_t limit);
  model::Coverage coverage(const std::set<std::string>& codes, model::Day day);
  void apply_routes(const std::vector<RouteOutcome>& outcomes, Instant now);

  // ---- remises
  std::vector<RowId> lieux_due(Instant due_by);  // with acheminements due; not suspended
  std::optional<LieuInForce> lieu_in_force(RowId lieu, model::Day day);
  std::string lieu_name(RowId lieu);      // its identifiant
  std::size_t due_count(Instant due_by);  // acheminements of these
  std::vector<DueAcheminement> due_acheminements(RowId lieu, Instant due_by, std::size_t limit);  // the first due first
  std::optional<std::string> charge(RowId demande);          // the XML; nothing when it was destroyed
  std::string next_remise_name(RowId lieu, model::Day day);  // <lieu>-<yyyymmdd>-<n>
  // Asked for by operators; those of suspended lieux wait.
  std::vector<DueReissue> reissues_due();
  // Its demandes that the lieu has and whose data still exist.
  std::vector<DueAcheminement> reissuable(RowId first_issue);
  void give_up_reissue(const DueReissue& reissue, const std::string& reason, Instant now);
  // False, and nothing is changed: an operator held a demande while it was being packed; pack again.
  bool apply_pack(const PackOutcome& outcome, Instant now);

  // ---- delivery
  std::vector<DueRemise> due_remises(Instant now, const DueFilter& filter = {});  // partners that fail come last
  void put_off(RowId lieu, Instant until, Instant now);                           // nothing of it is due before
  // Lieux that wait, or are held, since they failed by a version that is no more the one in force: another server, or
  // other hours, perhaps.
  void free_lieux_served_anew(Instant now);
  // By whoever alone may begin some: what was under way when the process before ended has ended with it.
  void end_former_attempts();
  std::vector<DueAcheminement> acheminements_of(RowId remise);
  // The intent, before anything leaves. Returns the remises that are still to be delivered: an operator may have held
  // one, or a demande in it.
  std::set<RowId> begin_attempts(const std::vector<RowId>& remises, Instant now);
  // What an attempt, a recall or taking apart came to counts once, though it be said twice, after a commit whose answer
  // was lost.
  //
  // Stopped on purpose before anything left: it does not count. `tried`: an earlier one may have left something.
  void abandon_attempt(RowId remise, bool tried, Instant now);
  // What an attempt that was cut short had brought there.
  void note_arrived(RowId remise, const std::vector<std::string>& files);
  // Right before withdrawn remises are removed for the first time: what is gone after that may be our doing.
  void begin_recalls(const std::vector<RowId>& remises);
  // Before their lieux are cleared of them: what arrived of them earlier counts no more, should they leave after all.
  void begin_taking_apart(const std::vector<RowId>& remises);
  // What an attempt had left at a place that is not the lieu's any more is gone.
  void apply_cleared(RowId remise, Instant now);
  void apply_deliveries(const std::vector<DeliveryOutcome>& outcomes);
  // A right was lost since packing (R1, R8) or an operator holds a demande: `lost` are cancelled, the others are packed
  // again but for what is held.
  void dissolve(RowId remise, const std::vector<DueAcheminement>& lost, Instant now);
  // What came of removing a withdrawn remise at its lieu; the next try of a Retry or a Refused is `next_attempt`.
  void apply_recall(const DeliveryOutcome& outcome);
  struct Departed {
    RowId remise = 0;
    std::string name;
    std::string lieu;
  };
  std::vector<Departed> departed(std::size_t limit);  // delivered or dissolved, bytes still in depart/
  void depart_removed(RowId remise);
  bool knows_remise(const std::string& name);

  // ---- pickup (retrait). What says first that a remise was picked up counts; a flux adds the person. Its échéance
  // ends.
  std::optional<PickupSubject> pickup_subject(const std::string& remise_name);
  // Whether the remise's convention habilitates the person of that number on that day.
  bool is_habilitated(RowId remise, const std::string& personne, model::Day day);
  bool knows_lieu(const std::string& identifiant);
  // Remises delivered at `before` or earlier whose pickup nothing proves yet, as long as the lieu may keep them (R6):
  // where, then which, the newest first, so many that their documents are bounded. None while the partner fails, is
  // held or suspended.
  std::vector<AwaitingLieu> awaiting_lieux(Instant now, Instant before);
  // `flat`: in one directory a further issue's files have the same names; none while one is on its way.
  std::vector<AwaitedRemise> awaited_remises(const AwaitingLieu& lieu, bool flat, Instant now, Instant before);
  void apply_pickups(const std::vector<PickedUp>& pickups, Instant now);
  // What the latest look could not do, and left in the return directory `place`; `failed`: when it could not look at
  // all.
  void note_look(const AwaitingLieu& lieu, const std::string& place, const std::vector<std::string>& faults,
                 const model::ReturnMarks& marks, std::optional<Instant> failed);
  model::ReturnMarks return_marks(RowId lieu, const std::string& place);
  // Faults of looks at places that nothing is waited for any more are forgotten.
  void forget_other_looks(const std::vector<AwaitingLieu>& lieux);
  std::vector<std::string> look_faults();
  // Offset 0 of inode 0 when it was never read.
  LogPosition log_position(const std::string& file);
  // Events in the order of the log, and how far it is read now: one transaction.
  void apply_log(const LogPosition& position, const std::vector<LogEvent>& events, Instant now);

  // ---- notification
  std::vector<DueNotification> due_notifications(Instant now, std::size_t limit);
  // Why one waits that was not tried.
  void note_notification(RowId remise, const std::string& reason);
  void apply_notifications(const std::vector<NotificationOutcome>& outcomes);

  // ---- alerts to each Caf
  std::vector<DueAlert> alerts_due(Instant now);
  AlertFacts alert_facts(const std::string& caf, Instant now);
  std::vector<CommuneWaiting> communes_waiting();  // for a lieu (R11)
  void apply_alert(const AlertOutcome& outcome);

  // ---- the daemon's rest
  Counts counts();
  // What the latest pass met; a fault met again keeps its `since`. Writes only what changed.
  void set_incidents(const std::vector<Incident>& met, Instant now);
  std::vector<Incident> incidents();
  std::optional<Instant> next_due(
      Instant now);  // when something becomes due by itself, at the latest midnight in Paris

  // ---- operators. Each throws Error, in words for the operator, when there is no such thing or it does not apply.
  void hold_demande(const std::string& reference, const std::string& why, Instant now);
  void release_demande(const std::string& reference, Instant now);
  void retry_demande(const std::string& reference, Instant now);
  void hold_remise(const std::string& name, const std::string& why, Instant now);
  void release_remise(const std::string& name, Instant now);
  void retry_remise(const std::string& name, Instant now);
  // Takes a remise back: it is not delivered any more, or removed at the lieu by the next pass; its demandes await the
  // Caf (`retire`), and no delay of it runs.
  void withdraw_remise(const std::string& name, const std::string& why, Instant now);
  // Says the operator: the lieu has nothing of a withdrawn remise any more, or nothing of one that is to leave, neither
  // at its former place nor, after a doubt, in its box. One that was held for that doubt is let go.
  void confirm_taken_back(const std::string& name, const std::string& why, Instant now);
  // Has it packed again and delivered under a name of its own (R15), while its retention runs.
  void reissue_remise(const std::string& name, const std::string& why, Instant now);
  // Of a delivered remise. With `in_doubt`, of one that is to leave as well: an attempt whose end is not known has
  // brought it to the lieu after all.
  void confirm_pickup(const std::string& name, const std::string& why, Instant now, bool in_doubt = false);
  void retry_lieu(const std::string& lieu, Instant now);  // whatever its server did wrong: tried again at once
  void suspend_lieu(const std::string& lieu, const std::string& why, Instant now);
  void resume_lieu(const std::string& lieu, Instant now);
  void add_trace(const TraceEntry& entry, Instant now);

  // Throws sqlite::MovedError when the database was deleted or replaced under us. Every function that changes something
  // does so too.
  void require_in_place() { db_.require_in_place(); }

  // When navette last did something, or an operator last said that its clock is right; nothing: never. Other acts of
  // operators do not count: looking at something under a wrong clock must not make it a right one.
  std::optional<Instant> last_worked();
  static constexpr const char* clock_trusted = "horloge.confirmee";  // the trace of that

  // Hash of the last trace row: logged, so that the journal of the machine witnesses it (a cut-off end shows).
  std::string trace_head();
  TraceCheck verify() { return verify_traces(db_); }
  sqlite::Connection& connection() { return db_; }  // for listings and tests

 private:
  void trace(Instant at, const std::string& action, const std::string& object, const std::string& detail = {});
  FluxState close_flux(const ReceivedFlux& flux, FluxState state, const std::optional<FluxHeader>& header,
                       const std::optional<model::Refusal>& refusal, std::uint64_t received, Instant now);
  void apply_convention(const ConventionChange& change, Instant now);
  RowId insert_version(RowId convention, const model::Convention& c);
  RowId lieu_id(const std::string& identifiant, const std::string& caf, const std::string& siren);
  void close_departed(RowId convention, const std::vector<model::Personne>& personnes);
  bool is_suspended(RowId convention);
  void revive_after_suspension(RowId convention);
  void refresh_in_force(RowId convention);
  void schedule_reopening(RowId convention, const std::vector<std::string>& codes, model::Day today);
  model::Convention load_version(RowId version);
  void unroute(const DueAcheminement& lost);
  void look_again(RowId demande);  // the communes for which no lieu was found
  void set_acheminement(RowId id, model::AcheminementEvent event, const std::string& reason = {});
  model::AcheminementState acheminement_state(RowId id);
  bool is_withdrawn(RowId remise);
  void set_arrived(RowId remise, const std::vector<std::string>& files);
  void conclude_idle_recall(RowId remise, Instant now);
  void forget_attempts_place(RowId remise, const std::string& why, Instant now);
  void taken_back(RowId remise, const std::string& facts, Instant now);
  void set_remise(RowId id, model::RemiseEvent event, const std::string& reason);
  bool set_delivered(RowId remise, const std::string& facts, std::optional<RowId> via, Instant at, Instant now);
  void note_recipients(const NotificationOutcome& outcome);
  bool notification_waits(const NotificationOutcome& outcome);
  void set_picked_up(const PickedUp& pickup, Instant now);
  void conclude_reads(RowId remise, Instant at, Instant now);
  void apply_read(const FileRead& read, Instant now);
  RowId find_demande(const std::string& reference);
  RowId find_remise(const std::string& name);
  void restart_attempts(RowId remise, Instant now);
  void free_lieu(RowId lieu);
  void free_partner(RowId lieu, Instant now);
  void partner_failed(RowId lieu, model::Scope scope, const DeliveryOutcome& outcome, const std::string& reason);
  std::string demande_object(RowId demande);
  std::string remise_object(RowId remise);
  std::vector<std::string> communes_of(RowId demande);

  sqlite::Connection db_;
  std::string actor_;
};

// Instants and days as the columns hold them.
std::int64_t to_column(Instant at);
Instant instant_from(std::int64_t column);
std::optional<Instant> instant_from(const std::optional<std::int64_t>& column);
std::optional<std::string> to_column(const std::optional<model::Day>& day);
// Both throw Error for a word that the database should not hold.
model::Cadence cadence_from(const std::string& column);
model::Channel channel_from(const std::string& kind, const std::string& profile);
std::optional<model::Day> day_from(const std::optional<std::string>& column);

}  // namespace navette::store
