#include "channels/credentials.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>

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
