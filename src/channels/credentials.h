// Keys, passwords and certificates: one directory, a file each, named by what a flux may name. systemd's
// LoadCredential= fills such a directory; so does an administrator.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "model/partner_profile.h"

namespace navette::channels {

// What is missing or unsafe, and what to do.
class CredentialError : public Error {
 public:
  using Error::Error;
};

// The bytes of a file of secrets. Throws CredentialError, which calls it `what`, for what is missing, unreadable, open
// to everybody, another account's than ours or root's (systemd gives its credentials to either), larger than 64 KiB or
// no file: a symbolic link is none.
std::string read_secret(const std::filesystem::path& file, const std::string& what);

// A password: without the one end of line that an editor leaves. Throws CredentialError, which says `what` it is, for
// none and for more than one line.
std::string one_line(std::string bytes, const std::string& what);

class Credentials {
 public:
  // `own`: the one with which navette itself logs in ([mail] credential), which no profile may name.
  explicit Credentials(std::filesystem::path directory, std::string own = {})
      : directory_(std::move(directory)), own_(std::move(own)) {}

  // read_secret() of `name` ([a-z0-9-]+), anew each time: a new key is in use at the next attempt.
  std::string read(const std::string& name) const;
  // The same for what a partner's profile names. Throws as well for what is not its to name (model::fits).
  std::string read(const model::NamedCredential& named) const;
  // The same by one_line().
  std::string read_line(const std::string& name) const;
  // Empty when there is no such file.
  std::string read_line_if_there(const std::string& name) const;

 private:
  std::filesystem::path directory_;
  std::string own_;
};

}  // namespace navette::channels
