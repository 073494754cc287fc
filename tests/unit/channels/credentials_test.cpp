#include "channels/credentials.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "channels/sftp_access.h"
#include "unit/base/temp_dir.h"

using namespace navette;
using channels::CredentialError;
using channels::Credentials;
namespace fs = std::filesystem;

namespace {

void put(const test::TempDir& dir, const std::string& name, const std::string& bytes) {
  dir.put(name, bytes);
  fs::permissions(dir / name, fs::perms::owner_read | fs::perms::owner_write);
}

model::SftpProfile profile() {
  model::SftpProfile p;
  p.host = "sftp.example.org";
  p.user = "caf";
  p.credential = "secret";
  p.fingerprint = "SHA256:" + std::string(43, 'A');
  return p;
}

}  // namespace

TEST_CASE("what is no file of ours is no credential, and says what to do") {
  const test::TempDir dir;
  const Credentials credentials(dir.path());
  put(dir, "there", "secret\n");
  REQUIRE(credentials.read("there") == "secret\n");
  fs::create_symlink("there", dir / "link");
  CHECK_THROWS_WITH(credentials.read("link"), Catch::Contains("is a symbolic link; put the file itself there"));
  fs::create_directory(dir / "folder");
  fs::permissions(dir / "folder", fs::perms::owner_all);
  CHECK_THROWS_AS(credentials.read("folder"), CredentialError);
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  CHECK_THROWS_AS(credentials.read("fifo"), CredentialError);
  put(dir, "large", std::string(65537, 'x'));
  CHECK_THROWS_AS(credentials.read("large"), CredentialError);
  CHECK_THROWS_WITH(credentials.read("absent"), Catch::Contains("is missing"));
  fs::permissions(dir / "there", fs::perms::others_read, fs::perm_options::add);
  CHECK_THROWS_WITH(credentials.read("there"), Catch::Contains("chmod o="));
}

TEST_CASE("a credential is root's or our own") {
  if (::geteuid() != 0) return;  // nobody else may give files away
  constexpr uid_t us = 4242;
  constexpr uid_t other = 4243;
  const test::TempDir dir;
  const Credentials credentials(dir.path());
  fs::permissions(dir.path(), fs::perms::others_read | fs::perms::others_exec, fs::perm_options::add);
  put(dir, "secret", "secret\n");
  const auto give_to = [&](uid_t owner) {
    REQUIRE(::chown((dir / "secret").c_str(), owner, us) == 0);
    fs::permissions(dir / "secret", fs::perms::owner_read | fs::perms::group_read);
  };
  const auto read_as_us = [&] {
    REQUIRE((::setegid(us) == 0 && ::seteuid(us) == 0));
    std::string what;
    try {
      what = credentials.read("secret");
    } catch (const CredentialError& e) {
      what = e.what();
    }
    REQUIRE((::seteuid(0) == 0 && ::setegid(0) == 0));
    return what;
  };
  for (const uid_t owner : {us, uid_t{0}}) {
    give_to(owner);
    CHECK(read_as_us() == "secret\n");
  }
  give_to(other);
  CHECK_THAT(read_as_us(), Catch::Contains("belongs to another account") && Catch::Contains("chown"));
  CHECK(credentials.read("secret") == "secret\n");  // root's `check`
}

TEST_CASE("a password file that is empty, or only an end of line, is none") {
  const test::TempDir dir;
  const Credentials credentials(dir.path());
  for (const char* nothing : {"", "\n", "\r\n"}) {
    put(dir, "secret", nothing);
    CHECK_THROWS_WITH(credentials.read_line("secret"), Catch::Contains("secret is empty; put its one line there"));
  }
}

TEST_CASE("only a private key is a key, only one line is a password, and nothing else is sent as one") {
  const test::TempDir dir;
  const Credentials credentials(dir.path());
  const auto server = [&](const std::string& secret) {
    put(dir, "secret", secret);
    return server_of(profile(), credentials);
  };
  for (const char* end : {"", "\n", "\r\n"}) {
    const auto s = server(std::string("mot de passe ") + end);
    CHECK((s.key.empty() && s.password == "mot de passe "));
  }
  CHECK(server("ssh-mot de passe").password == "ssh-mot de passe");
  const std::string key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
  CHECK(server(key).key == key);
  for (const std::string& none :
       {"\xEF\xBB\xBF" + key, " " + key, "\n" + key, std::string("PuTTY-User-Key-File-3: ssh-ed25519\nAAAA\n"),
        std::string("PuTTY-User-Key-File-3: ssh-ed25519"), std::string("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 navette\n"),
        std::string("ecdsa-sha2-nistp256 AAAAE2VjZHNh\n"), std::string("---- BEGIN SSH2 PUBLIC KEY ----\n"),
        std::string("-----BEGIN PUBLIC KEY-----\nAAAA\n"), std::string("-----BEGIN CERTIFICATE-----\nAAAA\n"),
        std::string("une\ndeux\n"), std::string("une\n\n"), std::string("\n"), std::string()}) {
    INFO(none);
    CHECK_THROWS_AS(server(none), CredentialError);
  }
  // openssl genpkey -algorithm ed25519
  CHECK_THROWS_WITH(server("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIMmwU0kuHVfq/zlX8WJGGniZ9eLvqH0m/"
                           "rOoMO6mSX+Z\n-----END PRIVATE KEY-----\n"),
                    Catch::Contains("ssh-keygen -t ed25519"));
}

TEST_CASE("what a profile may not name is not read: the mail server's password, a passphrase, a PDF's password") {
  const test::TempDir dir;
  const Credentials credentials(dir.path(), "courriel");
  model::SftpProfile p = profile();
  for (const char* name : {"courriel", "cle-passphrase", "pilat-pdf"}) {
    put(dir, name, "a password\n");
    p.credential = name;
    CHECK_THROWS_AS(channels::server_of(p, credentials), CredentialError);
  }
  CHECK(credentials.read_line("courriel") == "a password");
  CHECK(credentials.read({"pilat-pdf", model::CredentialUse::pdf_password}) == "a password\n");
  CHECK_THROWS_AS(credentials.read({"courriel", model::CredentialUse::pdf_password}), CredentialError);
}
