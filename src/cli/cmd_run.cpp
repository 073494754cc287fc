// One pass over everything that is due.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/main.h"
#include "cli/open_store.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "daemon/attention.h"
#include "daemon/engine.h"
#include "daemon/used_spool.h"
#include "store/forgotten.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

constexpr const char* help =
    "Takes in what lies in arrivee/, answers it, routes demandes, and renders, delivers and notifies\n"
    "whatever is due; then ends. For a timer, or by hand. Deposits that are not complete yet are waited\n"
    "for once, for [spool] stable_after; what comes while a partner is waited for is taken in as well.\n"
    "Refuses (3) while another navette owns the spool or the database.\n"
    "SIGINT, SIGTERM and SIGHUP end it cleanly; what is left goes with the next pass.\n"
    "Refuses (3) when the database is missing although spool or dépôts tell of former work: restore it;\n"
    "--new-database begins anew, forgetting what was taken in and delivered. Refuses (3) when the database\n"
    "does not know the latest accusé of a sender or the latest remise of a dépôt, being an older copy;\n"
    "--older-database goes on with it. Refuses (3) when the clock is more than a day behind the journal;\n"
    "--trust-clock says that it is right now. Each is traced.\n\n"
    "Exit codes: 0 done, 1 done but something needs a person (listed), 2 usage or configuration,\n"
    "3 could not do it.\n\n"
    "Examples:\n"
    "  sudo -u navette navette run         what is due now\n"
    "  sudo -u navette navette run --now   also what waits for its lieu's hour\n";

void options(boost::program_options::options_description& o) {
  o.add_options()("now", "do not wait for the lieux's cadence")(
      "verbose,v", "every event of the log, on a terminal too")("new-database",
                                                                "make one although there was one, which is lost")(
      "older-database", "go on with an older copy, the later ones being lost")(
      "trust-clock", "the clock is right, though the journal goes further");
  json_option(o);
}

// On a terminal the bar and the summary tell the story: of the log only what is wrong is shown.
void set_log_level(const Invocation& call, const config::Config& config) {
  const bool quiet = stderr_is_terminal() && !call.has("verbose");
  log::set_level(quiet ? std::min(config.log.level, log::Level::warning) : config.log.level);
}

daemon::PassReport sum(daemon::PassReport a, const daemon::PassReport& b) {
  a.claimed += b.claimed;
  a.young = b.young;
  a.misplaced = b.misplaced;
  a.unclaimed = b.unclaimed;
  a.flux += b.flux;
  a.refused_flux += b.refused_flux;
  a.records += b.records;
  a.routed += b.routed;
  a.remises += b.remises;
  a.delivered += b.delivered;
  a.taken_back += b.taken_back;
  a.deferred += b.deferred;
  a.refused_remises += b.refused_remises;
  a.notified += b.notified;
  for (const auto& failure : b.failures) {
    if (std::find(a.failures.begin(), a.failures.end(), failure) == a.failures.end()) a.failures.push_back(failure);
  }
  for (const auto& incident : b.incidents) {
    if (std::none_of(a.incidents.begin(), a.incidents.end(), [&](const auto& i) { return i.key == incident.key; }))
      a.incidents.push_back(incident);
  }
  return a;
}

std::string summary_of(const daemon::PassReport& r, std::uint64_t refused) {
  return fmt::format(
      "flux     {} answered, {} of them refused whole\n"
      "records  {} read, {} of them refused\n"
      "demandes {} routed\n"
      "remises  {} packed, {} delivered, {} notified{}\n",
      r.flux, r.refused_flux, r.records, refused, r.routed, r.remises, r.delivered, r.notified,
      r.taken_back == 0 ? "" : fmt::format(", {} removed at their lieux", r.taken_back));
}

Json report_json(const daemon::PassReport& r, std::uint64_t refused, const std::vector<std::string>& attention) {
  return {{"flux", r.flux},
          {"flux_refuses", r.refused_flux},
          {"enregistrements", r.records},
          {"enregistrements_refuses", refused},
          {"demandes_routees", r.routed},
          {"remises_composees", r.remises},
          {"remises_livrees", r.delivered},
          {"remises_effacees", r.taken_back},
          {"remises_notifiees", r.notified},
          {"attention", attention},
          {"echecs", r.failures}};
}

void print_report(const daemon::PassReport& r, std::uint64_t refused, const std::vector<std::string>& attention) {
  print(summary_of(r, refused));
  if (attention.empty()) return;
  print(coloured("\nNeeds attention:", Colour::yellow) + "\n");
  for (const std::string& item : attention) print("  " + item + "\n");
}

// Before the first pass adds to it. Where the copy is not older, the option is no event.
void trace_what_is_forgotten(const config::Config& config, Instant now) {
  const auto store = open_for_writing(config);
  const auto unknown = daemon::unknown_work(config, *store);
  if (!unknown.empty()) store->add_trace({store::older_copy, "", text::join(unknown, "; ")}, now);
}

int run(const Invocation& call) {
  const daemon::StopSignals stop;
  const config::Config config = call.config();
  set_log_level(call, config);
  const Instant began = call.clock().now();
  // Only where it is needed: the option by itself is no event.
  const bool anew = call.has("new-database") && daemon::lacks_database(config);
  daemon::Engine engine(config, call.clock(), {anew, call.has("older-database")});
  if (anew) open_for_writing(config)->add_trace({store::begun_anew, "", {}}, began);
  if (call.has("older-database")) trace_what_is_forgotten(config, began);
  if (call.has("trust-clock")) open_for_writing(config)->add_trace({store::Store::clock_trusted, "", {}}, began);
  ProgressBar bar(stderr_is_terminal());
  daemon::PassOptions options;
  options.all = call.has("now");
  options.progress = [&](const daemon::Progress& p) { bar.update(p.stage, p.done, p.total); };

  daemon::PassReport report = engine.pass(options, stop.token());
  if (report.young > 0 && !stop.stopped()) {
    bar.update("waiting for deposits to be complete:", report.young, 0);
    if (stop.sleep(config.spool.stable_after + std::chrono::milliseconds(50))) {
      report = sum(std::move(report), engine.pass(options, stop.token()));
    }
  }
  bar.clear();

  // Not in the pass's report.
  const auto store = open_for_reading(config);
  const std::uint64_t refused = store::refused_records(store->connection(), began);
  const daemon::Events events{report.refused_flux,
                              store::withdrawn_demandes(store->connection(), call.clock().now() - store::lately)};
  std::vector<std::string> attention = daemon::attention(engine.counts(), events, report.incidents);
  if (refused > 0) {
    attention.push_back(fmt::format("{} refused, their sender has the accusé: navette flux list --state partiel",
                                    text::counted(refused, "record")));
  }
  if (report.young > 0) {
    attention.push_back(
        fmt::format("{} still being written: taken by the next pass", text::counted(report.young, "deposit")));
  }
  if (stop.stopped()) attention.emplace_back("stopped before the end: what is left goes with the next pass");
  if (call.json()) {
    print_json(report_json(report, refused, attention));
  } else {
    print_report(report, refused, attention);
  }
  for (const std::string& failure : report.failures) complain(failure);
  if (!report.failures.empty()) return exit_failed;
  return attention.empty() ? exit_done : exit_attention;
}

}  // namespace

Commands run_commands() {
  return {{"run", "", "one pass over everything due, then ends", help, 0, 0, options, run}};
}

}  // namespace navette::cli
