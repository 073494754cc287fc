// Lieux d'information: what each may receive, and how its deliveries go.
#include <filesystem>

#include <boost/program_options/value_semantic.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "channels/depot_provision.h"
#include "cli/act.h"
#include "cli/command.h"
#include "cli/history.h"
#include "cli/main.h"
#include "cli/open_store.h"
#include "cli/rows.h"
#include "cli/the_lieu.h"
#include "flux/channel_profile.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

using store::LieuRow;

constexpr const char* list_help =
    "By identifiant. OPEN: its convention is in force today. WAITING: demandes for its next remise.\n\n"
    "Example:\n"
    "  navette lieux list\n";
constexpr const char* show_help =
    "Server is the partner's, or our own mail server. Same access: other lieux that are served through the\n"
    "same server and account, and so fail and heal with it.\n\n"
    "Example:\n"
    "  navette lieux show rpe-gier\n";
constexpr const char* suspend_help =
    "Nothing is packed for it nor delivered to it until it is resumed; its demandes wait. The notification of\n"
    "what is delivered already still leaves, and what is withdrawn is removed. For a fault or an incident: a\n"
    "convention is suspended by the Caf, with a habilitations flux.\n\n"
    "Example:\n"
    "  sudo -u navette navette lieux suspend rpe-gier --why \"account compromised, ticket 4712\"\n";
constexpr const char* resume_help =
    "What waited leaves with the next pass.\n\n"
    "Example:\n"
    "  sudo -u navette navette lieux resume rpe-gier\n";
constexpr const char* retry_help =
    "Its server is tried again with the next pass, whatever it did wrong before: once a key, an account or a\n"
    "directory is mended there, or its profile here. So are remises of it that five days of failures held, and\n"
    "recipients of a notification that were refused; its pickups are looked for within a minute.\n\n"
    "Example:\n"
    "  sudo -u navette navette lieux retry rpe-pilat\n";
constexpr const char* provision_help =
    "Run as root. Makes the lieu's directories below [depot] directory, fit for an OpenSSH chroot, or\n"
    "repairs their owners and modes; never touches what they hold. Tells what is missing or wrong (an account,\n"
    "its shell, its groups and who else is in them: with the very commands) and then makes nothing.\n\n"
    "Example:\n"
    "  navette lieux provision rpe-gier\n";

Json lieu_json(const LieuRow& r) {
  return {{"lieu", r.identifiant},
          {"nom", json_or_null(r.nom)},
          {"caf", r.caf},
          {"convention", json_or_null(r.convention)},
          {"version", r.version},
          {"en_vigueur", r.en_vigueur},
          {"canal", json_or_null(r.canal)},
          {"suspendu", json_of(r.suspendu)},
          {"demandes_en_attente", r.en_attente},
          {"remises_en_attente", r.remises_en_attente},
          {"remises_en_cours", r.en_cours},
          {"derniere_livraison", json_of(r.derniere_remise)},
          {"dernier_motif", json_or_null(r.dernier_motif)},
          {"derniere_erreur", json_or_null(r.derniere_erreur)},
          {"erreur_le", json_of(r.erreur_le)},
          {"prochain_essai", json_of(r.prochain_essai)},
          {"retenu", r.retenu.has_value()},
          {"retenu_depuis", json_of(r.retenu)},
          {"regard", r.regard},
          {"regard_le", json_of(r.regard_le)},
          {"communes", r.communes}};
}

// What it waits for, else the last thing that went wrong with its server.
std::string last_error(const LieuRow& r) {
  if (!r.dernier_motif.empty() || r.derniere_erreur.empty()) return r.dernier_motif;
  return fmt::format("{}: {} (over)", shown(r.erreur_le), r.derniere_erreur);
}

// Of its deliveries.
std::string next_try(const LieuRow& r, Instant now) {
  if (r.retenu) return "held";
  return r.suspendu ? "suspended" : shown_next(r.prochain_essai, now);
}

