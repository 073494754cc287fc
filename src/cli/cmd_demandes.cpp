// Demandes: where each stands. Nothing of the family is read.
#include <boost/program_options/value_semantic.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/act.h"
#include "cli/command.h"
#include "cli/history.h"
#include "cli/main.h"
#include "cli/open_store.h"
#include "cli/rows.h"
#include "cli/the_lieu.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

using store::DemandeLieu;
using store::DemandeRow;

constexpr const char* list_help =
    "Newest first. States: a-router, sans-lieu (no lieu covers the communes: waits, and leaves by itself\n"
    "when one opens), en-cours, remise (delivered to every lieu found), retenue (held), retiree (withdrawn).\n"
    "One that is delivered may have a commune that still waits for a lieu: --waiting lists these, * marks\n"
    "the commune.\n\n"
    "Examples:\n"
    "  navette demandes list --state sans-lieu\n"
    "  navette demandes list --lieu rpe-gier --json\n";
constexpr const char* show_help =
    "REF is a reference, or EMETTEUR/REFERENCE when several senders use it.\n\n"
    "Example:\n"
    "  navette demandes show D-2026-0001\n";
constexpr const char* retry_help =
    "Looked at again at once: what could not be rendered, what waits for its lieu's hour, what found no\n"
    "lieu. The daemon takes it with its next pass; without a daemon, navette run.\n\n"
    "Example:\n"
    "  sudo -u navette navette demandes retry D-2026-0001\n";
constexpr const char* hold_help =
    "Nothing of it leaves until it is released. When it is in a remise already, that remise is taken apart\n"
    "before its next attempt, and the other demandes leave in a new one. Refused while the remise is leaving,\n"
    "and once the demande is delivered everywhere.\n\n"
    "Example:\n"
    "  sudo -u navette navette demandes hold D-2026-0001 --why \"request of the Caf, ticket 4711\"\n";
constexpr const char* release_help =
    "Ends a hold: an operator's, or that of a demande that could not be rendered.\n\n"
    "Example:\n"
    "  sudo -u navette navette demandes release D-2026-0001\n";

void list_demandes_options(boost::program_options::options_description& o) {
  using boost::program_options::value;
  o.add_options()("state", value<std::string>()->value_name("STATE"),
                  "a-router, sans-lieu, en-cours, remise, retenue or retiree")(
      "lieu", value<std::string>()->value_name("LIEU"), "on their way to this lieu, or there already")(
      "waiting", "served in part: some commune waits for a lieu");
  list_options(o);
}

std::string communes_of(const DemandeRow& r) {
  std::vector<std::string> codes;
  for (const auto& c : r.communes) codes.push_back(c.insee + (c.etat == "attente" ? "*" : ""));
  return text::join(codes, " ");
}

// R11: what is delivered may still be due elsewhere.
std::string waits_of(const DemandeRow& r) {
  std::vector<std::string> codes;
  for (const auto& c : r.communes) {
    if (c.etat == "attente") codes.push_back(c.insee);
  }
  return codes.empty() ? "" : "for a lieu that covers " + text::join(codes, ", ");
}

std::string lieux_of(const DemandeRow& r) {
  std::vector<std::string> lieux;
  for (const auto& l : r.lieux) lieux.push_back(l.lieu + ":" + l.etat);
  return text::join(lieux, " ");
}

std::string why_of(const DemandeRow& r) {
  if (r.retenue) return *r.retenue;
  for (const auto& l : r.lieux) {
    if (!l.motif.empty()) return l.motif;
  }
  return {};
}

Json demande_json(const DemandeRow& r) {
  return {{"emetteur", r.emetteur},
          {"reference", r.reference},
          {"date", json_of(r.jour)},
          {"recue_le", json_of(r.recue_le)},
          {"flux", r.flux},
          {"etat", r.etat},
          {"retenue", json_of(r.retenue)},
          {"communes", json_array(r.communes,
                                  [](const store::DemandeCommune& c) {
                                    return Json{{"insee", c.insee}, {"etat", c.etat}};
                                  })},
          {"lieux", json_array(r.lieux, [](const DemandeLieu& l) {
             return Json{{"lieu", l.lieu},
                         {"etat", l.etat},
                         {"a_partir_de", json_of(l.du)},
                         {"remise", json_of(l.remise)},
                         {"livree_le", json_of(l.livree_le)},
                         {"motif", json_or_null(l.motif)}};
           })}};
}

DemandeRow the_demande(store::Store& store, const std::string& reference) {
  const auto found = store::find_demandes(store.connection(), reference);
  if (found.empty()) {
    const auto refused = store::find_refusees(store.connection(), reference);
    if (refused.empty()) throw UsageError("no demande " + reference + "; see `navette demandes list`");
    throw UsageError(fmt::format("demande {} of {} was refused ({}); see `navette flux show {}`", reference,
                                 refused.front().emetteur, refused.front().code, refused.front().flux));
  }
  if (found.size() > 1) {
    throw UsageError(
        fmt::format("several émetteurs use the reference {0}; give {1}/{0}", reference, found[0].emetteur));
  }
  return found.front();
}

