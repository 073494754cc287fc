// Wakes a thread that waits in poll(2), from any other: eventfd(2).
#pragma once

#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/unique_fd.h"

namespace navette {

class Event {
 public:
  Event() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!fd_) throw_errno("eventfd");
  }
  void set() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
  }
  void clear() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(fd_.get(), &count, sizeof count);
  }
  int fd() const { return fd_.get(); }  // readable from set() to clear()

 private:
  UniqueFd fd_;
};

}  // namespace navette
