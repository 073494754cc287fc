#include "lib/crypto/cms.h"

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/crypto/sha256.h"
#include "lib/crypto/x509.h"

namespace navette::crypto {
namespace {

constexpr const char* wanted = "; an S/MIME certificate for encryption is wanted, in PEM or DER";
constexpr int largest_names = 2048;  // bytes, of issuer and serial number, which go into each message

struct FreeCms {
  void operator()(CMS_ContentInfo* cms) const { CMS_ContentInfo_free(cms); }
};

// A password prompt would hang the daemon.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return 0;
}

std::string der_of(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) throw_openssl("certificate");
  std::string der(static_cast<std::size_t>(size), '\0');
  auto* end = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(certificate, &end);
  return der;
}

void require_short_names(X509* certificate) {
  const int names = i2d_X509_NAME(X509_get_issuer_name(certificate), nullptr) +
                    i2d_ASN1_INTEGER(X509_get_serialNumber(certificate), nullptr);
  if (names > largest_names) throw CertificateError("its issuer's name is longer than 2 KiB");
}

}  // namespace

void Certificate::Free::operator()(x509_st* certificate) const {
  X509_free(certificate);
}

Certificate::Certificate(x509_st* certificate)
    : certificate_(certificate), fingerprint_(sha256_hex(der_of(certificate))) {}

Certificate Certificate::parse(std::string_view bytes) {
  ERR_clear_error();
  X509* found = PEM_read_bio_X509(reader_of(bytes).get(), nullptr, no_password, nullptr);
  if (found == nullptr) found = d2i_X509_bio(reader_of(bytes).get(), nullptr);
  ERR_clear_error();
  if (found == nullptr) throw CertificateError(std::string("it is not a certificate") + wanted);
  Certificate certificate(found);
  require_usable_key(found);
  require_short_names(found);
  return certificate;
}

void Certificate::require_fit(Instant now) const {
  X509* c = certificate_.get();
  require_in_time(c, now);
  // An extension that is not there leaves all bits set. EC agrees on a key, RSA enciphers one.
  const std::uint32_t usage = X509_get_key_usage(c);
  if ((usage & (is_elliptic(c) ? KU_KEY_AGREEMENT : KU_KEY_ENCIPHERMENT)) == 0)
    throw CertificateError(std::string("its keyUsage does not allow encryption (perhaps it is for signatures)") +
                           wanted);
  if ((X509_get_extended_key_usage(c) & (XKU_SMIME | XKU_ANYEKU)) == 0)
    throw CertificateError(std::string("its extendedKeyUsage does not allow e-mail") + wanted);
}

Instant Certificate::expires() const {
  return last_second(certificate_.get());
}

std::string Certificate::encrypt(std::string_view content) const {
  ERR_clear_error();
  const std::unique_ptr<CMS_ContentInfo, FreeCms> cms(
      CMS_encrypt(nullptr, nullptr, EVP_aes_256_cbc(), CMS_BINARY | CMS_PARTIAL));
  if (!cms) throw_openssl("cannot encrypt");
  CMS_RecipientInfo* recipient = CMS_add1_recipient_cert(cms.get(), certificate_.get(), CMS_KEY_PARAM);
  if (recipient == nullptr) throw_openssl("cannot encrypt to the certificate");
  // OpenSSL's own choice is SHA-1.
  if (is_elliptic(certificate_.get()) &&
      EVP_PKEY_CTX_set_ecdh_kdf_md(CMS_RecipientInfo_get0_pkey_ctx(recipient), EVP_sha256()) <= 0)
    throw_openssl("cannot encrypt to the certificate");
  if (CMS_final(cms.get(), reader_of(content).get(), nullptr, CMS_BINARY) != 1) throw_openssl("cannot encrypt");
  const Bio out = memory_writer();
  if (i2d_CMS_bio(out.get(), cms.get()) != 1) throw_openssl("cannot write what was encrypted");
  return written_to(out.get());
}

}  // namespace navette::crypto
