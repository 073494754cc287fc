// The whole state on one screen.
#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/checks.h"
#include "cli/command.h"
#include "cli/main.h"
#include "cli/open_store.h"
#include "cli/rows.h"
#include "cli/spool_look.h"
#include "daemon/attention.h"
#include "daemon/engine.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

constexpr const char* help =
    "Queues with the age of their oldest, what needs a person with the command that tells more, and the\n"
    "next échéances. Looks, and changes nothing; works beside the daemon.\n\n"
    "Examples:\n"
    "  navette status\n"
    "  navette status --json\n";

constexpr std::int64_t echeances_shown = 5;

struct State {
  Instant now;
  std::optional<pid_t> owner;
  store::Counts counts;
  store::Ages ages;
  std::vector<Waiting> deposits;
  std::vector<store::EcheanceRow> echeances;
  std::vector<store::Incident> incidents;
  std::vector<std::string> attention;
};

State look(const Invocation& call, const config::Config& config) {
  State s;
  s.now = call.clock().now();
  s.owner = spool_owner(config.spool.directory);
  const auto store = open_for_reading(config);
  s.counts = store->counts();
  s.ages = store::ages(store->connection(), s.now);
  s.incidents = store->incidents();
  s.echeances = store::list_echeances(store->connection(), false, echeances_shown);
  s.deposits = deposits(config.spool.directory, *store);
  // No pass of ours: what the latest could not do is kept in the store.
  auto told = s.incidents;
  for (auto& i : told) i.text += fmt::format(" (since {})", shown(i.since));
  const daemon::Events events{static_cast<std::uint64_t>(s.ages.flux_refuses),
                              store::withdrawn_demandes(store->connection(), s.now - store::lately)};
  s.attention = daemon::attention(s.counts, events, told);
  if (s.ages.servies_en_partie > 0) {
    s.attention.push_back(fmt::format("{} of which a commune waits for a lieu: navette demandes list --waiting",
                                      counted(s.ages.servies_en_partie, "demande")));
  }
  for (const Waiting& w : s.deposits) {
    if (w.oldest && s.now - *w.oldest > std::chrono::minutes(15)) {
      s.attention.push_back(fmt::format("{} of {} waiting since {}: is navette running? navette check",
                                        text::counted(w.files, "deposit"), w.emetteur, shown_age(*w.oldest, s.now)));
    }
  }
  // Where there is no room nothing can be written down of what was met.
  for (const auto& place : {config.spool.directory, config.state.database.parent_path()}) {
    const Finding room = space_finding(place);
    if (room.health != Health::ok) s.attention.push_back(room.text);
  }
  return s;
}

Json status_json(const State& s, const config::Config& config) {
  const store::Counts& c = s.counts;
  const store::Ages& a = s.ages;
  return {{"version", NAVETTE_VERSION},
          {"le", json_of(s.now)},
          {"base", config.state.database.string()},
          {"processus", s.owner ? Json(*s.owner) : Json(nullptr)},
          {"files",
           {{"flux_recus", c.flux_received},
            {"demandes_a_router", c.unrouted},
            {"demandes_sans_lieu", c.sans_lieu},
            {"demandes_servies_en_partie", a.servies_en_partie},
            {"demandes_retenues", c.held_demandes},
            {"demandes_retirees", a.retirees},
            {"acheminements_a_remettre", c.waiting},
            {"acheminements_retenus", c.held_acheminements},
            {"remises_pretes", c.ready_remises},
            {"remises_retenues", c.held_remises},
            {"notifications_a_envoyer", c.notifications_waiting},
            {"notifications_en_echec", c.notifications_in_trouble},
            {"remises_a_retirer", a.remises_a_retirer},
            {"lieux_suspendus", c.suspended_lieux}}},
          {"depuis",
           {{"flux_recus", json_of(a.flux_recu)},
            {"demandes_sans_lieu", json_of(a.sans_lieu)},
            {"remises_pretes", json_of(a.remise_prete)},
            {"remises_retenues", json_of(a.remise_retenue)},
            {"notifications_a_envoyer", json_of(a.notification)}}},
          {"prochain_depart", json_of(a.prochain_depart)},
          {"dernier_flux", json_of(a.dernier_flux)},
          {"derniere_livraison", json_of(a.derniere_livraison)},
          {"flux_refuses_recents", a.flux_refuses},
          {"depots_en_attente",
           json_array(s.deposits,
                      [](const Waiting& w) {
                        return Json{{"emetteur", w.emetteur}, {"fichiers", w.files}, {"depuis", json_of(w.oldest)}};
                      })},
          {"echeances", json_array(s.echeances,
                                   [](const store::EcheanceRow& e) {
                                     return Json{{"genre", e.genre}, {"objet", e.objet}, {"jour", json_of(e.jour)}};
                                   })},
          {"incidents", json_array(s.incidents,
                                   [](const store::Incident& i) {
                                     return Json{{"texte", i.text}, {"depuis", json_of(i.since)}};
                                   })},
          {"attention", s.attention}};
}

