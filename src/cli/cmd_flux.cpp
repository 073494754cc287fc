// What was received, and how it was answered.
#include <boost/program_options/value_semantic.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/main.h"
#include "cli/open_store.h"
#include "cli/rows.h"
#include "model/refusal.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

using store::FluxRow;
using store::RefusRow;

constexpr const char* list_help =
    "Newest first. States: recu (not read yet), accepte, partiel (some records refused), refuse, doublon.\n\n"
    "Examples:\n"
    "  navette flux list --state refuse\n"
    "  navette flux list --emetteur monenfant --limit 20 --json\n";
constexpr const char* show_help =
    "ID is a ticket (navette flux list), or EMETTEUR/IDENTIFIANT of an accepted flux. Shows the answer\n"
    "and every refused record: code, line, column, path. Never a value of the flux.\n\n"
    "Examples:\n"
    "  navette flux show 20261122T051003Z-1f2e3d4c\n"
    "  navette flux show monenfant/MEF-2026-11-20-001\n";

void list_flux_options(boost::program_options::options_description& o) {
  using boost::program_options::value;
  o.add_options()("state", value<std::string>()->value_name("STATE"), "recu, accepte, partiel, refuse or doublon")(
      "emetteur", value<std::string>()->value_name("NAME"), "of this sender alone");
  list_options(o);
}

std::string label_of(const std::string& code) {
  const auto parsed = model::parse_code(code);
  return parsed ? std::string(model::label(*parsed)) : std::string();
}

Json flux_json(const FluxRow& r) {
  Json j{{"ticket", r.ticket},
         {"emetteur", r.emetteur},
         {"fichier", r.nom},
         {"recu_le", json_of(r.recu_le)},
         {"octets", r.taille},
         {"etat", r.etat},
         {"type", json_of(r.type)},
         {"identifiant", json_of(r.identifiant)},
         {"code", json_of(r.code)},
         {"ligne", r.ligne > 0 ? Json(r.ligne) : Json(nullptr)},
         {"colonne", r.colonne > 0 ? Json(r.colonne) : Json(nullptr)},
         {"chemin", json_or_null(r.chemin)},
         {"recus", r.recus},
         {"acceptes", r.acceptes},
         {"doublons", r.doublons},
         {"refuses", r.refuses},
         {"traite_le", json_of(r.traite_le)},
         {"accuse", json_of(r.accuse)}};
  return j;
}

Json refus_json(const RefusRow& r) {
  return {{"rang", r.rang},
          {"genre", r.doublon ? "doublon" : "refus"},
          {"reference", json_or_null(r.reference)},
          {"code", r.code},
          {"libelle", label_of(r.code)},
          {"ligne", r.ligne},
          {"colonne", r.colonne},
          {"chemin", r.chemin}};
}

// The value of --emetteur; empty when it was not given. One that is neither configured nor ever sent anything is an
// error, not an empty list.
std::string emetteur_filter(const Invocation& call, const config::Config& config, store::Store& store) {
  if (!call.has("emetteur")) return {};
  std::string name = call.text("emetteur");
  if (config.emetteurs.count(name) == 0 &&
      (name.empty() || store::list_flux(store.connection(), {"", name}, 1).empty())) {
    throw UsageError("no émetteur " + name + ": it is not in the configuration and never sent a flux");
  }
  return name;
}

int list(const Invocation& call) {
  const std::string state = one_of(call, "state", {"recu", "accepte", "partiel", "refuse", "doublon"});
  const config::Config config = call.config();
  const auto store = open_for_reading(config);
  const std::string emetteur = emetteur_filter(call, config, *store);
  const std::vector<Column<FluxRow>> columns{
      {"TICKET", [](const FluxRow& r) { return r.ticket; }},
      {"RECEIVED", [](const FluxRow& r) { return shown(r.recu_le); }},
      {"EMETTEUR", [](const FluxRow& r) { return r.emetteur; }},
      {"TYPE", [](const FluxRow& r) { return shown(r.type); }},
      {"IDENTIFIANT", [](const FluxRow& r) { return shown(r.identifiant); }},
      {"STATE", [](const FluxRow& r) { return r.etat; }},
      {"RECORDS", [](const FluxRow& r) { return std::to_string(r.recus); }, Align::right},
      {"REFUSED", [](const FluxRow& r) { return std::to_string(r.refuses); }, Align::right},
      {"CODE", [](const FluxRow& r) { return shown(r.code); }},
      {"FILE", [](const FluxRow& r) { return r.nom; }}};
  show_list(call, store::list_flux(store->connection(), {state, emetteur}, probe_limit(call)), columns, flux_json);
  return exit_done;
}

void print_flux(const FluxRow& r, const std::vector<RefusRow>& refused, const config::Config& config) {
  const std::string place = r.ligne > 0 ? fmt::format("line {}, column {}, {}", r.ligne, r.colonne, r.chemin) : "";
  const auto accuse = r.accuse ? (config.spool.directory / "accuses" / r.emetteur / *r.accuse).string() : "";
  print(facts({{"Flux", r.ticket},
               {"From", r.emetteur},
               {"File", fmt::format("{} ({})", r.nom, shown_bytes(r.taille))},
               {"Type", r.type.value_or("")},
               {"Identifiant", r.identifiant.value_or("")},
               {"Received", shown(r.recu_le)},
               {"Answered", shown(r.traite_le)},
               {"State", r.etat},
               {"Why", r.code ? *r.code + ": " + label_of(*r.code) : ""},
               {"Where", place},
               {"Records", fmt::format("{} received, {} accepted, {} duplicates, {} refused", r.recus, r.acceptes,
                                       r.doublons, r.refuses)},
               {"Accusé", accuse}}));
  if (refused.empty()) return;
  const std::vector<Column<RefusRow>> columns{
      {"RECORD", [](const RefusRow& x) { return std::to_string(x.rang); }, Align::right},
      {"REFERENCE", [](const RefusRow& x) { return x.reference; }},
      {"CODE", [](const RefusRow& x) { return x.code; }},
      {"LINE:COL", [](const RefusRow& x) { return fmt::format("{}:{}", x.ligne, x.colonne); }},
      {"PATH", [](const RefusRow& x) { return x.chemin; }},
      {"MEANING", [](const RefusRow& x) { return label_of(x.code); }}};
  print("\n" + table_of(refused, columns));
}

int show(const Invocation& call) {
  const config::Config config = call.config();
  const auto store = open_for_reading(config);
  const auto row = store::find_flux(store->connection(), call.argument());
  if (!row) throw UsageError("no flux " + call.argument() + "; see `navette flux list`");
  auto refused = store::list_refus(store->connection(), row->id, probe_limit(call));
  if (call.limit() >= 0 && static_cast<std::int64_t>(refused.size()) > call.limit()) {
    refused.pop_back();
    remark(fmt::format("navette: {} records are refused; --all shows every one", row->refuses + row->doublons));
  }
  if (call.json()) {
    Json j = flux_json(*row);
    j["libelle"] = row->code ? Json(label_of(*row->code)) : Json(nullptr);
    j["enregistrements"] = json_array(refused, refus_json);
    print_json(j);
  } else {
    print_flux(*row, refused, config);
  }
  return exit_done;
}

}  // namespace

Commands flux_commands() {
  return {{"flux list", "", "flux received, with their answers", list_help, 0, 0, list_flux_options, list},
          {"flux show", "ID", "one flux and its refused records", show_help, 1, 1, list_options, show}};
}

}  // namespace navette::cli
