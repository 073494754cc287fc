// Verified by the openssl command, as a reader would.
#include "lib/crypto/signer.h"

#include <catch2/catch.hpp>

#include "lib/crypto/cms.h"
#include "support/process.h"
#include "unit/base/temp_dir.h"

using namespace navette;
using crypto::CertificateError;
using crypto::KeyError;
using crypto::Signer;

namespace {

const std::vector<std::string> rsa{"rsa:2048"};
const std::vector<std::string> ecdsa{"ec", "-pkeyopt", "ec_paramgen_curve:P-256"};
const std::string content = "what is signed, in two pieces";

// A key with a certificate that it signed itself.
class Holder {
 public:
  explicit Holder(const std::vector<std::string>& key = rsa, const std::vector<std::string>& more = {},
                  const std::string& name = "/O=Caf/CN=Cachet de la Caf") {
    std::vector<std::string> command{"openssl", "req", "-x509", "-nodes", "-utf8",
                                     "-days",   "2",   "-subj", name,     "-newkey"};
    command.insert(command.end(), key.begin(), key.end());
    command.insert(command.end(), {"-keyout", path("key.pem"), "-out", path("cert.pem")});
    command.insert(command.end(), more.begin(), more.end());
    test::run(command);
  }
  std::string path(const std::string& name) const { return (dir / name).string(); }
  std::string shown(const std::string& command) const {
    test::run({"sh", "-c", "cd '" + dir.path().string() + "' && { " + command + "; } > shown 2>&1"});
    return dir.get("shown");
  }
  Signer signer() const { return Signer::parse(dir.get("cert.pem"), dir.get("key.pem")); }
  // Whether `signature` is over `bytes`, its certificate bound to it as CAdES wants.
  bool verifies(const std::string& signature, const std::string& bytes) const {
    dir.put("signature", signature);
    dir.put("signed", bytes);
    return shown(
               "openssl cms -verify -cades -binary -inform DER -in signature -content signed -CAfile cert.pem -purpose "
               "any -out /dev/null || true")
               .find("Verification successful") != std::string::npos;
  }
  test::TempDir dir;
};

std::string signed_by(const Signer& signer) {
  return signer.sign({std::string_view(content).substr(0, 7), std::string_view(content).substr(7)});
}

std::string attributes_of(const Holder& holder, const std::string& signature) {
  holder.dir.put("s.der", signature);
  const std::string all = holder.shown("openssl cms -cmsout -print -inform DER -in s.der");
  return all.substr(all.find("signerInfos"));
}

}  // namespace

TEST_CASE("a signature over pieces is one over them joined, and over nothing else") {
  for (const auto& key : {rsa, ecdsa, {"ec", "-pkeyopt", "ec_paramgen_curve:P-384"}}) {
    const Holder holder(key);
    const Signer signer = holder.signer();
    const std::string signature = signed_by(signer);
    CHECK(signature.size() <= signer.largest());
    CHECK(signature.size() + 20 > signer.largest());
    CHECK(holder.verifies(signature, content));
    CHECK_FALSE(holder.verifies(signature, content + "!"));
    CHECK_FALSE(Holder(key).verifies(signature, content));
  }
}

TEST_CASE("it carries what PAdES asks for, and no time") {
  const Holder holder;
  const std::string shown = attributes_of(holder, signed_by(holder.signer()));
  CHECK_THAT(shown, Catch::Contains("contentType") && Catch::Contains("messageDigest") && Catch::Contains("sha256") &&
                        Catch::Contains("id-smime-aa-signingCertificateV2"));
  CHECK_THAT(shown, !Catch::Contains("signingTime") && !Catch::Contains("S/MIME Capabilities"));
}

TEST_CASE("RSA signs the same content in the same bytes, ECDSA does not") {
  const Holder with_rsa;
  const Holder with_ecdsa(ecdsa);
  CHECK(with_rsa.signer().deterministic());
  CHECK(signed_by(with_rsa.signer()) == signed_by(with_rsa.signer()));
  CHECK_FALSE(with_ecdsa.signer().deterministic());
  CHECK(signed_by(with_ecdsa.signer()) != signed_by(with_ecdsa.signer()));
}

TEST_CASE("ECDSA signatures, whose length varies, stay within what was said") {
  const Holder holder(ecdsa);
  for (int i = 0; i < 5; ++i) {
    const Signer signer = holder.signer();
    CHECK(signer.largest() == holder.signer().largest());
    for (int j = 0; j < 100; ++j) REQUIRE(signed_by(signer).size() <= signer.largest());
  }
}

