// What the daemon tells systemd (sd_notify(3)). Everything is a no-op when NOTIFY_SOCKET is not set.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace navette::systemd {

// Each returns whether the message went out; false without NOTIFY_SOCKET, or when nobody listens there any more. A
// daemon goes on either way.
bool ready();
bool stopping();
bool watchdog();
// One line for `systemctl status`; control characters are shown escaped, never a person (R9).
bool status(const std::string& line);

// How often systemd expects watchdog() from this process; nothing when it does not. Ping at half of it.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace navette::systemd
