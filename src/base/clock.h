// Time is passed in: nothing below daemon/ and cli/ asks the system for it.
#pragma once

#include <chrono>

namespace navette {

// UTC, milliseconds since 1970; what the store keeps.
using Instant = std::chrono::sys_time<std::chrono::milliseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Instant now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace navette
