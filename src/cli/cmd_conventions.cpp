// Conventions and their versions, as habilitations flux brought them.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/history.h"
#include "cli/main.h"
#include "cli/open_store.h"
#include "cli/rows.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

using model::Convention;
using store::ConventionRow;
using store::InForce;

constexpr const char* list_help =
    "By Caf and number. VERSION: the one in force today, else the latest; WHY: why none is.\n\n"
    "Example:\n"
    "  navette conventions list\n";
constexpr const char* show_help =
    "NUMBER, or CAF/NUMBER when several Caf use it. Shows every version (avenants), who is habilitated\n"
    "today and the lieux with their communes. Since it names persons, the reading is traced\n"
    "(convention.lue); refused when the trace cannot be written.\n\n"
    "Examples:\n"
    "  navette conventions show CLI2025_00012\n"
    "  navette conventions show 421/CLI2025_00012 --json\n";

Json row_json(const ConventionRow& r) {
  return {{"caf", r.caf},          {"convention", r.numero},     {"type", r.type},
          {"version", r.version},  {"versions", r.versions},     {"partenaire", r.partenaire},
          {"siret", r.siret},      {"signee", r.signee},         {"activee", json_of(r.activee)},
          {"fin", json_of(r.fin)}, {"en_vigueur", r.en_vigueur}, {"motif", json_or_null(r.motif)},
          {"lieux", r.lieux}};
}

int list(const Invocation& call) {
  const auto store = open_for_reading(call.config());
  const std::vector<Column<ConventionRow>> columns{
      {"CONVENTION", [](const ConventionRow& r) { return r.caf + "/" + r.numero; }},
      {"TYPE", [](const ConventionRow& r) { return r.type; }},
      {"VERSION", [](const ConventionRow& r) { return std::to_string(r.version); }, Align::right},
      {"IN FORCE", [](const ConventionRow& r) { return std::string(r.en_vigueur ? "yes" : "no"); }},
      {"SIGNED", [](const ConventionRow& r) { return r.signee; }},
      {"ACTIVATED", [](const ConventionRow& r) { return shown(r.activee); }},
      {"ENDS", [](const ConventionRow& r) { return shown(r.fin); }},
      {"LIEUX", [](const ConventionRow& r) { return std::to_string(r.lieux); }, Align::right},
      {"PARTNER", [](const ConventionRow& r) { return r.partenaire; }},
      {"WHY", [](const ConventionRow& r) { return r.motif; }}};
  show_list(call, store::list_conventions(store->connection(), model::paris_day(call.clock().now()), probe_limit(call)),
            columns, row_json);
  return exit_done;
}

Json personne_json(const model::Personne& p) {
  return {{"numero", p.numero},     {"civilite", p.civilite}, {"nom", p.nom},          {"prenom", p.prenom},
          {"courriel", p.courriel}, {"role", p.role},         {"du", json_of(p.from)}, {"au", json_of(p.to)}};
}

Json version_json(const Convention& v, const InForce& f) {
  const model::Annexe& a = v.annexe;
  return {{"version", v.version},
          {"en_vigueur", f.today},
          {"en_vigueur_du", f.interval ? json_of(f.interval->from) : Json(nullptr)},
          {"en_vigueur_au", f.interval ? json_of(f.interval->to) : Json(nullptr)},
          {"motif", json_or_null(f.motif)},
          {"signee", json_of(a.signed_on)},
          {"activee", json_of(v.activated_on)},
          {"effet", json_of(a.effective_from)},
          {"suspendue", v.suspension ? json_of(v.suspension->from) : Json(nullptr)},
          {"fin", v.termination ? json_of(v.termination->last_day) : Json(nullptr)},
          {"fin_cause", v.termination ? Json(model::to_string(v.termination->cause)) : Json(nullptr)},
          {"partenaire", a.partenaire.nom},
          {"siret", a.partenaire.siret},
          {"adresse", json_or_null(a.partenaire.adresse)},
          {"delai_retrait", a.pickup_days},
          {"conservation", a.retention_months},
          {"cadence", model::to_string(a.cadence)},
          {"communes", a.communes},
          {"personnes", json_array(a.personnes, personne_json)},
          {"lieux", json_array(a.lieux,
                               [](const model::Lieu& l) {
                                 return Json{{"lieu", l.identifiant},
                                             {"nom", l.nom},
                                             {"canal", model::kind_of(l.channel)},
                                             {"communes", l.communes}};
                               })},
          {"etablissements", json_array(a.etablissements, [](const model::Etablissement& e) {
             return Json{{"identifiant", e.identifiant},
                         {"nom", e.nom},
                         {"type", e.type},
                         {"commune", e.commune},
                         {"ouvertures", e.ouvertures}};
           })}};
}

