#include "channels/credentials.h"

#include <algorithm>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "base/directory.h"

namespace navette::channels {
namespace {

constexpr std::uint64_t max_size = std::uint64_t{64} << 10U;
constexpr mode_t by_everybody = 0007;
constexpr uid_t root = 0;

bool is_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

std::string read_secret(const std::filesystem::path& file, const std::string& what) {
  const std::string shown = file.string();
  const std::string name = file.filename().string();
  const auto refuse = [&](std::string_view why) { throw CredentialError(fmt::format("{} {} {}", what, shown, why)); };
  try {
    const Directory directory = Directory::open(file.parent_path());
    const auto status = directory.status(name);
    if (!status) refuse("is missing; put it there, mode 0640");
    // Never followed: whoever may change what it leads to chooses our keys.
    if (status->type == FileType::symlink) refuse("is a symbolic link; put the file itself there");
    if (status->type != FileType::regular) refuse("is no file; put a file there");
    if ((status->mode & by_everybody) != 0) refuse("is open to everybody; chmod o= " + shown);
    // root, who only looks (`check`), cannot tell whose account the service's is.
    if (const uid_t us = ::geteuid(); us != root && status->owner != root && status->owner != us)
      refuse("belongs to another account, which may change it; chown it to root or to the account of navette");
    if (status->size > max_size)
      refuse("is larger than 64 KiB: no key, password or certificate; put the right one there");
    return directory.read(name, max_size);
  } catch (const std::system_error& e) {
    refuse("cannot be read: " + e.code().message() + "; let the account of navette read it");
  }
  return {};
}

std::string Credentials::read(const std::string& name) const {
  if (!is_name(name)) throw CredentialError("a credential's name is made of a-z, 0-9 and -");
  return read_secret(directory_ / name, "the credential");
}

std::string Credentials::read(const model::NamedCredential& named) const {
  if (named.name == own_ && !own_.empty()) {
    throw CredentialError(
        fmt::format("the credential {} is that of [mail], no partner's; name another in the profile", named.name));
  }
  if (!model::fits(named)) {
    throw CredentialError(
        fmt::format("the credential {} is not for this use: a PDF's password alone is named NAME-pdf, and a key's "
                    "passphrase NAME-passphrase, which no profile names",
                    named.name));
  }
  return read(named.name);
}

std::string one_line(std::string bytes, const std::string& what) {
  if (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();
  if (!bytes.empty() && bytes.back() == '\r') bytes.pop_back();
  if (bytes.empty()) throw CredentialError(fmt::format("the credential {} is empty; put its one line there", what));
  if (bytes.find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos) {
    throw CredentialError(fmt::format(
        "the credential {} holds more than a password: one line is wanted, leave the password alone", what));
  }
  return bytes;
}

std::string Credentials::read_line_if_there(const std::string& name) const {
  return Directory::open(directory_).contains(name) ? read_line(name) : std::string();
}

std::string Credentials::read_line(const std::string& name) const {
  return one_line(read(name), name);
}

}  // namespace navette::channels
