#include "lib/ssh/session.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <libssh/libssh.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "lib/ssh/known_hosts.h"

namespace navette::ssh {
namespace {

using std::chrono::milliseconds;

std::string shown(const Server& s) {
  return fmt::format("{}:{}", s.host, s.port);
}

[[noreturn]] void fail(Fault fault, const Server& server, const std::string& what) {
  throw SshError(fault, fmt::format("{}: {}", shown(server), what));
}

// Connected within `patience`; nothing otherwise, and errno tells why.
UniqueFd connect_to(const addrinfo& address, milliseconds patience) {
  UniqueFd fd(::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
  if (!fd) return {};
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return {};
    pollfd p{fd.get(), POLLOUT, 0};
    int ready = 0;
    do {
      ready = ::poll(&p, 1, static_cast<int>(patience.count()));
    } while (ready < 0 && errno == EINTR);
    int error = ready == 0 ? ETIMEDOUT : 0;
    socklen_t size = sizeof error;
    if (ready > 0) ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      errno = error;
      return {};
    }
  }
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd.get(), F_SETFL, 0);  // libssh wants to say itself that it does not wait
  return fd;
}

// libssh could resolve and connect as well, but tells neither apart and waits without end for a name.
UniqueFd open_socket(const Server& server, milliseconds patience) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  if (const int rc = ::getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &raw); rc != 0) {
    fail(Fault::resolution, server, fmt::format("the name has no address: {}", ::gai_strerror(rc)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(raw, ::freeaddrinfo);
  int error = 0;
  for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
    if (UniqueFd fd = connect_to(*a, patience)) return fd;
    error = errno;
  }
  fail(Fault::connection, server, "no connection: " + std::generic_category().message(error));
}

struct FreeSession {
  void operator()(ssh_session_struct* session) const {
    ssh_disconnect(session);
    ssh_free(session);
  }
};
struct FreeChannel {
  void operator()(ssh_channel_struct* channel) const { ssh_channel_free(channel); }
};
using SessionPtr = std::unique_ptr<ssh_session_struct, FreeSession>;
using ChannelPtr = std::unique_ptr<ssh_channel_struct, FreeChannel>;

void set(ssh_session session, ssh_options_e option, const void* value) {
  if (ssh_options_set(session, option, value) < 0) throw Error(std::string("libssh: ") + ssh_get_error(session));
}

SessionPtr new_session(const Server& server, milliseconds patience, const std::string& algorithms) {
  SessionPtr session(ssh_new());
  if (!session) throw std::bad_alloc();
  // Nothing of the account's own ~/.ssh counts.
  const bool no = false;
  set(session.get(), SSH_OPTIONS_PROCESS_CONFIG, &no);
  set(session.get(), SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
  set(session.get(), SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
  set(session.get(), SSH_OPTIONS_HOST, server.host.c_str());
  const unsigned port = server.port;
  set(session.get(), SSH_OPTIONS_PORT, &port);
  set(session.get(), SSH_OPTIONS_USER, server.user.c_str());
  const auto seconds = static_cast<long>(patience.count() / 1000);
  const auto rest = static_cast<long>(patience.count() % 1000 * 1000);
  set(session.get(), SSH_OPTIONS_TIMEOUT, &seconds);
  set(session.get(), SSH_OPTIONS_TIMEOUT_USEC, &rest);
  if (!algorithms.empty()) set(session.get(), SSH_OPTIONS_HOSTKEYS, algorithms.c_str());
  return session;
}

// Why the last call on an established connection failed.
Fault fault_of(ssh_session session) {
  return ssh_is_connected(session) != 0 && (ssh_get_status(session) & SSH_CLOSED_ERROR) == 0 ? Fault::timed_out
                                                                                             : Fault::lost;
}

SessionPtr handshake(const Server& server, milliseconds patience, const std::string& algorithms) {
  SessionPtr session = new_session(server, patience, algorithms);
  UniqueFd socket = open_socket(server, patience);
  const int fd = socket.get();
  set(session.get(), SSH_OPTIONS_FD, &fd);
  socket.release();  // libssh closes it
  if (ssh_connect(session.get()) == SSH_OK) return session;
  const std::string why = ssh_get_error(session.get());
  const bool kex = why.find("kex error") != std::string::npos || why.find("no match for method") != std::string::npos;
  const bool late = why.find("imeout") != std::string::npos;
  fail(kex    ? Fault::key_exchange
       : late ? Fault::timed_out
              : Fault::lost,
       server, (kex ? "no algorithm in common with the server: " : "no SSH connection: ") + why);
}

Key server_key(ssh_session session) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session, &raw) != SSH_OK) throw Error("libssh: the server's key cannot be read");
  return Key(raw);
}

