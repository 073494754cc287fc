#include "daemon/stop_signals.h"

#include <poll.h>

namespace navette::daemon {
namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

StopSignals::StopSignals() {
  ::sigemptyset(&signals_);
  ::sigaddset(&signals_, SIGTERM);
  ::sigaddset(&signals_, SIGINT);
  if (!is_ignored(SIGHUP)) ::sigaddset(&signals_, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  waiter_ = std::jthread([this](const std::stop_token& ended) { wait(ended); });
}

void StopSignals::wait(const std::stop_token& ended) {
  // The end of the command wakes this thread by a signal of its own, which nobody else sees.
  const std::stop_callback wake(ended, [self = ::pthread_self()] { ::pthread_kill(self, SIGINT); });
  int signal = 0;
  while (::sigwait(&signals_, &signal) == 0 && !ended.stop_requested()) {
    source_.request_stop();
    event_.set();
  }
}

bool StopSignals::sleep(std::chrono::milliseconds time) const {
  pollfd stop{event_.fd(), POLLIN, 0};
  ::poll(&stop, 1, static_cast<int>(time.count()));
  return !stopped();
}

}  // namespace navette::daemon
