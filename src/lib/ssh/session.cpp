#include "lib/ssh/session.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <libssh/libssh.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/name_service.h"
#include "base/text.h"
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

using SteadyTime = std::chrono::steady_clock::time_point;

// How long to wait, and for what to give up. Whatever comes meanwhile, only what was waited for sets `until` anew: a
// server that keeps the connection alive, or drips, is not one that answers.
struct Waiting {
  milliseconds patience;
  std::stop_token stop;
  std::string place;      // for messages: "host:port"
  const char* step = "";  // and what the server is asked for, as long as it is connected to
  SteadyTime until{};

  Waiting from_now(int times = 1) const {
    Waiting out = *this;
    out.until = std::chrono::steady_clock::now() + times * patience;
    return out;
  }
  Waiting during(const char* next) const {
    Waiting out = *this;
    out.step = next;
    return out;
  }
  [[noreturn]] void fail(Fault fault, const std::string& what) const {
    throw SshError(fault, fmt::format("{}: {}{}", place, what, step));
  }
};
// Of connecting and logging in as a whole.
constexpr int steps_of_login = 4;

// Until `fd` is ready for `events`. False when the time is over. Throws Interrupted.
bool wait_for(int fd, short events, const Waiting& waiting) {
  constexpr milliseconds slice{250};
  const auto end = std::min(waiting.until, std::chrono::steady_clock::now() + waiting.patience);
  while (true) {
    if (waiting.stop.stop_requested()) throw Interrupted();
    const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
    if (left <= milliseconds(0)) return false;
    pollfd p{fd, events, 0};
    const int ready = ::poll(&p, 1, static_cast<int>(std::min(slice, left).count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) throw_errno("poll");
  }
}

// Connected; nothing otherwise, and errno tells why.
UniqueFd connect_to(const addrinfo& address, const Waiting& waiting) {
  UniqueFd fd(::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
  if (!fd) return {};
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return {};
    int error = ETIMEDOUT;
    socklen_t size = sizeof error;
    if (wait_for(fd.get(), POLLOUT, waiting)) ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      errno = error;
      return {};
    }
  }
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

// libssh could resolve and connect as well, but tells neither apart and waits without end for a name.
UniqueFd open_socket(const Server& server, const Waiting& waiting) {
  Addresses list;
  try {
    list = addresses_of(server.host, server.port, waiting.patience, waiting.stop);
  } catch (const NameError& e) {
    fail(Fault::resolution, server, e.what());
  }
  int error = 0;
  for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
    if (UniqueFd fd = connect_to(*a, waiting)) return fd;
    error = errno;
  }
  fail(Fault::connection, server, "no connection: " + std::generic_category().message(error));
}

struct FreeSession {
  // Without ssh_disconnect: it forgets a descriptor that it was given (SSH_OPTIONS_FD) without closing it, and the
  // connection would stay as long as the process. ssh_free closes it.
  void operator()(ssh_session_struct* session) const { ssh_free(session); }
};
struct FreeChannel {
  void operator()(ssh_channel_struct* channel) const { ssh_channel_free(channel); }
};
using SessionPtr = std::unique_ptr<ssh_session_struct, FreeSession>;
using ChannelPtr = std::unique_ptr<ssh_channel_struct, FreeChannel>;

void set(ssh_session session, ssh_options_e option, const void* value) {
  if (ssh_options_set(session, option, value) < 0) throw Error(std::string("libssh: ") + ssh_get_error(session));
}

SessionPtr new_session(const Server& server, const std::string& algorithms) {
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
  if (!algorithms.empty()) set(session.get(), SSH_OPTIONS_HOSTKEYS, algorithms.c_str());
  ssh_set_blocking(session.get(), 0);  // all waiting is ours
  return session;
}

// libssh's words, which may be the server's: before any login, whoever stands on the way writes them.
std::string words(ssh_session session) {
  return text::printable(text::truncated(text::printable(ssh_get_error(session)), 200));
}

