// Against a real OpenSSH server: who is recognised, who may log in, and what is said when not.
#include "lib/ssh/session.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "support/sshd.h"

using namespace navette;
using namespace std::chrono_literals;
using ssh::Fault;
using test::Sshd;

namespace {

ssh::Server profile(const Sshd& sshd) {
  ssh::Server s;
  s.host = "127.0.0.1";
  s.port = sshd.port();
  s.user = Sshd::user();
  s.fingerprint = sshd.fingerprint();
  s.key = sshd.dir.get("client");
  return s;
}

std::string known(const Sshd& sshd, const std::string& kind = "ed25519") {
  return "[127.0.0.1]:" + std::to_string(sshd.port()) + " " + sshd.public_key(kind) + "\n";
}

Fault fault_of(const ssh::Server& server, std::chrono::milliseconds patience = 5s) {
  try {
    const ssh::Session session(server, patience);
  } catch (const ssh::SshError& e) {
    INFO(e.what());
    CHECK(e.may_heal() == (e.fault() <= Fault::channel));
    return e.fault();
  }
  FAIL("connected");
  return Fault::lost;
}

}  // namespace

TEST_CASE("a server is recognised by its pinned key, whatever its kind and whichever it would rather show") {
  const Sshd sshd({{"ed25519", "ecdsa", "rsa"}, "internal-sftp", ""});
  for (const char* kind : {"ed25519", "ecdsa", "rsa"}) {
    auto server = profile(sshd);
    server.fingerprint = sshd.fingerprint(kind);
    CHECK(ssh::Session(server, 5s).host_fingerprint() == server.fingerprint);
    server.fingerprint.clear();
    server.known_hosts = known(sshd, kind);
    CHECK(ssh::Session(server, 5s).host_fingerprint() == sshd.fingerprint(kind));
  }
}

TEST_CASE("a server that lets the account in and opens no channel is no other than that") {
  const Sshd sshd({{"ed25519"}, "internal-sftp", "Match all\nMaxSessions 0\n"});
  CHECK(fault_of(profile(sshd)) == Fault::channel);
}

TEST_CASE("a session that ends leaves no descriptor open") {
  const Sshd sshd;
  const auto descriptors = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  auto server = profile(sshd);
  const auto before = descriptors();
  ssh::Session(server, 5s);
  server.fingerprint = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  CHECK(fault_of(server) == ssh::Fault::host_key);
  CHECK(descriptors() == before);
}

TEST_CASE("nobody is trusted on first use") {
  const Sshd sshd;
  auto server = profile(sshd);
  server.fingerprint.clear();
  CHECK(fault_of(server) == Fault::host_key);
  server.known_hosts = "# nothing\n";
  CHECK(fault_of(server) == Fault::host_key);
  server.known_hosts = "127.0.0.1 " + sshd.public_key() + "\n";  // port 22, not this one
  CHECK(fault_of(server) == Fault::host_key);
}

TEST_CASE("another key than the pinned or known one is refused, with the fingerprint that was seen") {
  const Sshd sshd;
  sshd.make_key("host_other", "ed25519");
  auto server = profile(sshd);
  server.fingerprint = sshd.fingerprint("other");
  CHECK_THROWS_WITH(ssh::Session(server, 5s),
                    Catch::Contains(sshd.fingerprint()) && Catch::Contains(server.fingerprint));
  server.fingerprint.clear();
  server.known_hosts = known(sshd, "other");
  CHECK(fault_of(server) == Fault::host_key);
  for (const char* kind : {"ecdsa", "rsa"}) {  // of which the server has none
    sshd.make_key("host_other", kind);
    server.known_hosts = known(sshd, "other");
    CHECK_THROWS_WITH(ssh::Session(server, 5s),
                      Catch::Contains("not in known_hosts") && Catch::Contains(sshd.fingerprint()));
  }
}

TEST_CASE("known_hosts: hashed names, patterns, and @revoked above everything") {
  const Sshd sshd;
  auto server = profile(sshd);
  server.fingerprint.clear();
  sshd.dir.put("known", known(sshd));
  test::run({"ssh-keygen", "-q", "-H", "-f", (sshd.dir / "known").string()});
  server.known_hosts = sshd.dir.get("known");
  CHECK_THAT(server.known_hosts, Catch::StartsWith("|1|"));
  CHECK(ssh::Session(server, 5s).host_fingerprint() == sshd.fingerprint());
  const std::string hashed = server.known_hosts;
  server.host = "LocalHost";  // by name; as ssh does
  for (const std::string name : {"[localhost]", "[LocalHost]"}) {
    server.known_hosts = name + ":" + std::to_string(sshd.port()) + " " + sshd.public_key() + "\n";
    CHECK(ssh::Session(server, 5s).host_fingerprint() == sshd.fingerprint());
  }
  server.host = "127.0.0.1";
  server.known_hosts = "[127.0.0.*]:* " + sshd.public_key() + "\n";
  CHECK(ssh::Session(server, 5s).host_fingerprint() == sshd.fingerprint());
  for (const std::string& line : {known(sshd), hashed, "[127.*]:* " + sshd.public_key() + "\n"}) {
    server.known_hosts = known(sshd) + "@revoked " + line;
    CHECK_THROWS_WITH(ssh::Session(server, 5s), Catch::Contains("revoked"));
  }
  // sshd(8): blanks between fields are spaces or tabs.
  std::string tabs = known(sshd);
  std::replace(tabs.begin(), tabs.end(), ' ', '\t');
  server.known_hosts = tabs;
  CHECK(ssh::Session(server, 5s).host_fingerprint() == sshd.fingerprint());
  for (const std::string& line : {"@revoked\t" + tabs, "@revoked " + tabs, "@revoked\t" + known(sshd)}) {
    server.known_hosts = known(sshd) + line;
    CHECK_THROWS_WITH(ssh::Session(server, 5s), Catch::Contains("revoked"));
  }
  server.known_hosts = "@cert-authority " + known(sshd);
  CHECK(fault_of(server) == Fault::host_key);
}

