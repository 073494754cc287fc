#include "channels/credentials.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "base/directory.h"

namespace navette::channels {
namespace {

constexpr std::uint64_t max_size = std::uint64_t{64} << 10U;
constexpr mode_t by_everybody = 0007;

bool is_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

std::string Credentials::read(const std::string& name) const {
  if (!is_name(name)) throw CredentialError("a credential's name is made of a-z, 0-9 and -");
  const std::string shown = (directory_ / name).string();
  try {
    const Directory directory = Directory::open(directory_);
    const auto status = directory.status(name);
    if (!status) throw CredentialError(fmt::format("the credential {} is missing; put it there, mode 0640", shown));
    if ((status->mode & by_everybody) != 0)
      throw CredentialError(fmt::format("the credential {0} is open to everybody; chmod o= {0}", shown));
    return directory.read(name, max_size);
  } catch (const std::system_error& e) {
    throw CredentialError(fmt::format("the credential {} cannot be read: {}", shown, e.code().message()));
  }
}

std::string Credentials::read_line_if_there(const std::string& name) const {
  return Directory::open(directory_).contains(name) ? read_line(name) : std::string();
}

std::string Credentials::read_line(const std::string& name) const {
  std::string line = read(name);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return line;
}

}  // namespace navette::channels