// Until the server has said something, or takes what libssh has for it. Throws SshError when it does not in time.
void wait_for(ssh_session session, const Waiting& waiting) {
  if (ssh_get_fd(session) < 0) waiting.fail(Fault::lost, "the server has ended the connection: " + words(session));
  const bool pending = (ssh_get_poll_flags(session) & SSH_WRITE_PENDING) != 0;
  const short events = static_cast<short>(POLLIN | (pending ? POLLOUT : 0));
  if (!wait_for(ssh_get_fd(session), events, waiting))
    waiting.fail(Fault::timed_out, "no answer from the server any more");
}

// Calls `operation` until it has an answer.
template <typename Operation>
int insist(ssh_session session, const Waiting& waiting, int again, const Operation& operation) {
  int rc = operation();
  while (rc == again) {
    wait_for(session, waiting);
    rc = operation();
  }
  return rc;
}

SessionPtr handshake(const Server& server, const Waiting& waiting, const std::string& algorithms) {
  SessionPtr session = new_session(server, algorithms);
  UniqueFd socket = open_socket(server, waiting);
  const int fd = socket.get();
  set(session.get(), SSH_OPTIONS_FD, &fd);
  socket.release();  // libssh closes it
  // A web server, or an SSH server that has too many connections: which of them cannot be told.
  const auto hint = [&] {
    return ssh_get_serverbanner(session.get()) != nullptr
               ? ""
               : "; nothing there introduced itself as an SSH server: are host and port of its profile right?";
  };
  try {
    const int rc = insist(session.get(), waiting.during(" (SSH negotiation)"), SSH_AGAIN,
                          [&] { return ssh_connect(session.get()); });
    if (rc == SSH_OK) return session;
  } catch (const SshError& e) {
    throw SshError(e.fault(), std::string(e.what()) + hint());
  }
  const std::string why = words(session.get()) + hint();
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
SessionPtr connect_pinned(const Server& server, const Waiting& waiting, std::string& fingerprint) {
  std::string seen;
  for (const char* algorithms : {"", "ssh-ed25519", "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521",
                                 "rsa-sha2-512,rsa-sha2-256"}) {
    SessionPtr session;
    try {
      session = handshake(server, waiting, algorithms);
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

KnownKeys known_keys(const Server& server) {
  KnownKeys known = keys_of(server.known_hosts, server.host, server.port);
  if (known.accepted.empty())
    fail(Fault::host_key, server, "the known_hosts of its profile has no usable line for that host and port");
  return known;
}

SessionPtr connect_known(const Server& server, const Waiting& waiting, std::string& fingerprint) {
  const KnownKeys known = known_keys(server);
  SessionPtr session;
  try {
    session = handshake(server, waiting, algorithms_of(known.accepted));
  } catch (const SshError& e) {
    if (e.fault() != Fault::key_exchange) throw;
    session = handshake(server, waiting, "");  // it has no key of a kind that is known: which one, is seen and told
  }
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

Key private_key(const Server& server) {
  ssh_key raw = nullptr;
  const char* passphrase = server.password.empty() ? nullptr : server.password.c_str();
  if (ssh_pki_import_privkey_base64(server.key.c_str(), passphrase, nullptr, nullptr, &raw) != SSH_OK) {
    fail(Fault::credential, server,
         "the private key cannot be read: it is damaged, not an OpenSSH or PEM key, or its passphrase is missing or "
         "wrong");
  }
  return Key(raw);
}

class Login {
 public:
  Login(ssh_session session, const Server& server, const Waiting& waiting)
      : session_(session), server_(server), waiting_(waiting) {}

  void run() {
    const bool by_key = !server_.key.empty();
    switch (by_key ? with_key() : with_password()) {
      case SSH_AUTH_SUCCESS:
        return;
      case SSH_AUTH_PARTIAL:
        fail(Fault::login, server_, "the server wants a second way of logging in besides the profile's");
      case SSH_AUTH_DENIED:
        fail(Fault::login, server_,
             fmt::format("the account {} or its {} is not accepted", server_.user, by_key ? "key" : "password"));
      default:
        fail(Fault::unheard, server_, "logging in: " + words(session_));
    }
  }

 private:
  // Some servers end the connection with a word at a login that they refuse.
  template <typename Operation>
  int ask(const Operation& operation) {
    const auto ended = [this] { return words(session_).find("SSH_MSG_DISCONNECT") != std::string::npos; };
    try {
      const int rc = insist(session_, waiting_.during(" (login)"), SSH_AUTH_AGAIN, operation);
      if (rc != SSH_AUTH_ERROR || !ended()) return rc;
    } catch (const SshError& e) {
      if (e.fault() == Fault::timed_out || !ended()) throw SshError(Fault::unheard, e.what());
    }
    fail(Fault::login, server_,
         fmt::format("the server ends the connection when {} logs in: {}", server_.user, words(session_)));
  }

  int with_key() {
    const Key key = private_key(server_);
    return ask([&] { return ssh_userauth_publickey(session_, nullptr, key.get()); });
  }

  int with_password() {
    const char* password = server_.password.c_str();
    int rc = ask([&] { return ssh_userauth_none(session_, nullptr); });  // tells which methods there are
    if (rc == SSH_AUTH_SUCCESS || rc == SSH_AUTH_ERROR) return rc;
    const auto methods = static_cast<unsigned>(ssh_userauth_list(session_, nullptr));
    rc = SSH_AUTH_DENIED;
    if ((methods & SSH_AUTH_METHOD_PASSWORD) != 0)
      rc = ask([&] { return ssh_userauth_password(session_, nullptr, password); });
    // Some servers ask for the password as a question (keyboard-interactive, PAM).
    if (rc == SSH_AUTH_DENIED && (methods & SSH_AUTH_METHOD_INTERACTIVE) != 0) rc = answer_questions(password);
    return rc;
  }

  int answer_questions(const char* password) {
    constexpr int rounds = 4;
    int rc = ask([&] { return ssh_userauth_kbdint(session_, nullptr, nullptr); });
    for (int round = 0; rc == SSH_AUTH_INFO && round < rounds; ++round) {
      const auto prompts = static_cast<unsigned>(std::max(0, ssh_userauth_kbdint_getnprompts(session_)));
      for (unsigned i = 0; i < prompts; ++i) {
        if (ssh_userauth_kbdint_setanswer(session_, i, password) < 0) return SSH_AUTH_ERROR;
      }
      rc = ask([&] { return ssh_userauth_kbdint(session_, nullptr, nullptr); });
    }
    return rc == SSH_AUTH_INFO ? SSH_AUTH_DENIED : rc;
  }

  ssh_session session_;
  const Server& server_;
  const Waiting& waiting_;
};

ChannelPtr open_sftp(ssh_session session, const Server& server, const Waiting& waiting) {
  ChannelPtr channel(ssh_channel_new(session));
  if (!channel) throw std::bad_alloc();
  const auto ask = [&](const auto& operation) {
    try {
      return insist(session, waiting.during(" (opening SFTP)"), SSH_AGAIN, operation);
    } catch (const SshError& e) {  // silent, or lost
      throw SshError(Fault::channel, e.what());
    }
  };
  if (ask([&] { return ssh_channel_open_session(channel.get()); }) != SSH_OK)
    fail(Fault::channel, server, "the server opens no channel: " + words(session));
  if (ask([&] { return ssh_channel_request_subsystem(channel.get(), "sftp"); }) != SSH_OK)
    fail(ssh_is_connected(session) != 0 ? Fault::subsystem : Fault::channel, server,
         "the server has no sftp subsystem for that account: " + words(session));
  return channel;
}

}  // namespace

void require_usable(const Server& server) {
  if (!server.key.empty()) static_cast<void>(private_key(server));
  if (server.fingerprint.empty()) static_cast<void>(known_keys(server));
}

struct Session::Handles {
  Waiting waiting;
  SessionPtr session;
  ChannelPtr channel;  // last: freed first
};

namespace {

constexpr const char* connection_lost = "the connection was lost";

// As when the network drops it: nothing goes through any more.
[[noreturn]] void lose(ssh_session session, const Waiting& waiting) {
  ::shutdown(ssh_get_fd(session), SHUT_RDWR);
  waiting.fail(Fault::lost, connection_lost);
}

}  // namespace

Session::Session(const Server& server, milliseconds patience, std::stop_token stop)
    : handles_(std::make_unique<Handles>(Handles{{patience, std::move(stop), shown(server)}, nullptr, nullptr})) {
  if (server.fingerprint.empty() && server.known_hosts.empty())
    fail(Fault::host_key, server, "neither a fingerprint nor known_hosts: the server cannot be recognised");
  fault::around(
      "ssh.connect", fault::connections, [&] { connect(server); },
      [&](fault::Kind) { fail(Fault::lost, server, connection_lost); });
}

void Session::connect(const Server& server) {
  // No structured binding: clang 14 lets no lambda capture one.
  const Waiting waiting = handles_->waiting.from_now(steps_of_login);
  SessionPtr& session = handles_->session;
  session = server.fingerprint.empty() ? connect_known(server, waiting, fingerprint_)
                                       : connect_pinned(server, waiting, fingerprint_);
  Login(session.get(), server, waiting).run();
  handles_->channel = open_sftp(session.get(), server, waiting);
}

Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

milliseconds Session::patience() const {
  return handles_->waiting.patience;
}

const std::string& Session::place() const {
  return handles_->waiting.place;
}

void Session::write(std::string_view bytes) {
  fault::around(
      "ssh.write", fault::connections | fault::Kind::cut, [&] { write_all(bytes); },
      [&](fault::Kind kind) {
        if (kind == fault::Kind::cut) write_all(bytes.substr(0, bytes.size() / 2));
        lose(handles_->session.get(), handles_->waiting);
      });
}

void Session::write_all(std::string_view bytes) {
  Waiting waiting = handles_->waiting.from_now();
  ssh_session_struct* session = handles_->session.get();
  ssh_channel_struct* channel = handles_->channel.get();
  while (!bytes.empty()) {
    const int n = ssh_channel_write(channel, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      waiting = handles_->waiting.from_now();
    } else if (n == 0 || n == SSH_AGAIN) {
      wait_for(session, waiting);  // for a larger window
    } else {
      waiting.fail(Fault::lost, connection_lost);
    }
  }
  // What libssh keeps must not grow without bound.
  if (insist(session, waiting, SSH_AGAIN, [&] { return ssh_blocking_flush(session, 0); }) == SSH_ERROR)
    waiting.fail(Fault::lost, connection_lost);
}

std::size_t Session::read(char* buffer, std::size_t size, bool wait) {
  ssh_channel_struct* channel = handles_->channel.get();
  const Waiting waiting = handles_->waiting.from_now();
  while (true) {
    const int n = ssh_channel_read_nonblocking(channel, buffer, static_cast<std::uint32_t>(size), 0);
    if (n > 0) return static_cast<std::size_t>(n);
    const bool ended = ssh_channel_is_eof(channel) != 0 || ssh_channel_is_closed(channel) != 0;
    if (ended || (n != 0 && n != SSH_AGAIN)) waiting.fail(Fault::lost, connection_lost);
    if (!wait) return 0;
    fault::around(
        "ssh.wait", fault::connections, [&] { wait_for(handles_->session.get(), waiting); },
        [&](fault::Kind) { lose(handles_->session.get(), waiting); });
  }
}

}  // namespace navette::ssh
