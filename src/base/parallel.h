// A bounded pool for one loop.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace navette {

// Calls work(i) for i in [0, count), at most `threads` at a time, in no fixed order; returns when all have ended. The
// first exception is thrown here, after the calls under way; calls not begun by then are left out.
inline void parallel_for(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr first;
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
        next = count;
      }
    }
  };
  std::vector<std::jthread> pool;
  for (std::size_t i = 1; i < std::min<std::size_t>(threads, count); ++i) pool.emplace_back(run);
  run();
  pool.clear();
  if (first) std::rethrow_exception(first);
}

}  // namespace navette
