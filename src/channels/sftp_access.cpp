#include "channels/sftp_access.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

namespace navette::channels {
namespace {

[[noreturn]] void throw_unfit(const std::string& name, std::string_view why) {
  throw CredentialError(fmt::format("the credential {} {}", name, why));
}

bool is_private_key(std::string_view secret) {
  constexpr std::string_view begin = "-----BEGIN ";
  return secret.starts_with(begin) && secret.substr(0, secret.find('\n')).find("PRIVATE KEY-----") != secret.npos;
}

// libssh says "out of memory" of these. The algorithm stands at the same place of each, so in base64 as well.
bool is_ed25519_pkcs8(std::string_view key) {
  constexpr std::string_view begin = "-----BEGIN PRIVATE KEY-----";
  constexpr std::string_view algorithm = "BQYDK2Vw";  // 05 06 03 2b 65 70: …, OID 1.3.101.112
  constexpr std::size_t at = 8;
  if (!key.starts_with(begin)) return false;
  key.remove_prefix(begin.size());
  key.remove_prefix(std::min(key.size(), key.find_first_not_of("\r\n")));
  return key.size() > at && key.substr(at).starts_with(algorithm);
}

// What somebody put there for a key, and is none that can be used: as a password it would be told to the partner.
bool is_other_key(std::string_view secret) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (secret.starts_with(byte_order_mark)) return true;
  constexpr std::array public_keys{"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"};
  const bool public_key =
      secret.find(" AAAA") != secret.npos &&
      std::any_of(public_keys.begin(), public_keys.end(), [&](const char* kind) { return secret.starts_with(kind); });
  return public_key || secret.find("-----BEGIN ") != secret.npos || secret.find("---- BEGIN ") != secret.npos ||
         secret.starts_with("PuTTY-User-Key-File");
}

void take_secret(std::string secret, const model::SftpProfile& profile, const Credentials& credentials,
                 ssh::Server& server) {
  const std::string& name = profile.credential;
  if (is_ed25519_pkcs8(secret)) {
    throw_unfit(
        name,
        "is an Ed25519 key in PKCS #8 form, which libssh does not read; make one in OpenSSH form (ssh-keygen -t "
        "ed25519) and have the partner admit it");
  }
  if (is_private_key(secret)) {
    server.key = std::move(secret);
    server.password = credentials.read_line_if_there(name + "-passphrase");
    return;
  }
  if (is_other_key(secret)) {
    throw_unfit(name,
                "holds neither a private key in OpenSSH or PEM form, from its first byte on, nor a password; put one "
                "there (puttygen KEY -O private-openssh -o FILE turns a PuTTY key into one)");
  }
  server.password = one_line(std::move(secret), name);
}

}  // namespace

ssh::Server server_of(const model::SftpProfile& profile, const Credentials& credentials) {
  ssh::Server server;
  server.host = profile.host;
  server.port = profile.port;
  server.user = profile.user;
  server.fingerprint = profile.fingerprint;
  if (!profile.known_hosts.empty())
    server.known_hosts = credentials.read({profile.known_hosts, model::CredentialUse::known_hosts});
  take_secret(credentials.read({profile.credential, model::CredentialUse::ssh_secret}), profile, credentials, server);
  return server;
}

std::string remote_path(std::string directory, const std::string& name) {
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  if (name.empty()) return directory;
  return (directory == "/" ? "/" : directory + "/") + name;
}

}  // namespace navette::channels