int list(const Invocation& call) {
  const auto store = open_for_reading(call.config());
  const Instant now = call.clock().now();
  const std::vector<Column<LieuRow>> columns{
      {"LIEU", [](const LieuRow& r) { return r.identifiant; }},
      {"CONVENTION", [](const LieuRow& r) { return fmt::format("{}/{}", r.caf, r.convention); }},
      {"OPEN", [](const LieuRow& r) { return std::string(r.en_vigueur ? "yes" : "no"); }},
      {"CHANNEL", [](const LieuRow& r) { return r.canal; }},
      {"WAITING", [](const LieuRow& r) { return std::to_string(r.en_attente); }, Align::right},
      {"REMISES", [](const LieuRow& r) { return std::to_string(r.remises_en_attente); }, Align::right},
      {"LAST DELIVERY", [](const LieuRow& r) { return shown(r.derniere_remise); }},
      {"NEXT TRY", [now](const LieuRow& r) { return next_try(r, now); }},
      {"SUSPENDED", [](const LieuRow& r) { return shown(r.suspendu); }},
      {"LAST ERROR", [](const LieuRow& r) { return r.dernier_motif; }},
      {"NAME", [](const LieuRow& r) { return r.nom; }}};
  show_list(call, store::list_lieux(store->connection(), model::paris_day(now), probe_limit(call)), columns, lieu_json);
  return exit_done;
}

// How its channel reaches it, from the profile that its convention carries.
struct Reached {
  std::string server{};      // host:port; empty: none (a dépôt, or mails are files in courriels/)
  std::string protection{};  // of its mails, as the profile has it: smime, pdf, clair
  std::string by{};          // name of the certificate or password for that
};

Reached reached(const LieuRow& r, const config::Mail& mail) {
  if (r.canal == "sftp") {
    const auto p = flux::read_sftp_profile(r.profil);
    return {fmt::format("{}:{}", p.host, p.port)};
  }
  if (r.canal != "courriel") return {};
  const auto p = flux::read_courriel_profile(r.profil);
  const std::string server = mail.host.empty() ? "" : fmt::format("{}:{}", mail.host, mail.port);
  switch (p.protection) {
    case model::Protection::smime:
      return {server, "smime", p.credential};
    case model::Protection::pdf:
      return {server, "pdf", p.credential};
    case model::Protection::none:
      break;
  }
  return {"", "clair"};  // its remises lie in the dépôt
}

std::string server_of(const LieuRow& r, const Reached& at) {
  if (r.canal == "courriel" && at.protection != "clair")
    return at.server.empty() ? "no mail server: mails are files in courriels/" : "our mail server, " + at.server;
  return at.server;
}

std::string protection_of(const Reached& at) {
  if (at.protection == "smime") return "S/MIME, to the certificate " + at.by;
  if (at.protection == "pdf") return "PDF with the password " + at.by;
  return at.protection.empty() ? "" : "in clear: mails only say that a remise waits in the dépôt";
}

// What the latest look for its pickups could not do.
std::string pickups_of(const LieuRow& r) {
  if (r.regard.empty()) return "";
  const std::string next = r.regard_le ? fmt::format("{}; again an hour later, or soon after: navette lieux retry {}",
                                                     shown(r.regard_le), r.identifiant)
                                       : "again with one of the next passes";
  return fmt::format("{} ({})", text::join(r.regard, "; "), next);
}

// A mail server may serve a thousand.
std::string some_of(const std::vector<std::string>& lieux) {
  constexpr std::size_t named = 10;
  if (lieux.size() <= named) return text::join(lieux, " ");
  return fmt::format("{} and {} more", text::join({lieux.begin(), lieux.begin() + named}, " "), lieux.size() - named);
}

int show(const Invocation& call) {
  const config::Config config = call.config();
  const auto store = open_for_reading(config);
  const LieuRow r = the_lieu(*store, call.argument(), call.clock());
  const Reached at = reached(r, config.mail);
  const auto same =
      store::lieux_of_same_access(store->connection(), r.identifiant, model::paris_day(call.clock().now()));
  if (call.json()) {
    Json j = lieu_json(r);
    j["serveur"] = json_or_null(at.server);
    j["protection"] = json_or_null(at.protection);
    j["meme_acces"] = same;
    j["historique"] = history_json(*store, "lieu:" + r.identifiant);
    print_json(j);
    return exit_done;
  }
  print(facts({{"Lieu", r.identifiant},
               {"Name", r.nom},
               {"Convention", fmt::format("{}/{}, version {}", r.caf, r.convention, r.version)},
               {"Open today", r.en_vigueur ? "yes" : "no (navette conventions show " + r.convention + ")"},
               {"Suspended", r.suspendu.value_or("")},
               {"Channel", r.canal},
               {"Server", server_of(r, at)},
               {"Same access", some_of(same)},
               {"Protection", protection_of(at)},
               {"Communes", text::join(r.communes, " ")},
               {"Waiting", fmt::format("{}, {}", text::counted(r.en_attente, "demande"),
                                       text::counted(r.remises_en_attente, "remise"))},
               {"Last delivery", shown(r.derniere_remise)},
               {"Pickups", pickups_of(r)},
               {"Last error", last_error(r)},
               {"Next try", r.retenu           ? fmt::format("held since {}: once mended, navette lieux retry {}",
                                                             shown(r.retenu), r.identifiant)
                            : r.prochain_essai ? shown_next(r.prochain_essai, call.clock().now())
                                               : ""}}));
  print(history_block(*store, "lieu:" + r.identifiant));
  return exit_done;
}

