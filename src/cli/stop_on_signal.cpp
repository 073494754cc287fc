#include "cli/stop_on_signal.h"

#include <condition_variable>
#include <csignal>
#include <ctime>
#include <mutex>

namespace navette::cli {

StopOnSignal::StopOnSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter_ = std::jthread([this, set](const std::stop_token& ended) {
    constexpr timespec slice{0, 100'000'000};  // so often it looks whether the command has ended
    while (!ended.stop_requested()) {
      if (::sigtimedwait(&set, nullptr, &slice) > 0) source_.request_stop();
    }
  });
}

bool StopOnSignal::sleep(std::chrono::milliseconds time) const {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, source_.get_token(), time, [] { return false; });
  return !stopped();
}

}  // namespace navette::cli
