// SIGINT and SIGTERM as a stop_token.
#pragma once

#include <chrono>
#include <stop_token>
#include <thread>

namespace navette::cli {

// Blocks both signals for this thread and those it starts later, and waits for them in a thread of its own. A second
// signal changes nothing: the work in hand is finished or rolled back.
class StopOnSignal {
 public:
  StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  ~StopOnSignal() = default;

  std::stop_token token() const { return source_.get_token(); }
  bool stopped() const { return source_.stop_requested(); }
  // False when a stop was asked for meanwhile.
  bool sleep(std::chrono::milliseconds time) const;

 private:
  std::stop_source source_;
  std::jthread waiter_;
};

}  // namespace navette::cli
