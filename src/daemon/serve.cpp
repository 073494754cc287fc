#include <algorithm>
#include <array>

#include <poll.h>

#include "base/error.h"
#include "base/heartbeat.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/engine.h"
#include "daemon/inbox_watch.h"
#include "lib/systemd/notify.h"

namespace navette::daemon {
namespace {

using std::chrono::milliseconds;

// After a pass that could not do what is due: not again at once.
constexpr milliseconds pause_when_stuck = std::chrono::seconds(30);

std::string status_line(const store::Counts& c) {
  return fmt::format("{} waiting, {} sans-lieu, {} to deliver, {} held", c.waiting, c.sans_lieu,
                     text::counted(c.ready_remises, "remise"), c.held_remises);
}

class Server {
 public:
  Server(const config::Config& config, const Clock& clock, const StopSignals& signals)
      : config_(config), clock_(clock), signals_(signals), engine_(config, clock), watch_(engine_.arrivee()) {}

  void run() {
    heartbeat::listen([] { systemd::watchdog(); });
    systemd::ready();
    log::notice("serve.ready", {{"spool", config_.spool.directory.string()}});
    const auto stop = signals_.token();
    while (!stop.stop_requested()) {
      const PassReport report = one_pass(stop);
      if (stop.stop_requested()) break;
      if (!report.more) wait(pause_after(report));
    }
    systemd::stopping();
    log::notice("serve.stopped");
  }

 private:
  PassReport one_pass(const std::stop_token& stop) {
    PassOptions options;
    watch_.take(seen_);
    options.seen = seen_;
    seen_.closed.clear();
    options.wait_for_deliveries = false;
    options.alert = true;
    options.progress = [](const Progress&) { systemd::watchdog(); };
    try {
      PassReport report = engine_.pass(options, stop);
      tell(status_line(engine_.counts()));
      return report;
    } catch (const ClockError& e) {  // whoever sets it need not know of us: looked at again at the next wake
      log::error("clock.refused", {{"error", describe(e)}});
      tell("no work: the machine's clock is behind the journal");
      return {};
    }
  }

  // A line that finds the manager's queue full is told while waiting: the next pass may be a minute away.
  void tell(std::string status) {
    untold_ = std::move(status);
    if (systemd::status(untold_)) untold_.clear();
  }

  milliseconds pause_after(const PassReport& report) {
    milliseconds pause = config_.daemon.scan_every;
    if (report.young > 0) pause = std::min(pause, std::max(config_.spool.stable_after, milliseconds(100)));
    const milliseconds due = engine_.next_due() - clock_.now();
    return std::min(pause, due > milliseconds(0) ? due : pause_when_stuck);
  }

  // Until a deposit, a signal, the end of a delivery, of a mail or of `pause`; the watchdog is fed meanwhile.
  void wait(milliseconds pause) {
    const auto end = std::chrono::steady_clock::now() + pause;
    const auto events = engine_.events();
    std::array<pollfd, 4> fds{{{watch_.fd(), POLLIN, 0},
                               {signals_.fd(), POLLIN, 0},
                               {events[0]->fd(), POLLIN, 0},
                               {events[1]->fd(), POLLIN, 0}}};
    while (true) {
      systemd::watchdog();
      if (!untold_.empty()) tell(untold_);
      auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
      if (left <= milliseconds(0)) return;
      // A beat that finds the manager's queue full is lost: others follow in time.
      if (const auto interval = systemd::watchdog_interval())
        left = std::min(left, std::chrono::ceil<milliseconds>(*interval / 4));
      if (::poll(fds.data(), fds.size(), static_cast<int>(std::min<std::int64_t>(left.count(), 60'000))) <= 0) continue;
      const bool woken = std::any_of(fds.begin() + 1, fds.end(), [](const pollfd& fd) { return fd.revents != 0; });
      // A pass that cannot run is not asked for again at once.
      for (std::size_t i = 0; i < events.size(); ++i) {
        if (fds[fds.size() - events.size() + i].revents != 0) events[i]->clear();
      }
      if (woken || watch_.take(seen_)) return;
    }
  }

  const config::Config& config_;
  const Clock& clock_;
  const StopSignals& signals_;
  Engine engine_;
  InboxWatch watch_;
  stages::SeenDeposits seen_;
  std::string untold_;
};

}  // namespace

void serve(const config::Config& config, const Clock& clock, const StopSignals& signals) {
  Server(config, clock, signals).run();
}

}  // namespace navette::daemon
