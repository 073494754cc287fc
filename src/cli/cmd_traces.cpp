// The audit journal (R10).
#include <boost/program_options/value_semantic.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/main.h"
#include "cli/open_store.h"
#include "cli/rows.h"
#include "daemon/used_spool.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

using store::TraceRow;

constexpr const char* list_help =
    "Newest first: who did what to which object. navette itself is \"navette\", an operator \"login (uid N)\".\n\n"
    "Examples:\n"
    "  navette traces list --limit 20\n"
    "  navette traces list --object demande:monenfant/D-2026-0001\n";
constexpr const char* verify_help =
    "Walks the whole journal: every row holds a hash of the one before. Prints the number of rows and the\n"
    "hash of the last; keep that one elsewhere (the log has it after every pass) to notice a cut-off end.\n\n"
    "Exit codes: 0 the chain holds, 1 it is broken (where is printed) or empty although\n"
    "navette worked here before, 3 could not look.\n\n"
    "Example:\n"
    "  navette traces verify\n";

void list_traces_options(boost::program_options::options_description& o) {
  o.add_options()("object", boost::program_options::value<std::string>()->value_name("OBJECT"),
                  "of this object alone: flux:TICKET, demande:EMETTEUR/REF, remise:NAME, lieu:LIEU, convention:CAF/NO");
  list_options(o);
}

// The value of --object; empty when it was not given. What an object's name may be is not held against today's state:
// a trace outlives what it tells of.
std::string object_filter(const Invocation& call) {
  if (!call.has("object")) return {};
  std::string object = call.text("object");
  for (const std::string_view kind : {"flux:", "demande:", "remise:", "lieu:", "convention:"}) {
    if (object.size() > kind.size() && object.starts_with(kind)) return object;
  }
  throw UsageError("--object is flux:TICKET, demande:EMETTEUR/REF, remise:NAME, lieu:LIEU or convention:CAF/NUMBER");
}

int list(const Invocation& call) {
  const std::string object = object_filter(call);
  const auto store = open_for_reading(call.config());
  const std::vector<Column<TraceRow>> columns{
      {"ROW", [](const TraceRow& r) { return std::to_string(r.seq); }, Align::right},
      {"WHEN", [](const TraceRow& r) { return shown(r.le); }},
      {"WHO", [](const TraceRow& r) { return r.acteur; }},
      {"WHAT", [](const TraceRow& r) { return r.action; }},
      {"OBJECT", [](const TraceRow& r) { return r.objet; }},
      {"DETAIL", [](const TraceRow& r) { return shown(r.detail); }}};
  show_list(call, store::list_traces(store->connection(), object, probe_limit(call)), columns, [](const TraceRow& r) {
    return Json{{"rang", r.seq},      {"le", json_of(r.le)}, {"acteur", r.acteur},
                {"action", r.action}, {"objet", r.objet},    {"detail", json_of(r.detail)}};
  });
  return exit_done;
}

int verify(const Invocation& call) {
  const config::Config config = call.config();
  const auto store = open_for_reading(config);
  const auto check = store->verify();
  // Not a row, where navette has worked: the database is not the one that saw it.
  const bool lost = check.rows == 0 && !daemon::traces_of_work(config).empty();
  if (call.json()) {
    print_json({{"lignes", check.rows},
                {"intact", !check.broken_at && !lost},
                {"premiere_ligne_fausse", check.broken_at ? Json(*check.broken_at) : Json(nullptr)},
                {"dernier_hash", json_or_null(check.head)}});
  } else if (check.broken_at) {
    print(fmt::format("{}: row {} does not fit the one before, or its detail was changed\n",
                      coloured("the journal is broken", Colour::red), *check.broken_at));
  } else if (lost) {
    print(fmt::format("{}, but navette worked here before: {}\n", coloured("the journal is empty", Colour::red),
                      text::join(daemon::traces_of_work(config), ", ")));
  } else {
    print(fmt::format("{}: {}, last hash {}\n", coloured("the journal is intact", Colour::green),
                      counted(check.rows, "row"), check.head.empty() ? "-" : check.head));
  }
  return check.broken_at || lost ? exit_attention : exit_done;
}

}  // namespace

Commands traces_commands() {
  return {{"traces list", "", "who did what when", list_help, 0, 0, list_traces_options, list},
          {"traces verify", "", "walks the whole journal", verify_help, 0, 0, json_option, verify}};
}

}  // namespace navette::cli
