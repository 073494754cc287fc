// What the daemon tells systemd (sd_notify(3)). Everything is a no-op when NOTIFY_SOCKET is not set.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace navette::systemd {

// Each returns whether the message went out; false without NOTIFY_SOCKET, when nobody listens there any more, or when
// the manager's queue is full. A daemon goes on either way: none of them waits but ready().

// The one message that must not be lost: a manager that never hears it ends the daemon when its start takes too long.
// Waits for room in the queue; throws Error when there is none after `patience`.
bool ready(std::chrono::milliseconds patience = std::chrono::seconds(30));
bool stopping();
bool watchdog();
// One line for `systemctl status`; control characters are shown escaped, never a person (R9).
bool status(const std::string& line);

// How often systemd expects watchdog() from this process; nothing when it does not. Ping at a
// quarter of it, so that one that was lost is made up for.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace navette::systemd