std::string versions_table(const std::vector<Convention>& versions, const std::vector<InForce>& in_force) {
  Table t;
  for (const char* header : {"VERSION", "SIGNED", "ACTIVATED", "EFFECT", "IN FORCE FROM", "TO", "TODAY", "WHY"}) {
    t.add_column(header);
  }
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const Convention& v = versions[i];
    const InForce& f = in_force[i];
    t.add_row({std::to_string(v.version), shown(v.annexe.signed_on), shown(v.activated_on),
               shown(v.annexe.effective_from), f.interval ? shown(f.interval->from) : "",
               f.interval ? shown(f.interval->to) : "", f.today ? "yes" : "no", f.motif});
  }
  return t.text(terminal_width());
}

// The version that counts today, else the latest.
std::string annexe_text(const Convention& v, model::Day today) {
  const std::vector<Column<model::Personne>> personnes{
      {"PERSON", [](const model::Personne& p) { return p.numero; }},
      {"NAME", [](const model::Personne& p) { return p.civilite + " " + p.prenom + " " + p.nom; }},
      {"E-MAIL", [](const model::Personne& p) { return p.courriel; }},
      {"ROLE", [](const model::Personne& p) { return p.role; }},
      {"FROM", [](const model::Personne& p) { return shown(p.from); }},
      {"TO", [](const model::Personne& p) { return shown(p.to); }},
      {"TODAY", [today](const model::Personne& p) {
         return std::string(model::Interval{p.from, p.to}.contains(today) ? "yes" : "no");
       }}};
  const std::vector<Column<model::Lieu>> lieux{
      {"LIEU", [](const model::Lieu& l) { return l.identifiant; }},
      {"CHANNEL", [](const model::Lieu& l) { return std::string(model::kind_of(l.channel)); }},
      {"COMMUNES", [](const model::Lieu& l) { return text::join(l.communes, " "); }},
      {"NAME", [](const model::Lieu& l) { return l.nom; }}};
  std::string out = table_of(v.annexe.personnes, personnes);
  if (!v.annexe.lieux.empty()) out += "\n" + table_of(v.annexe.lieux, lieux);
  return out;
}

int show(const Invocation& call) {
  const config::Config config = call.config();
  const auto store = open_for_reading(config);
  const Instant now = call.clock().now();
  const model::Day today = model::paris_day(now);
  const auto found = store::find_conventions(store->connection(), call.argument(), today);
  if (found.empty()) throw UsageError("no convention " + call.argument() + "; see `navette conventions list`");
  if (found.size() > 1) {
    throw UsageError(
        fmt::format("several Caf use the number {}; give {}/{}", found[0].numero, found[0].caf, found[0].numero));
  }
  const ConventionRow& row = found.front();
  const auto versions = store->convention_versions(row.caf, row.numero);
  const auto in_force = store::in_force_of(versions, today);
  const std::string object = fmt::format("convention:{}/{}", row.caf, row.numero);
  trace_reading(config, "convention.lue", object, now);
  if (call.json()) {
    Json j = row_json(row);
    j["detail"] = Json::array();
    for (std::size_t i = 0; i < versions.size(); ++i) j["detail"].push_back(version_json(versions[i], in_force[i]));
    j["historique"] = history_json(*store, object);
    print_json(j);
    return exit_done;
  }
  const Convention& v = versions.at(static_cast<std::size_t>(std::max<std::int64_t>(row.version, 1) - 1));
  print(facts({{"Convention", row.caf + "/" + row.numero},
               {"Type", row.type},
               {"Partner", fmt::format("{} (SIRET {})", row.partenaire, row.siret)},
               {"Address", v.annexe.partenaire.adresse},
               {"In force", row.en_vigueur ? "yes" : "no: " + row.motif},
               {"Cadence", model::to_string(v.annexe.cadence)},
               {"Pickup within", fmt::format("{} days", v.annexe.pickup_days)},
               {"Kept for", fmt::format("{} months", v.annexe.retention_months)}}));
  print("\n" + versions_table(versions, in_force) + "\n" + annexe_text(v, today) + history_block(*store, object));
  return exit_done;
}

}  // namespace

Commands conventions_commands() {
  return {
      {"conventions list", "", "conventions: in force or why not", list_help, 0, 0, list_options, list},
      {"conventions show", "NUMBER", "one convention: versions, persons, lieux", show_help, 1, 1, json_option, show}};
}

}  // namespace navette::cli