TEST_CASE("the chain leaves with the signature, the signer's certificate first in its file") {
  const Holder holder;
  const Holder authority(rsa, {}, "/CN=AC intermediaire");
  const std::string self_signed = holder.dir.get("cert.pem");
  CHECK_THROWS_WITH(Signer::parse(self_signed + authority.dir.get("cert.pem"), holder.dir.get("key.pem")),
                    Catch::Contains("certificate 2 did not issue the one before it"));
  holder.shown(
      "openssl req -new -utf8 -key key.pem -subj '/O=Caf/CN=Cachet de la Caf' -out r.pem && openssl x509 -req -in "
      "r.pem -CA '" +
      authority.path("cert.pem") + "' -CAkey '" + authority.path("key.pem") + "' -set_serial 7 -days 2 -out cert.pem");
  const std::string chain = holder.dir.get("cert.pem") + "a line of text\n" + authority.dir.get("cert.pem");
  const Signer signer = Signer::parse(chain, holder.dir.get("key.pem"));
  CHECK(signer.subject() == "Cachet de la Caf");
  const std::string signature = signed_by(signer);
  CHECK(authority.verifies(signature, content));
  const Holder nobody;
  CHECK_FALSE(nobody.verifies(signature, content));
  holder.dir.put("s.der", signature);
  const std::string names = holder.shown("openssl pkcs7 -inform DER -in s.der -print_certs");
  CHECK_THAT(names, Catch::Contains("CN = Cachet de la Caf") && Catch::Contains("CN = AC intermediaire"));
  const std::string reversed = authority.dir.get("cert.pem") + holder.dir.get("cert.pem");
  CHECK_THROWS_WITH(Signer::parse(reversed, holder.dir.get("key.pem")), Catch::Contains("must be the first"));
}

TEST_CASE("a certificate that cannot serve says why") {
  for (const std::string curve : {"secp256k1", "brainpoolP256r1"}) {
    const Holder odd({"ec", "-pkeyopt", "ec_paramgen_curve:" + curve});
    CHECK_THROWS_WITH(odd.signer(), Catch::Contains("must be of the curve P-256"));
  }
  const Holder holder;
  const std::string key = holder.dir.get("key.pem");
  const std::string certificate = holder.dir.get("cert.pem");
  CHECK_THROWS_AS(Signer::parse("", key), CertificateError);
  CHECK_THROWS_AS(Signer::parse(key, key), CertificateError);
  CHECK_THROWS_WITH(Signer::parse(certificate + certificate.substr(0, certificate.size() / 2), key),
                    Catch::Contains("what follows its certificate 1 is damaged"));
  const auto why = [](const Holder& h) {
    try {
      h.signer();
      return std::string("fit");
    } catch (const CertificateError& e) {
      return std::string(e.what());
    }
  };
  CHECK_THAT(why(Holder({"rsa:1024"})), Catch::Contains("2048"));
  CHECK_THAT(why(Holder({"ed25519"})), Catch::Contains("RSA of"));
  CHECK_THAT(why(Holder(rsa, {"-addext", "keyUsage=keyEncipherment"})), Catch::Contains("keyUsage"));
  for (const char* usage : {"keyUsage=digitalSignature", "keyUsage=nonRepudiation"})
    CHECK(why(Holder(rsa, {"-addext", usage})) == "fit");
  CHECK_THAT(why(Holder(rsa, {"-addext", "extendedKeyUsage=critical,serverAuth"})), Catch::Contains("web server's"));
  for (const char* usage : {"emailProtection", "serverAuth,emailProtection", "anyExtendedKeyUsage",
                            "1.3.6.1.5.5.7.3.36", "clientAuth,1.2.840.113583.1.1.5"})
    CHECK(why(Holder(rsa, {"-addext", std::string("extendedKeyUsage=") + usage})) == "fit");
  CHECK_THAT(why(Holder(rsa, {"-addext", "1.2.3.4=critical,DER:0500"})), Catch::Contains("critical extension"));
  CHECK(why(Holder(rsa, {"-addext", "1.2.3.4=DER:0500"})) == "fit");
  CHECK_THAT(why(Holder(rsa, {}, "/")), Catch::Contains("names nobody"));
  CHECK_THROWS_WITH(Signer::parse(certificate + key, key), Catch::Contains("private key as well"));
}

TEST_CASE("a key that cannot serve says why") {
  const Holder holder;
  const Holder other;
  const std::string certificate = holder.dir.get("cert.pem");
  CHECK_THROWS_AS(Signer::parse(certificate, ""), KeyError);
  CHECK_THROWS_WITH(Signer::parse(certificate, certificate), Catch::Contains("no private key"));
  CHECK_THROWS_WITH(Signer::parse(certificate, other.dir.get("key.pem")),
                    Catch::Contains("not the key of the certificate"));
  holder.shown("openssl pkey -in key.pem -aes256 -passout pass:secret -out locked.pem");
  CHECK_THROWS_WITH(Signer::parse(certificate, holder.dir.get("locked.pem")), Catch::Contains("passphrase"));
  holder.shown("openssl rsa -in key.pem -traditional -out old.pem");
  CHECK(Signer::parse(certificate, holder.dir.get("old.pem")).largest() > 0);
}

TEST_CASE("before its first second and after its last a certificate is not valid") {
  const Signer signer = Holder().signer();
  const Instant now = SystemClock().now() + std::chrono::hours(1);
  CHECK_NOTHROW(signer.require_valid(now));
  CHECK_THROWS_WITH(signer.require_valid(now - std::chrono::days(3)), Catch::Contains("not valid yet"));
  CHECK_NOTHROW(signer.require_valid(signer.expires() - std::chrono::seconds(1)));
  CHECK_THROWS_WITH(signer.require_valid(signer.expires() + std::chrono::seconds(1)), Catch::Contains("has expired"));
}
