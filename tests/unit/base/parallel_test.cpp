#include "base/parallel.h"

#include <condition_variable>

#include <catch2/catch.hpp>

using namespace navette;

TEST_CASE("parallel_for calls each index once, whatever the number of threads") {
  for (const unsigned threads : {0U, 1U, 3U, 64U}) {
    std::vector<std::atomic<int>> calls(20);
    parallel_for(calls.size(), threads, [&](std::size_t i) { ++calls[i]; });
    for (const auto& n : calls) CHECK(n == 1);
  }
  parallel_for(0, 4, [](std::size_t) { FAIL("nothing to do"); });
}

TEST_CASE("parallel_for runs as many calls together as it was told") {
  std::mutex mutex;
  std::condition_variable arrived;
  int inside = 0;
  // Each call waits until all three are inside: less concurrency would never get there.
  parallel_for(3, 3, [&](std::size_t) {
    std::unique_lock lock(mutex);
    ++inside;
    arrived.notify_all();
    if (!arrived.wait_for(lock, std::chrono::seconds(30), [&] { return inside == 3; })) {
      throw std::runtime_error("alone");
    }
  });
  CHECK(inside == 3);
}

TEST_CASE("parallel_for throws the first exception once every call under way has ended") {
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  CHECK_THROWS_WITH(parallel_for(1000, 4,
                                 [&](std::size_t i) {
                                   ++begun;
                                   if (i == 5) {
                                     ++ended;
                                     throw std::runtime_error("five");
                                   }
                                   ++ended;
                                 }),
                    "five");
  CHECK(begun == ended);
}

TEST_CASE("after an exception the calls not begun are left out") {
  int calls = 0;
  CHECK_THROWS(parallel_for(100, 1, [&](std::size_t i) {
    ++calls;
    if (i == 2) throw std::runtime_error("two");
  }));
  CHECK(calls == 3);
}
