#include "lib/ssh/known_hosts.h"

#include <algorithm>

#include <libssh/libssh.h>

#include "base/text.h"

namespace navette::ssh {
namespace {

// The public key of a line without marker, when it is for `host`.
Key key_of(const std::string& host, const std::string& line) {
  ssh_knownhosts_entry* raw = nullptr;
  if (ssh_known_hosts_parse_line(host.c_str(), line.c_str(), &raw) != SSH_OK || raw == nullptr) return nullptr;
  const std::unique_ptr<ssh_knownhosts_entry, void (*)(ssh_knownhosts_entry*)> entry(raw, ssh_knownhosts_entry_free);
  return Key(ssh_key_dup(entry->publickey));
}

const char* algorithms_of(ssh_keytypes_e type) {
  switch (type) {
    case SSH_KEYTYPE_RSA:
      return "rsa-sha2-512,rsa-sha2-256";
    case SSH_KEYTYPE_ECDSA_P256:
      return "ecdsa-sha2-nistp256";
    case SSH_KEYTYPE_ECDSA_P384:
      return "ecdsa-sha2-nistp384";
    case SSH_KEYTYPE_ECDSA_P521:
      return "ecdsa-sha2-nistp521";
    case SSH_KEYTYPE_ED25519:
      return "ssh-ed25519";
    default:
      return "";
  }
}

}  // namespace

void FreeKey::operator()(ssh_key_struct* key) const {
  ssh_key_free(key);
}

KnownKeys keys_of(const std::string& text, const std::string& host, std::uint16_t port) {
  // sshd(8): a port other than 22 is part of the name; ssh looks for it in lower case.
  const std::string lower = text::lower(host);
  const std::string name = port == 22 ? lower : "[" + lower + "]:" + std::to_string(port);
  KnownKeys out;
  for (const std::string& raw : text::split(text, '\n')) {
    std::string blanks = raw;
    std::replace(blanks.begin(), blanks.end(), '\t', ' ');  // libssh's matcher knows spaces alone
    std::string_view line = text::trim(blanks);
    constexpr std::string_view revoked = "@revoked";
    const bool is_revoked = line.starts_with(revoked);
    if (is_revoked) line = text::trim(line.substr(revoked.size()));
    if (line.empty() || line.starts_with('#') || line.starts_with('@')) continue;
    if (Key key = key_of(name, std::string(line))) (is_revoked ? out.revoked : out.accepted).push_back(std::move(key));
  }
  return out;
}

std::string algorithms_of(const std::vector<Key>& keys) {
  std::vector<std::string> names;
  for (const Key& key : keys) {
    const std::string name = algorithms_of(ssh_key_type(key.get()));
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return text::join(names, ",");
}

bool is_among(ssh_key_struct* key, const std::vector<Key>& keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const Key& k) { return ssh_key_cmp(key, k.get(), SSH_KEY_CMP_PUBLIC) == 0; });
}

}  // namespace navette::ssh
