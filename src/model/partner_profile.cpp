#include "model/partner_profile.h"

#include <algorithm>
#include <string_view>
#include <tuple>

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

// Both plain. Where an account arrives is for the server to know.
bool may_be_one(const std::string& a, const std::string& b) {
  if (a.starts_with('/') == b.starts_with('/')) return a == b;
  const auto& [absolute, relative] = a.starts_with('/') ? std::tie(a, b) : std::tie(b, a);
  return absolute.ends_with("/" + relative);
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
  const auto place = [&](const std::string& directory, Place::Use use) {
    return Place{profile.user, fmt::format("{}:{}", host, profile.port), profile.fingerprint, plain(directory), use};
  };
  std::vector<Place> out{
      place(profile.directory, profile.make_directory ? Place::Use::remises_apart : Place::Use::remises_flat)};
  if (!profile.return_directory.empty()) out.push_back(place(profile.return_directory, Place::Use::returns));
  return out;
}

bool collide(const Place& a, const Place& b) {
  using Use = Place::Use;
  const bool one_key = !a.fingerprint.empty() && a.fingerprint == b.fingerprint;
  if (a.user != b.user || !(a.server == b.server || one_key) || !may_be_one(a.directory, b.directory)) return false;
  return a.use == Use::returns || b.use == Use::returns || (a.use == Use::remises_flat && b.use == Use::remises_flat);
}

std::vector<NamedCredential> named_credentials(const SftpProfile& profile) {
  std::vector<NamedCredential> out{{profile.credential, CredentialUse::ssh_secret}};
  if (!profile.known_hosts.empty()) out.push_back({profile.known_hosts, CredentialUse::known_hosts});
  return out;
}

std::vector<NamedCredential> named_credentials(const CourrielProfile& profile) {
  if (profile.protection == Protection::none) return {};
  const bool smime = profile.protection == Protection::smime;
  return {{profile.credential, smime ? CredentialUse::certificate : CredentialUse::pdf_password}};
}

bool fits(const NamedCredential& named) {
  const std::string_view name = named.name;
  if (name.ends_with("-passphrase")) return false;
  // Certificates and known hosts are told to nobody.
  if (named.use == CredentialUse::certificate || named.use == CredentialUse::known_hosts) return true;
  return name.ends_with("-pdf") == (named.use == CredentialUse::pdf_password);
}

bool belongs_to(const std::string& name, const std::string& caf, bool alone) {
  constexpr std::string_view prefix = "caf-";
  constexpr std::size_t length = 8;  // "caf-421-"
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool bound = name.size() >= length && name.starts_with(prefix) && name[length - 1] == '-' &&
                     std::all_of(name.begin() + prefix.size(), name.begin() + length - 1, digit);
  return bound ? name.substr(prefix.size(), 3) == caf : alone;
}

}  // namespace navette::model
