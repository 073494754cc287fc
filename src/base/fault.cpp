#include "base/fault.h"

#ifdef NAVETTE_FAULTS

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace navette::fault {
namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 9> names = {{
    {Kind::eio, "eio"},
    {Kind::enospc, "enospc"},
    {Kind::busy, "busy"},
    {Kind::cut, "short"},
    {Kind::lost, "lost"},
    {Kind::refused, "refused"},
    {Kind::after, "after"},
    {Kind::kill, "kill"},
    {Kind::killafter, "killafter"},
}};

// NAVETTE_FAULT.
struct Plan {
  unsigned long from = 0;
  bool onwards = false;
  Kind kind = Kind::none;
  std::string_view name;  // empty: whatever its name
  int counts = -1;        // the file that is told of every operation
};

void tell(int fd, const std::string& line) {
  [[maybe_unused]] const auto written = ::write(fd, line.data(), line.size());
}

Plan parse(std::string_view text) {
  constexpr std::string_view count = "count:";
  Plan plan;
  if (text.starts_with(count)) {
    const std::string file(text.substr(count.size()));
    plan.counts = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (plan.counts >= 0) return plan;
  }
  const char* end = text.data() + text.size();
  const char* at = std::from_chars(text.data(), end, plan.from).ptr;
  plan.onwards = at != end && *at == '+';
  if (plan.onwards) ++at;
  const std::string_view rest(at, end);
  const auto split = std::min(rest.find('@'), rest.size());
  for (const auto& [kind, name] : names) {
    if (rest.substr(0, split) == ":" + std::string(name)) plan.kind = kind;
  }
  if (split < rest.size()) plan.name = rest.substr(split + 1);
  if (plan.from == 0 || plan.kind == Kind::none) {
    tell(STDERR_FILENO, fmt::format("NAVETTE_FAULT={}: neither N:KIND, N+:KIND, N:KIND@NAME nor count:FILE\n", text));
    std::_Exit(2);
  }
  return plan;
}

const Plan& plan() {
  const char* text = std::getenv("NAVETTE_FAULT");
  static const Plan the_plan = parse(text != nullptr ? text : "");
  return the_plan;
}

std::atomic<unsigned long> seen{0};

}  // namespace

const bool armed = std::getenv("NAVETTE_FAULT") != nullptr;

Kind strike(const char* name, Kinds kinds) {
  const Plan& p = plan();
  if (p.counts >= 0) {
    std::string line = name;
    for (const auto& [kind, word] : names) {
      if (kinds.has(kind)) line.append(" ").append(word);
    }
    tell(p.counts, line + "\n");
    return Kind::none;
  }
  if (!kinds.has(p.kind) || (!p.name.empty() && p.name != name)) return Kind::none;
  const unsigned long n = ++seen;
  if (n != p.from && !(p.onwards && n > p.from)) return Kind::none;
  const auto errors = errno;
  tell(STDERR_FILENO, fmt::format("fault struck: {} at {}\n", name, n));
  errno = errors;
  if (p.kind == Kind::kill) die();
  return p.kind;
}

void die() {
  static_cast<void>(std::raise(SIGKILL));
  std::abort();  // never reached
}

}  // namespace navette::fault

#endif