int list(const Invocation& call) {
  const std::string state =
      one_of(call, "state", {"a-router", "sans-lieu", "en-cours", "remise", "retenue", "retiree"});
  const auto store = open_for_reading(call.config());
  const std::vector<Column<DemandeRow>> columns{{"REFERENCE", [](const DemandeRow& r) { return r.reference; }},
                                                {"EMETTEUR", [](const DemandeRow& r) { return r.emetteur; }},
                                                {"DATE", [](const DemandeRow& r) { return shown(r.jour); }},
                                                {"RECEIVED", [](const DemandeRow& r) { return shown(r.recue_le); }},
                                                {"STATE", [](const DemandeRow& r) { return r.etat; }},
                                                {"COMMUNES", communes_of},
                                                {"LIEUX", lieux_of},
                                                {"WHY", why_of}};
  show_list(call,
            store::list_demandes(store->connection(), {state, lieu_filter(call, *store), call.has("waiting")},
                                 probe_limit(call)),
            columns, demande_json);
  return exit_done;
}

int show(const Invocation& call) {
  const auto store = open_for_reading(call.config());
  const DemandeRow r = the_demande(*store, call.argument());
  const std::string object = "demande:" + r.emetteur + "/" + r.reference;
  if (call.json()) {
    Json j = demande_json(r);
    j["historique"] = history_json(*store, object);
    print_json(j);
    return exit_done;
  }
  std::vector<std::string> communes;
  for (const auto& c : r.communes) communes.push_back(c.insee + " (" + c.etat + ")");
  print(facts({{"Demande", r.reference},
               {"From", r.emetteur},
               {"Date", shown(r.jour)},
               {"Received", shown(r.recue_le) + " in flux " + r.flux},
               {"State", r.etat},
               {"Waits", waits_of(r)},
               {"Held", r.retenue.value_or("")},
               {"Communes", text::join(communes, ", ")}}));
  const std::vector<Column<DemandeLieu>> columns{{"LIEU", [](const DemandeLieu& l) { return l.lieu; }},
                                                 {"STATE", [](const DemandeLieu& l) { return l.etat; }},
                                                 {"DUE", [](const DemandeLieu& l) { return shown(l.du); }},
                                                 {"DELIVERED", [](const DemandeLieu& l) { return shown(l.livree_le); }},
                                                 {"REMISE", [](const DemandeLieu& l) { return shown(l.remise); }},
                                                 {"WHY", [](const DemandeLieu& l) { return l.motif; }}};
  if (!r.lieux.empty()) print("\n" + table_of(r.lieux, columns));
  print(history_block(*store, object));
  return exit_done;
}

// The store's words for what does not apply; ours for what does not exist.
int change(const Invocation& call, const char* done,
           void (*act)(store::Store&, const std::string&, const Invocation&)) {
  const auto store = open_for_writing(call.config());
  const DemandeRow before = the_demande(*store, call.argument());
  act(*store, before.emetteur + "/" + before.reference, call);
  const DemandeRow after = the_demande(*store, before.emetteur + "/" + before.reference);
  tell(call, fmt::format("demande {} {}; state: {}", after.reference, done, after.etat), demande_json(after));
  return exit_done;
}

int retry(const Invocation& call) {
  return change(call, "to be looked at again", [](store::Store& s, const std::string& ref, const Invocation& c) {
    s.retry_demande(ref, c.clock().now());
  });
}

int hold(const Invocation& call) {
  static_cast<void>(required_why(call));
  return change(call, "held", [](store::Store& s, const std::string& ref, const Invocation& c) {
    s.hold_demande(ref, required_why(c), c.clock().now());
  });
}

int release(const Invocation& call) {
  return change(call, "released", [](store::Store& s, const std::string& ref, const Invocation& c) {
    s.release_demande(ref, c.clock().now());
  });
}

}  // namespace

Commands demandes_commands() {
  return {{"demandes list", "", "demandes and their states", list_help, 0, 0, list_demandes_options, list},
          {"demandes show", "REF", "one demande: communes, lieux, history", show_help, 1, 1, json_option, show},
          {"demandes retry", "REF", "looks at it again at once", retry_help, 1, 1, json_option, retry},
          {"demandes hold", "REF", "keeps it from leaving (--why)", hold_help, 1, 1, reasoned_act_options, hold},
          {"demandes release", "REF", "ends a hold", release_help, 1, 1, json_option, release}};
}

}  // namespace navette::cli
