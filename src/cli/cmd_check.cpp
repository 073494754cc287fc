// The preflight.
#include <algorithm>

#include <boost/program_options/value_semantic.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/checks.h"
#include "cli/command.h"
#include "cli/main.h"
#include "cli/output.h"
#include "daemon/stop_signals.h"

namespace navette::cli {
namespace {

constexpr const char* help =
    "Looks at all that navette needs: configuration, directories with owners and modes, database, schemas,\n"
    "stylesheets, fonts, communes, the signature of PDFs, the dépôts of the lieux, the credentials of\n"
    "partners' servers and boxes. One line each: ok, warn or bad, and what to do. Changes nothing. Run it\n"
    "as navette: permissions are those of the account that looks.\n\n"
    "--reach also tries every partner's SFTP server, without delivering: name, connection, host key, login,\n"
    "directory, then a file .navette-essai-… written, renamed and removed as a delivery would be, and says\n"
    "which setting of its profile to change. And the mail server, up to the login: no mail is sent.\n"
    "Versions of conventions that begin later, or are not activated yet, are looked at too; they only warn.\n\n"
    "Exit codes: 0 all ok, 1 something is to be looked at, 2 the configuration is wrong.\n\n"
    "Examples:\n"
    "  sudo -u navette navette check\n"
    "  sudo -u navette navette check --reach\n";

void options(boost::program_options::options_description& o) {
  o.add_options()("reach", "also whether each lieu's channel takes deliveries now");
  json_option(o);
}

const char* name_of(Health h) {
  return h == Health::ok ? "ok" : h == Health::warn ? "warn" : "bad";
}

void print_finding(const Finding& f) {
  const Colour colour = f.health == Health::ok     ? Colour::green
                        : f.health == Health::warn ? Colour::yellow
                                                   : Colour::red;
  print(coloured(fmt::format("{:<4}", name_of(f.health)), colour) + fmt::format("  {:<13}  ", f.subject) +
        text::printable(f.text) + "\n");
}

int run(const Invocation& call) {
  const config::Config config = call.config();
  Findings all;
  const auto add = [&](Findings more) {
    if (!call.json()) std::for_each(more.begin(), more.end(), print_finding);
    std::move(more.begin(), more.end(), std::back_inserter(all));
  };
  add(check_configuration(config, call.config_path()));
  add(check_spool(config));
  add(check_senders(config));
  add(check_database(config));
  add(check_data(config));
  add(check_signature(config, call.clock()));
  add(check_depots(config, call.clock(), call.has("reach")));
  const daemon::StopSignals stop;
  add(check_partners(config, call.clock(), call.has("reach"), stop.token()));
  if (call.json()) {
    Json j = Json::array();
    for (const Finding& f : all) j.push_back({{"etat", name_of(f.health)}, {"sujet", f.subject}, {"texte", f.text}});
    print_json(j);
  }
  const auto wrong = std::count_if(all.begin(), all.end(), [](const Finding& f) { return f.health != Health::ok; });
  if (!call.json()) {
    print(wrong == 0 ? coloured("\nAll is well.", Colour::green) + "\n"
                     : fmt::format("\n{} of {} to be looked at.\n", wrong, all.size()));
  }
  return wrong == 0 ? exit_done : exit_attention;
}

}  // namespace

Commands check_commands() {
  return {{"check", "", "preflight: everything navette needs", help, 0, 0, options, run}};
}

}  // namespace navette::cli