std::string queues(const State& s) {
  Table t;
  t.add_column("QUEUE");
  t.add_column("NOW", Align::right);
  t.add_column("OLDEST", Align::right);
  t.add_column("NEXT");
  const auto row = [&](const char* name, std::uint64_t n, const std::optional<Instant>& since, std::string next = " ") {
    t.add_row({name, std::to_string(n), since && n > 0 ? shown_age(*since, s.now) : "", std::move(next)});
  };
  std::size_t files = 0;
  std::optional<Instant> oldest;
  for (const Waiting& w : s.deposits) {
    files += w.files;
    if (w.oldest && (!oldest || *w.oldest < *oldest)) oldest = w.oldest;
  }
  const store::Counts& c = s.counts;
  row("deposits to take in", files, oldest);
  row("flux to read", c.flux_received, s.ages.flux_recu);
  row("demandes to route", c.unrouted, std::nullopt);
  row("demandes sans lieu", c.sans_lieu, s.ages.sans_lieu);
  row("demandes to pack", c.waiting, std::nullopt,
      c.waiting > 0 ? "leaves: " + shown_next(s.ages.prochain_depart, s.now) : " ");
  row("demandes served in part", static_cast<std::uint64_t>(s.ages.servies_en_partie), std::nullopt);
  row("demandes held", c.held_demandes, std::nullopt);
  row("remises to deliver", c.ready_remises, s.ages.remise_prete);
  row("remises for a person", c.held_remises, s.ages.remise_retenue);
  row("notifications to send", c.notifications_waiting, s.ages.notification);
  row("remises to be picked up", static_cast<std::uint64_t>(s.ages.remises_a_retirer), std::nullopt);
  return t.text(terminal_width());
}

void print_status(const State& s, const config::Config& config) {
  const std::string running =
      s.owner ? fmt::format("running (process {})", *s.owner) : "not running: nothing moves until `run` or `serve`";
  print(facts({{"navette", fmt::format("{}, {}", NAVETTE_VERSION, shown(s.now))},
               {"Process", running},
               {"Spool", config.spool.directory.string()},
               {"Last flux", shown(s.ages.dernier_flux)},
               {"Last delivery", shown(s.ages.derniere_livraison)}}));
  print("\n" + queues(s));
  if (s.attention.empty()) {
    print("\n" + coloured("Nothing needs a person.", Colour::green) + "\n");
  } else {
    print("\n" + coloured("Needs a person:", Colour::yellow) + "\n");
    for (const std::string& item : s.attention) print("  " + text::printable(item) + "\n");
  }
  if (s.echeances.empty()) return;
  print("\nNext échéances:\n");
  for (const auto& e : s.echeances) {
    print(text::printable(fmt::format("  {}  {} of {}", shown(e.jour), e.genre, e.objet)) + "\n");
  }
}

int run(const Invocation& call) {
  const config::Config config = call.config();
  const State state = look(call, config);
  if (call.json()) {
    print_json(status_json(state, config));
  } else {
    print_status(state, config);
  }
  return exit_done;
}

}  // namespace

Commands status_commands() {
  return {{"status", "", "the whole state on one screen", help, 0, 0, json_option, run}};
}

}  // namespace navette::cli
