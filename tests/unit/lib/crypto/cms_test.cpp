// Decrypted by the openssl command, as a mail reader would.
#include "lib/crypto/cms.h"

#include <catch2/catch.hpp>

#include "support/process.h"
#include "unit/base/temp_dir.h"

using namespace navette;
using crypto::Certificate;
using crypto::CertificateError;

namespace {

// Certificates are made for two days, from when they are made.
const Instant now = SystemClock().now() + std::chrono::hours(1);

class Owner {
 public:
  explicit Owner(const std::vector<std::string>& key = {"rsa:2048"}, const std::vector<std::string>& more = {},
                 const std::string& name = "/CN=rpe") {
    std::vector<std::string> command{"openssl", "req",           "-x509", "-nodes",        "-days",
                                     "2",       "-subj",         name,    "-newkey",       key[0],
                                     "-keyout", path("key.pem"), "-out",  path("cert.pem")};
    command.insert(command.end(), key.begin() + 1, key.end());
    command.insert(command.end(), more.begin(), more.end());
    test::run(command);
  }
  std::string path(const std::string& name) const { return (dir / name).string(); }
  Certificate certificate() const { return Certificate::parse(dir.get("cert.pem")); }
  std::string decrypt(const std::string& der) const {
    dir.put("message.der", der);
    test::run({"openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", path("message.der"), "-inkey",
               path("key.pem"), "-recip", path("cert.pem"), "-out", path("plain")});
    return dir.get("plain");
  }
  test::TempDir dir;
};

std::string all_bytes(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(i % 256);
  return out;
}

std::string why_unfit(const Certificate& certificate, Instant at) {
  try {
    certificate.require_fit(at);
    return "fit";
  } catch (const CertificateError& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("what is encrypted to a certificate is read by its holder, byte for byte, and never twice the same") {
  for (const auto& key :
       {std::vector<std::string>{"rsa:2048"}, std::vector<std::string>{"ec", "-pkeyopt", "ec_paramgen_curve:P-256"}}) {
    const Owner owner(key);
    for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 100000U}) {
      const std::string content = all_bytes(size);
      const std::string der = owner.certificate().encrypt(content);
      CHECK(owner.decrypt(der) == content);
      CHECK(der.size() <= crypto::largest_encrypted(size));
      CHECK(der != owner.certificate().encrypt(content));
    }
  }
}

TEST_CASE("it is AES-256 that the message says") {
  const Owner owner;
  owner.dir.put("m.der", owner.certificate().encrypt("x"));
  test::run(
      {"sh", "-c",
       "openssl cms -cmsout -print -inform DER -in '" + owner.path("m.der") + "' > '" + owner.path("shown") + "'"});
  CHECK_THAT(owner.dir.get("shown"), Catch::Contains("aes-256-cbc"));
}

TEST_CASE("the frame is within its bound with the largest key and the longest names") {
  std::string name;
  for (int i = 0; i < 30; ++i) name += "/OU=" + std::string(55, 'n');
  constexpr std::uint64_t to_8192 = 512;  // bytes that the key makes more; to make one takes a minute
  const Owner owner({"rsa:4096"}, {}, name);
  CHECK(owner.certificate().encrypt("").size() + to_8192 <= crypto::largest_encrypted(0));
  for (int i = 0; i < 6; ++i) name += "/OU=" + std::string(55, 'n');
  CHECK_THROWS_WITH(Owner({"rsa:2048"}, {}, name).certificate(), Catch::Contains("2 KiB"));
}

TEST_CASE("a certificate in DER is the same certificate") {
  const Owner owner;
  test::run({"openssl", "x509", "-in", owner.path("cert.pem"), "-outform", "DER", "-out", owner.path("cert.der")});
  CHECK(Certificate::parse(owner.dir.get("cert.der")).fingerprint() == owner.certificate().fingerprint());
}

TEST_CASE("what is no certificate, or has a key that is too weak, is refused with what is wanted") {
  const Owner owner;
  for (const std::string& bytes : {std::string(), std::string("mot de passe\n"), owner.dir.get("key.pem")})
    CHECK_THROWS_WITH(Certificate::parse(bytes), Catch::Contains("not a certificate"));
  CHECK_THROWS_WITH(Owner({"rsa:1024"}).certificate(), Catch::Contains("2048"));
  CHECK_THROWS_WITH(Owner({"ed25519"}).certificate(), Catch::Contains("RSA"));
}

TEST_CASE("a certificate is of use in its time and for its use only") {
  const auto with = [](const char* extension) { return Owner({"rsa:2048"}, {"-addext", extension}).certificate(); };
  const Certificate plain = Owner().certificate();
  CHECK(why_unfit(plain, now) == "fit");
  CHECK_THAT(why_unfit(plain, now + std::chrono::days(3)), Catch::Contains("expired"));
  CHECK_THAT(why_unfit(plain, now - std::chrono::days(1)), Catch::Contains("not valid yet"));
  CHECK(why_unfit(with("keyUsage=keyEncipherment"), now) == "fit");
  CHECK_THAT(why_unfit(with("keyUsage=digitalSignature"), now), Catch::Contains("keyUsage"));
  CHECK(why_unfit(with("extendedKeyUsage=emailProtection"), now) == "fit");
  CHECK_THAT(why_unfit(with("extendedKeyUsage=serverAuth"), now), Catch::Contains("extendedKeyUsage"));
}