std::string fingerprint_of(ssh_key_struct* key) {
  unsigned char* raw = nullptr;
  std::size_t size = 0;
  if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &raw, &size) != SSH_OK) throw std::bad_alloc();
  const std::unique_ptr<unsigned char*, void (*)(unsigned char**)> hash(&raw, ssh_clean_pubkey_hash);
  const std::unique_ptr<char, void (*)(char*)> text(ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, raw, size),
                                                    ssh_string_free_char);
  if (!text) throw std::bad_alloc();
  return text.get();
}

// A server has several keys and shows one: the pinned one is asked for, kind after kind, before it is called wrong.
SessionPtr connect_pinned(const Server& server, milliseconds patience, std::string& fingerprint) {
  std::string seen;
  for (const char* algorithms : {"", "ssh-ed25519", "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521",
                                 "rsa-sha2-512,rsa-sha2-256"}) {
    SessionPtr session;
    try {
      session = handshake(server, patience, algorithms);
    } catch (const SshError& e) {
      if (*algorithms == '\0' || e.fault() != Fault::key_exchange) throw;
      continue;  // the server has no key of that kind
    }
    fingerprint = fingerprint_of(server_key(session.get()).get());
    if (fingerprint == server.fingerprint) return session;
    if (seen.empty()) seen = fingerprint;
  }
  fail(Fault::host_key, server,
       fmt::format("the server's key is {}, not the {} of its profile: somebody stands in between, or its key was "
                   "changed and the profile must be",
                   seen, server.fingerprint));
}

SessionPtr connect_known(const Server& server, milliseconds patience, std::string& fingerprint) {
  const KnownKeys known = keys_of(server.known_hosts, server.host, server.port);
  if (known.accepted.empty())
    fail(Fault::host_key, server, "the known_hosts of its profile has no usable line for that host and port");
  SessionPtr session = handshake(server, patience, algorithms_of(known.accepted));
  const Key key = server_key(session.get());
  fingerprint = fingerprint_of(key.get());
  if (is_among(key.get(), known.revoked))
    fail(Fault::host_key, server, fmt::format("the server's key {} is revoked in known_hosts", fingerprint));
  if (!is_among(key.get(), known.accepted)) {
    fail(Fault::host_key, server,
         fmt::format("the server's key {} is not in known_hosts: somebody stands in between, or its key was changed",
                     fingerprint));
  }
  return session;
}

int login_by_key(ssh_session session, const Server& server) {
  ssh_key raw = nullptr;
  const char* passphrase = server.password.empty() ? nullptr : server.password.c_str();
  if (ssh_pki_import_privkey_base64(server.key.c_str(), passphrase, nullptr, nullptr, &raw) != SSH_OK) {
    fail(Fault::credential, server,
         "the private key cannot be read: it is damaged, not an OpenSSH or PEM key, or its passphrase is missing or "
         "wrong");
  }
  const Key key(raw);
  return ssh_userauth_publickey(session, nullptr, key.get());
}

// Some servers ask for the password as a question (keyboard-interactive, PAM).
int answer_questions(ssh_session session, const std::string& password) {
  int rc = ssh_userauth_kbdint(session, nullptr, nullptr);
  for (int round = 0; rc == SSH_AUTH_INFO && round < 4; ++round) {
    const int prompts = ssh_userauth_kbdint_getnprompts(session);
    for (int i = 0; i < prompts; ++i) {
      if (ssh_userauth_kbdint_setanswer(session, static_cast<unsigned>(i), password.c_str()) < 0) return SSH_AUTH_ERROR;
    }
    rc = ssh_userauth_kbdint(session, nullptr, nullptr);
  }
  return rc;
}

