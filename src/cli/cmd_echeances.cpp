// Dates by which something must have happened.
#include "cli/command.h"
#include "cli/main.h"
#include "cli/open_store.h"
#include "cli/rows.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

using store::EcheanceRow;

constexpr const char* help =
    "The open ones, soonest first; a delay ends on its day at 24:00 in Paris. Kinds: retrait (the pickup of\n"
    "a remise). --all also shows closed ones: tenue (kept), depassee (picked up too late),\n"
    "sans-preuve (the lieu's profile says that nothing can prove a pickup: never late).\n\n"
    "Example:\n"
    "  navette echeances list\n";

int list(const Invocation& call) {
  const auto store = open_for_reading(call.config());
  const std::string today = model::to_iso(model::paris_day(call.clock().now()));
  const std::vector<Column<EcheanceRow>> columns{
      {"DUE", [](const EcheanceRow& r) { return shown(r.jour); }},
      {"KIND", [](const EcheanceRow& r) { return r.genre; }},
      {"SUBJECT", [](const EcheanceRow& r) { return r.objet; }},
      {"LIEU", [](const EcheanceRow& r) { return r.lieu; }},
      {"STATE", [&](const EcheanceRow& r) {
         return r.etat == "ouverte" && model::to_iso(r.jour) < today ? std::string("late") : r.etat;
       }}};
  show_list(call, store::list_echeances(store->connection(), call.has("all"), probe_limit(call)), columns,
            [](const EcheanceRow& r) {
              return Json{{"genre", r.genre},
                          {"objet", r.objet},
                          {"lieu", json_or_null(r.lieu)},
                          {"jour", json_of(r.jour)},
                          {"etat", r.etat}};
            });
  return exit_done;
}

}  // namespace

Commands echeances_commands() {
  return {{"echeances list", "", "what is due when", help, 0, 0, list_options, list}};
}

}  // namespace navette::cli
