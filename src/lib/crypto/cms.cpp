#include "lib/crypto/cms.h"

#include <ctime>
#include <limits>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/crypto/sha256.h"

namespace navette::crypto {
namespace {

constexpr const char* wanted = "; an S/MIME certificate for encryption is wanted, in PEM or DER";
constexpr int largest_names = 2048;  // bytes, of issuer and serial number, which go into each message

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
struct FreeCms {
  void operator()(CMS_ContentInfo* cms) const { CMS_ContentInfo_free(cms); }
};

Bio reader_of(std::string_view bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) throw Error("too much to encrypt");
  Bio bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

[[noreturn]] void throw_openssl(const char* what) {
  const unsigned long code = ERR_peek_last_error();
  const char* why = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  throw Error(std::string(what) + ": " + (why != nullptr ? why : "OpenSSL does not say why"));
}

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

bool is_elliptic(X509* certificate) {
  return EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)) == EVP_PKEY_EC;
}

void require_usable_key(X509* certificate) {
  constexpr int rsa_least = 2048;
  constexpr int rsa_most = 8192;
  constexpr int ec_least = 256;
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) throw CertificateError("its key is of a kind that is not known here");
  const int bits = EVP_PKEY_get_bits(key);
  const bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && bits >= rsa_least && bits <= rsa_most;
  if (!rsa && !(is_elliptic(certificate) && bits >= ec_least))
    throw CertificateError("its key must be RSA of 2048 to 8192 bits, or EC of 256 bits at least");
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
  std::time_t at = std::chrono::system_clock::to_time_t(now);
  if (X509_cmp_time(X509_get0_notBefore(c), &at) > 0) throw CertificateError("it is not valid yet");
  if (X509_cmp_time(X509_get0_notAfter(c), &at) < 0) throw CertificateError("it has expired");
  // An extension that is not there leaves all bits set. EC agrees on a key, RSA enciphers one.
  const std::uint32_t usage = X509_get_key_usage(c);
  if ((usage & (is_elliptic(c) ? KU_KEY_AGREEMENT : KU_KEY_ENCIPHERMENT)) == 0)
    throw CertificateError(std::string("its keyUsage does not allow encryption (perhaps it is for signatures)") +
                           wanted);
  if ((X509_get_extended_key_usage(c) & (XKU_SMIME | XKU_ANYEKU)) == 0)
    throw CertificateError(std::string("its extendedKeyUsage does not allow e-mail") + wanted);
}

Instant Certificate::expires() const {
  std::tm at{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate_.get()), &at) != 1) throw_openssl("certificate");
  return Instant(std::chrono::seconds(::timegm(&at)));
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
  const Bio out(BIO_new(BIO_s_mem()));
  if (!out || i2d_CMS_bio(out.get(), cms.get()) != 1) throw_openssl("cannot write what was encrypted");
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace navette::crypto
