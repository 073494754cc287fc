// Which host keys a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) names for a server.
#pragma once

#include <memory>
#include <string>
#include <vector>

struct ssh_key_struct;  // libssh's key

namespace navette::ssh {

struct FreeKey {
  void operator()(ssh_key_struct* key) const;
};
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;

struct KnownKeys {
  std::vector<Key> accepted;
  std::vector<Key> revoked;  // lines marked @revoked: never to be accepted, whatever other lines say
};

// `text`: of the file. Lines that are comments, damaged, marked @cert-authority or of other hosts count for nothing;
// libssh's own reader skips @revoked, hence this one.
KnownKeys keys_of(const std::string& text, const std::string& host, std::uint16_t port);

// The host key algorithms to ask the server for, so that it shows a key that is in the list; "" for an empty list.
std::string algorithms_of(const std::vector<Key>& keys);

bool is_among(ssh_key_struct* key, const std::vector<Key>& keys);

}  // namespace navette::ssh
