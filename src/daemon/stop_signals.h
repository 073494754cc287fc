// SIGTERM, SIGINT and SIGHUP (the end of the terminal or the ssh session it was started from) as a request to stop.
#pragma once

#include <chrono>
#include <stop_token>
#include <thread>

#include <signal.h>

#include "base/event.h"

namespace navette::daemon {

// Made first thing in a command: blocks the signals for this thread and those it starts later, and waits for them in a
// thread of its own. One that came before is not lost. A second signal changes nothing: the work in hand is finished or
// rolled back. A SIGHUP that was ignored at the start (nohup) stays so.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() = default;

  std::stop_token token() const { return source_.get_token(); }
  bool stopped() const { return source_.stop_requested(); }
  int fd() const { return event_.fd(); }  // readable for ever once a stop was asked for
  // False when a stop was asked for meanwhile.
  bool sleep(std::chrono::milliseconds time) const;

 private:
  void wait(const std::stop_token& ended);

  Event event_;
  sigset_t signals_{};
  std::stop_source source_;
  std::jthread waiter_;  // last: joined before what it uses goes
};

}  // namespace navette::daemon
