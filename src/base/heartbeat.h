// A sign of life from inside long work: `serve` feeds the watchdog with it, everybody else ignores it.
#pragma once

namespace navette::heartbeat {

// What beat() calls from now on; any thread may call it. Set once, at start; nullptr: nothing.
void listen(void (*listener)());

// Called by every loop that may last: once a file, a record group, a transaction.
void beat();

}  // namespace navette::heartbeat
