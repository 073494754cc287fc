// The daemon.
#include "cli/command.h"
#include "cli/main.h"
#include "daemon/engine.h"

namespace navette::cli {
namespace {

constexpr const char* help =
    "Does what `run` does, again and again: when a deposit is closed or moved in, when something becomes\n"
    "due, at least every [daemon] scan_every. Tells systemd how it is (Type=notify, watchdog). SIGTERM,\n"
    "SIGINT and SIGHUP end it within seconds. Logs to standard error, one line an event;\n"
    "that is all it says, and `status --json` tells how it is.\n\n"
    "Examples:\n"
    "  systemctl start navette\n"
    "  navette -c demo/navette.conf serve\n";

int run(const Invocation& call) {
  const daemon::StopSignals signals;
  const config::Config config = call.config();
  log::set_level(config.log.level);
  daemon::serve(config, call.clock(), signals);
  return exit_done;
}

}  // namespace

Commands serve_commands() {
  return {{"serve", "", "the daemon: a pass whenever something happens", help, 0, 0, nullptr, run}};
}

}  // namespace navette::cli