TEST_CASE("keys of every kind log in, with their passphrase; RSA with SHA-2") {
  const Sshd sshd({{"ed25519"}, "internal-sftp", "PubkeyAcceptedAlgorithms -ssh-rsa\n"});
  auto server = profile(sshd);
  for (const char* kind : {"ed25519", "ecdsa", "rsa"}) {
    for (const char* passphrase : {"", "une phrase"}) {
      sshd.make_key("tried", kind, passphrase);
      sshd.authorise("tried");
      server.key = sshd.dir.get("tried");
      server.password = passphrase;
      CHECK_NOTHROW(ssh::Session(server, 5s));
    }
  }
  server.password = "une autre";
  CHECK(fault_of(server) == Fault::credential);
  server.password.clear();
  CHECK(fault_of(server) == Fault::credential);
  server.key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
  CHECK(fault_of(server) == Fault::credential);
}

TEST_CASE("a key or a password that the server does not accept is a fault of the login") {
  const Sshd sshd({{"ed25519"}, "internal-sftp", "KbdInteractiveAuthentication yes\n"});
  sshd.make_key("stranger", "ed25519");
  auto server = profile(sshd);
  server.key = sshd.dir.get("stranger");
  CHECK(fault_of(server) == Fault::login);
  server.key.clear();
  server.password = "wrong";
  CHECK(fault_of(server) == Fault::login);
}

TEST_CASE("a server that ends the connection at a login that it refuses refuses it") {
  const Sshd sshd({{"ed25519"}, "internal-sftp", "MaxAuthTries 1\n"});
  sshd.make_key("stranger", "ed25519");
  auto server = profile(sshd);
  server.key = sshd.dir.get("stranger");
  CHECK(fault_of(server) == Fault::login);
}

TEST_CASE("what a server says before any login is told in printable words") {
  const std::uint16_t port = test::free_port();
  const test::Process rude({"/usr/bin/python3", "tests/support/rude_sshd.py", std::to_string(port)});
  test::wait_until([&] { return test::answers(port); }, "the server");
  ssh::Server server;
  server.host = "127.0.0.1";
  server.port = port;
  server.user = "partenaire";
  server.fingerprint = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  server.password = "secret";
  std::string said;
  try {
    const ssh::Session session(server, 5s);
  } catch (const ssh::SshError& e) {
    said = e.what();
  }
  CHECK_THAT(said, Catch::Contains("rouge") && Catch::Contains("une autre ligne"));
  CHECK(std::none_of(said.begin(), said.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }));
}

TEST_CASE("no address, nobody there, nobody who answers") {
  Sshd sshd;
  auto server = profile(sshd);
  auto nowhere = server;
  nowhere.host = "nulle-part.invalid";
  CHECK(fault_of(nowhere) == Fault::resolution);
  sshd.signal(SIGSTOP);  // the kernel still takes connections for it
  CHECK(fault_of(server, 300ms) == Fault::timed_out);
  sshd.stop();
  CHECK(fault_of(server) == Fault::connection);
}

TEST_CASE("no algorithm in common, no sftp there") {
  const Sshd strange({{"ed25519"}, "internal-sftp", "KexAlgorithms diffie-hellman-group1-sha1\n"});
  CHECK(fault_of(profile(strange)) == Fault::key_exchange);
  const Sshd without({{"ed25519"}, "internal-sftp", "Match all\nForceCommand false\n"});
  CHECK_THROWS_AS(ssh::Session(profile(without), 2s).read(nullptr, 0, true), ssh::SshError);
}

TEST_CASE("a connection that dies or falls silent is told apart") {
  Sshd sshd;
  ssh::Session session(profile(sshd), 400ms);
  std::array<char, 64> buffer{};
  CHECK(session.read(buffer.data(), buffer.size(), false) == 0);
  try {
    session.read(buffer.data(), buffer.size(), true);
    FAIL("something was read");
  } catch (const ssh::SshError& e) {
    CHECK(e.fault() == Fault::timed_out);
  }
  ssh::Session killed(profile(sshd), 5s);
  sshd.signal_sessions(SIGKILL);
  try {
    killed.read(buffer.data(), buffer.size(), true);
    FAIL("something was read");
  } catch (const ssh::SshError& e) {
    CHECK(e.fault() == Fault::lost);
  }
}

TEST_CASE("what answers and is no SSH server may be one later, and says where to look") {
  const Sshd sshd;
  auto server = profile(sshd);
  server.port = test::free_port();
  const test::Process web({"/usr/bin/python3", "-m", "http.server", std::to_string(server.port), "--bind", "127.0.0.1"},
                          sshd.dir / "web.log");
  test::wait_until([&] { return test::answers(server.port); }, "the web server");
  CHECK(fault_of(server) == Fault::lost);
  CHECK_THROWS_WITH(ssh::Session(server, 5s), Catch::StartsWith("127.0.0.1:" + std::to_string(server.port) + ": ") &&
                                                  Catch::Contains("are host and port of its profile right?"));
}

TEST_CASE("what a server is silent at is told") {
  const Sshd sshd;
  sshd.signal(SIGSTOP);
  CHECK_THROWS_WITH(ssh::Session(profile(sshd), 300ms),
                    Catch::Contains("(SSH negotiation)") && Catch::Contains("introduced itself"));
  sshd.signal(SIGCONT);
}
