#include "cli/actor.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "base/text.h"

namespace navette::cli {
namespace {

std::string login_of(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry == nullptr ? std::string() : text::printable(entry->pw_name);
}

}  // namespace

std::optional<uid_t> parse_loginuid(std::string_view content) {
  const std::string_view digits = text::trim(content);
  uid_t uid = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, uid);
  if (digits.empty() || error != std::errc{} || rest != end) return std::nullopt;
  if (uid == std::numeric_limits<uid_t>::max()) return std::nullopt;
  return uid;
}

std::string actor_text(uid_t uid, const std::function<std::string(uid_t)>& name_of) {
  const std::string login = name_of(uid);
  return fmt::format("{} (uid {})", login.empty() ? "?" : login, uid);
}

std::string operator_actor() {
  std::ifstream file("/proc/self/loginuid");
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  return actor_text(parse_loginuid(content).value_or(::getuid()), login_of);
}

}  // namespace navette::cli
