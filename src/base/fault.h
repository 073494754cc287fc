// Points where a test lets an operation fail, or kills the process: around everything durable (files, SQLite) and
// everything outside (SSH, SMTP). Compiled in with NAVETTE_FAULTS only (presets dev and asan); without it around() is
// the operation and nothing more, not a byte of code. What for: tools/torture.
//
//   NAVETTE_FAULT=N:KIND      the N-th operation that can fail in that way does so; N+: every later one as well
//   NAVETTE_FAULT=N:KIND@NAME counts operations of that name alone: threads that do something else shift no number
//   NAVETTE_FAULT=count:FILE  nothing fails; FILE gets a line an operation, its name and the kinds it knows
//
// Operations are counted for the whole process, whatever the thread; what is struck is told on standard error. An
// operation that another one holds (a write in SQLite, a packet in SSH) is not seen: strace is for these.
#pragma once

#include <cerrno>

namespace navette::fault {

enum class Kind : unsigned {
  none = 0,
  eio = 1U << 0U,
  enospc = 1U << 1U,
  busy = 1U << 2U,       // SQLITE_BUSY
  cut = 1U << 3U,        // "short": half of the bytes are written, then it fails
  lost = 1U << 4U,       // the connection, before the operation
  refused = 1U << 5U,    // the other side did it and says that it did not
  after = 1U << 6U,      // done, but what comes back is a failure
  kill = 1U << 7U,       // SIGKILL right before
  killafter = 1U << 8U,  // and right after
};

// What an operation can meet.
class Kinds {
 public:
  constexpr Kinds(Kind kind) : bits_(static_cast<unsigned>(kind)) {}
  constexpr Kinds operator|(Kinds other) const { return Kinds(bits_ | other.bits_); }
  constexpr bool has(Kind kind) const { return (bits_ & static_cast<unsigned>(kind)) != 0; }

 private:
  constexpr explicit Kinds(unsigned bits) : bits_(bits) {}
  unsigned bits_;
};

inline constexpr Kinds any = Kinds(Kind::after) | Kind::kill | Kind::killafter;
inline constexpr Kinds files = any | Kind::eio | Kind::enospc;
inline constexpr Kinds writes = files | Kind::cut;
inline constexpr Kinds database = files | Kind::busy;
// Within a transaction nothing is durable yet: one failure is as good as another, before as good as after.
inline constexpr Kinds statements = Kinds(Kind::enospc) | Kind::kill;
inline constexpr Kinds connections = any | Kind::lost;

#ifdef NAVETTE_FAULTS

extern const bool armed;
// Counts the operation, which knows `kinds`; what shall happen to it. Does not return from Kind::kill.
Kind strike(const char* name, Kinds kinds);
[[noreturn]] void die();

// operation(), or failure(kind), which returns or throws what the operation does when it fails.
template <typename Operation, typename Failure>
auto around(const char* name, Kinds kinds, const Operation& operation, const Failure& failure) {
  if (!armed) return operation();
  const Kind kind = strike(name, kinds);
  if (kind == Kind::none) return operation();
  if (kind == Kind::after || kind == Kind::killafter) static_cast<void>(operation());
  if (kind == Kind::killafter) die();
  return failure(kind);
}

#else

template <typename Operation, typename Failure>
auto around(const char* /*name*/, Kinds /*kinds*/, const Operation& operation, const Failure& /*failure*/) {
  return operation();
}

#endif

// A system call: -1 and errno.
template <typename Call>
auto system_call(const char* name, const Call& call) {
  return around(name, files, call, [](Kind kind) -> decltype(call()) {
    errno = kind == Kind::enospc ? ENOSPC : EIO;
    return -1;
  });
}

}  // namespace navette::fault