int login_by_password(ssh_session session, const Server& server) {
  int rc = ssh_userauth_none(session, nullptr);  // tells which methods there are
  if (rc == SSH_AUTH_SUCCESS || rc == SSH_AUTH_ERROR) return rc;
  const auto methods = static_cast<unsigned>(ssh_userauth_list(session, nullptr));
  rc = SSH_AUTH_DENIED;
  if ((methods & SSH_AUTH_METHOD_PASSWORD) != 0) rc = ssh_userauth_password(session, nullptr, server.password.c_str());
  if (rc == SSH_AUTH_DENIED && (methods & SSH_AUTH_METHOD_INTERACTIVE) != 0)
    rc = answer_questions(session, server.password);
  return rc;
}

void log_in(ssh_session session, const Server& server) {
  const bool by_key = !server.key.empty();
  switch (by_key ? login_by_key(session, server) : login_by_password(session, server)) {
    case SSH_AUTH_SUCCESS:
      return;
    case SSH_AUTH_PARTIAL:
      fail(Fault::login, server, "the server wants a second way of logging in besides the profile's");
    case SSH_AUTH_DENIED:
      fail(Fault::login, server,
           fmt::format("the account {} or its {} is not accepted", server.user, by_key ? "key" : "password"));
    default:
      fail(fault_of(session), server, std::string("logging in: ") + ssh_get_error(session));
  }
}

}  // namespace

struct Session::Handles {
  SessionPtr session;
  ChannelPtr channel;  // last: freed first
};

Session::Session(const Server& server, milliseconds patience)
    : handles_(std::make_unique<Handles>()), patience_(patience) {
  if (server.fingerprint.empty() && server.known_hosts.empty())
    fail(Fault::host_key, server, "neither a fingerprint nor known_hosts: the server cannot be recognised");
  auto& [session, channel] = *handles_;
  session = server.fingerprint.empty() ? connect_known(server, patience, fingerprint_)
                                       : connect_pinned(server, patience, fingerprint_);
  log_in(session.get(), server);
  channel.reset(ssh_channel_new(session.get()));
  if (!channel) throw std::bad_alloc();
  if (ssh_channel_open_session(channel.get()) != SSH_OK)
    fail(fault_of(session.get()), server, std::string("opening a channel: ") + ssh_get_error(session.get()));
  if (ssh_channel_request_subsystem(channel.get(), "sftp") != SSH_OK)
    fail(ssh_is_connected(session.get()) != 0 ? Fault::subsystem : Fault::lost, server,
         std::string("the server has no sftp subsystem for that account: ") + ssh_get_error(session.get()));
}

Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

void Session::write(std::string_view bytes) {
  const auto& [session, channel] = *handles_;
  const int n = ssh_channel_write(channel.get(), bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  if (n == static_cast<int>(bytes.size())) return;
  const Fault fault = ssh_channel_is_closed(channel.get()) != 0 ? Fault::lost : fault_of(session.get());
  throw SshError(fault, fault == Fault::timed_out ? "the server reads nothing any more" : "the connection was lost");
}

std::size_t Session::read(char* buffer, std::size_t size, bool wait) {
  const auto& [session, channel] = *handles_;
  const auto room = static_cast<std::uint32_t>(size);
  const int n = wait ? ssh_channel_read_timeout(channel.get(), buffer, room, 0, static_cast<int>(patience_.count()))
                     : ssh_channel_read_nonblocking(channel.get(), buffer, room, 0);
  if (n > 0) return static_cast<std::size_t>(n);
  const bool ended =
      n == SSH_EOF || ssh_channel_is_eof(channel.get()) != 0 || ssh_channel_is_closed(channel.get()) != 0;
  if (!ended && !wait && (n == 0 || n == SSH_AGAIN)) return 0;
  if (ended || n == SSH_ERROR) throw SshError(Fault::lost, "the connection was lost");
  throw SshError(Fault::timed_out, "no answer from the server any more");
}

}  // namespace navette::ssh
