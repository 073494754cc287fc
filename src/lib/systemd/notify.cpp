#include "lib/systemd/notify.h"

#include <cstdint>

#include <systemd/sd-daemon.h>

#include "base/text.h"

namespace navette::systemd {
namespace {

bool send(const std::string& message) {
  constexpr int keep_environment = 0;
  return ::sd_notify(keep_environment, message.c_str()) > 0;
}

}  // namespace

bool ready() {
  return send("READY=1");
}

bool stopping() {
  return send("STOPPING=1");
}

bool watchdog() {
  return send("WATCHDOG=1");
}

bool status(const std::string& line) {
  // A newline would begin another assignment.
  return send("STATUS=" + text::printable(line));
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t microseconds = 0;
  constexpr int keep_environment = 0;
  if (::sd_watchdog_enabled(keep_environment, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(static_cast<std::int64_t>(microseconds));
}

}  // namespace navette::systemd
