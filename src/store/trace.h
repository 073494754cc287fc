// The audit journal (R10, R33): append-only rows, each hashed over the one before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "lib/sqlite/connection.h"

namespace navette::store {

struct TraceEntry {
  std::string action;  // "flux.accepte", "remise.livree" …
  std::string object;  // "flux:<ticket>", "remise:<name>", "demande:<emetteur>/<reference>" …
  std::string
      detail;  // key=value words; counts by its salted hash and can be erased without breaking the chain; may be empty
};

// Appends inside the caller's transaction (BEGIN IMMEDIATE: nobody else can write between reading the head and this
// row), so that a change and its trace are one. `actor`: "navette" for the daemon, "login (uid)" for an operator's
// command.
void append_trace(sqlite::Connection& connection, Instant at, const std::string& actor, const TraceEntry& entry);

struct TraceCheck {
  std::int64_t rows = 0;
  std::string head;                       // hash of the last row; keep it elsewhere to notice a cut-off end
  std::optional<std::int64_t> broken_at;  // first row whose hash, number or detail does not fit
};
// Walks the whole journal.
TraceCheck verify_traces(sqlite::Connection& connection);

}  // namespace navette::store
