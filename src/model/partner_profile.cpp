#include "model/partner_profile.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/civil_time.h"

namespace navette::model {

std::optional<Instant> next_opening(const SendingWindow& window, Instant now) {
  if (window.begin == window.end) return std::nullopt;  // the whole day
  const Instant opens = next_paris_time(now, window.begin);
  const Instant closes = next_paris_time(now, window.end);
  // Open when it will close before it opens again; at the very minute of its end it is closed.
  if (opens == now || (closes < opens && closes != now)) return std::nullopt;
  return opens;
}

std::optional<std::string> flat_place(const SftpProfile& profile) {
  if (profile.make_directory) return std::nullopt;
  std::string host = profile.host;
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  std::string directory = profile.directory;
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  return fmt::format("{}@{}:{} {}", profile.user, host, profile.port, directory);
}

}  // namespace navette::model
