// One SSH connection to a partner's server, by libssh: resolved, connected, its host key checked, logged in, with the
// `sftp` subsystem as a stream of bytes. No libssh header leaves lib/ssh.
//
// A host key is accepted because it is pinned or known, never because it is the first one seen: without a pin nothing
// connects. One object belongs to one thread; several objects may live in several threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"

namespace navette::ssh {

// What failed, and so who can mend it. Up to `channel` it may heal by itself; from `key_exchange` on somebody must
// change something here or at the partner's.
enum class Fault {
  resolution,    // the name has no address
  connection,    // refused, unreachable, no answer in time
  timed_out,     // connected, then silent
  lost,          // ended by the other side or the network
  unheard,       // either of them while we logged in: it is the server that it should be
  channel,       // logged in, and then no channel for SFTP: refused, as where too many are open, silent or lost
  key_exchange,  // no algorithm in common
  host_key,      // not the pinned one, unknown, or revoked
  login,         // the account, its key or its password is not accepted
  credential,    // our key file cannot be read: damaged, or its passphrase is wrong
  subsystem,     // no sftp there
};

class SshError : public Error {
 public:
  SshError(Fault fault, const std::string& message) : Error(message), fault_(fault) {}
  Fault fault() const { return fault_; }
  bool may_heal() const { return fault_ <= Fault::channel; }

 private:
  Fault fault_;
};

struct Server {
  std::string host;  // name or address
  std::uint16_t port = 22;
  std::string user;
  // One of the two: a fingerprint as OpenSSH prints it ("SHA256:" and 43 characters), or the text of a known_hosts file
  // (hashed names, patterns, [host]:port and @revoked are understood; @cert-authority lines are not used).
  std::string fingerprint;
  std::string known_hosts;
  // A private key (OpenSSH or PEM: ECDSA, RSA; Ed25519 in OpenSSH form) with its passphrase, or a password when `key`
  // is empty.
  std::string key;
  std::string password;  // passphrase of the key, or password
};

// What can be said of the secrets without any network. Throws SshError: credential when the key cannot be read,
// host_key when known_hosts names no key for the host.
void require_usable(const Server& server);

class Session {
 public:
  // Connects and logs in, four times `patience` at most; afterwards it bounds each wait for bytes of the channel, or
  // for room for them. A stop ends any waiting within a quarter of a second, but for the resolution of the name. Throws
  // SshError, Interrupted; so do the others.
  Session(const Server& server, std::chrono::milliseconds patience, std::stop_token stop = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  // Writes all, waiting for room as long as `patience`. Throws SshError (lost, timed_out).
  void write(std::string_view bytes);
  // Between 1 and `size` bytes, waiting as long as `patience`; 0 only when `wait` is false and nothing is there. Throws
  // SshError (lost, timed_out).
  std::size_t read(char* buffer, std::size_t size, bool wait);
  std::chrono::milliseconds patience() const;
  const std::string& place() const;  // "host:port"; each SshError begins with it
  // "SHA256:…" of the key that the server showed.
  const std::string& host_fingerprint() const { return fingerprint_; }

 private:
  struct Handles;
  void connect(const Server& server);
  void write_all(std::string_view bytes);

  std::unique_ptr<Handles> handles_;
  std::string fingerprint_;
};

}  // namespace navette::ssh
