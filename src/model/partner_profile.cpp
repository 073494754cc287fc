#include "model/partner_profile.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "model/civil_time.h"

namespace navette::model {
namespace {

// Without what changes nothing: a "/" at the end or twice, a component ".".
std::string plain(std::string_view directory) {
  std::string out(directory.starts_with('/') ? "/" : "");
  while (!directory.empty()) {
    const std::string_view component = directory.substr(0, directory.find('/'));
    directory.remove_prefix(std::min(directory.size(), component.size() + 1));
    if (component.empty() || component == ".") continue;
    if (!out.empty() && out.back() != '/') out += '/';
    out += component;
  }
  return out.empty() ? "." : out;
}

}  // namespace

std::optional<Instant> next_opening(const SendingWindow& window, Instant now) {
  if (window.begin == window.end) return std::nullopt;  // the whole day
  const Instant opens = next_paris_time(now, window.begin);
  const Instant closes = next_paris_time(now, window.end);
  // Open when it will close before it opens again; at the very minute of its end it is closed.
  if (opens == now || (closes < opens && closes != now)) return std::nullopt;
  return opens;
}

std::vector<Place> places(const SftpProfile& profile) {
  std::string host = profile.host;
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto where = [&](const std::string& directory) {
    return fmt::format("{}@{}:{} {}", profile.user, host, profile.port, plain(directory));
  };
  const auto use = profile.make_directory ? Place::Use::remises_apart : Place::Use::remises_flat;
  std::vector<Place> out{{where(profile.directory), use}};
  if (!profile.return_directory.empty()) out.push_back({where(profile.return_directory), Place::Use::returns});
  return out;
}

bool collide(const Place& a, const Place& b) {
  using Use = Place::Use;
  if (a.where != b.where) return false;
  return a.use == Use::returns || b.use == Use::returns || (a.use == Use::remises_flat && b.use == Use::remises_flat);
}

}  // namespace navette::model