// `done`: what is told after the lieu's name.
int change(const Invocation& call, const std::function<std::string(const LieuRow&)>& done,
           void (*act)(store::Store&, const std::string&, const Invocation&)) {
  const auto store = open_for_writing(call.config());
  const std::string lieu = the_lieu(*store, call.argument(), call.clock()).identifiant;
  act(*store, lieu, call);
  const LieuRow after = the_lieu(*store, lieu, call.clock());
  tell(call, "lieu " + lieu + done(after), lieu_json(after));
  return exit_done;
}

int suspend(const Invocation& call) {
  static_cast<void>(required_why(call));
  const auto done = [](const LieuRow& lieu) {
    return fmt::format(
        " suspended: no remise leaves for it until `navette lieux resume {}`; the notification of what is delivered "
        "already still leaves{}",
        lieu.identifiant,
        lieu.en_cours == 0 ? "" : "; an attempt is under way, or was cut short: what it delivers stays delivered");
  };
  return change(call, done, [](store::Store& s, const std::string& lieu, const Invocation& c) {
    s.suspend_lieu(lieu, required_why(c), c.clock().now());
  });
}

int resume(const Invocation& call) {
  return change(
      call,
      [&](const LieuRow& lieu) {
        return " resumed: what waited leaves with the next pass" + closed_hours(lieu, call.clock().now());
      },
      [](store::Store& s, const std::string& lieu, const Invocation& c) { s.resume_lieu(lieu, c.clock().now()); });
}

int retry(const Invocation& call) {
  return change(
      call,
      [&](const LieuRow& lieu) {
        if (lieu.suspendu)
          return fmt::format(": tried again once it is no longer suspended: navette lieux resume {}", lieu.identifiant);
        return ": tried again with the next pass" + closed_hours(lieu, call.clock().now());
      },
      [](store::Store& s, const std::string& lieu, const Invocation& c) { s.retry_lieu(lieu, c.clock().now()); });
}

int provision(const Invocation& call) {
  const config::Config config = call.config();
  // Before the first pass there is no list of lieux to hold the name against.
  if (std::filesystem::exists(config.state.database))
    the_lieu(*open_for_reading(config), call.argument(), call.clock());
  channels::DepotPlan plan;
  plan.root = config.depot.directory;
  const auto changes = channels::provision_depot(plan, call.argument());
  const std::string depot = (plan.root / call.argument()).string();
  if (!call.json()) {
    for (const std::string& change : changes) print(text::printable(change) + "\n");
  }
  tell(call, depot + " is ready" + (changes.empty() ? "; nothing had to change" : ""),
       {{"lieu", call.argument()}, {"depot", depot}, {"changements", changes}});
  // R10. Provisioning may come before the first pass: then there is no journal yet.
  if (!changes.empty() && std::filesystem::exists(config.state.database)) {
    open_for_writing(config)->add_trace({"lieu.depot", "lieu:" + call.argument(), text::join(changes, "; ")},
                                        call.clock().now());
  }
  return exit_done;
}

}  // namespace

Commands lieux_commands() {
  return {{"lieux list", "", "lieux: open or not, what waits, last delivery", list_help, 0, 0, list_options, list},
          {"lieux show", "LIEU", "one lieu and its history", show_help, 1, 1, json_option, show},
          {"lieux suspend", "LIEU", "no remise leaves for it any more (--why)", suspend_help, 1, 1,
           reasoned_act_options, suspend},
          {"lieux resume", "LIEU", "ends a suspension", resume_help, 1, 1, json_option, resume},
          {"lieux retry", "LIEU", "tries its server again", retry_help, 1, 1, json_option, retry},
          {"lieux provision", "LIEU", "makes its dépôt (as root)", provision_help, 1, 1, json_option, provision}};
}

}  // namespace navette::cli
