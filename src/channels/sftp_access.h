// How a partner's SFTP server is reached, from its profile and the credentials that this names.
#pragma once

#include <cstdint>
#include <string>

#include "channels/credentials.h"
#include "lib/ssh/session.h"
#include "model/partner_profile.h"

namespace navette::channels {

// Of a directory a remise: closed to others than the partner's own.
constexpr std::uint32_t remise_directory_mode = 0750;

// Reads the secrets anew. Throws CredentialError, also for what is neither a private key nor a password of one line: a
// public key, a PuTTY key, a key behind a blank. Nothing of these is ever sent as a password.
ssh::Server server_of(const model::SftpProfile& profile, const Credentials& credentials);

// `name` in `directory` at the server; the directory itself when `name` is empty.
std::string remote_path(std::string directory, const std::string& name = {});

}  // namespace navette::channels
