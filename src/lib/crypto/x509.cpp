#include "lib/crypto/x509.h"

#include <ctime>
#include <limits>

#include <openssl/err.h>

#include "lib/crypto/cms.h"

namespace navette::crypto {

Bio reader_of(std::string_view bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) throw Error("too much for OpenSSL");
  Bio bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

Bio memory_writer() {
  Bio bio(BIO_new(BIO_s_mem()));
  if (!bio) throw std::bad_alloc();
  return bio;
}

std::string written_to(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

void throw_openssl(const char* what) {
  const unsigned long code = ERR_peek_last_error();
  const char* why = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  throw Error(std::string(what) + ": " + (why != nullptr ? why : "OpenSSL does not say why"));
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

void require_in_time(X509* certificate, Instant now) {
  std::time_t at = std::chrono::system_clock::to_time_t(now);
  if (X509_cmp_time(X509_get0_notBefore(certificate), &at) > 0) throw CertificateError("it is not valid yet");
  if (X509_cmp_time(X509_get0_notAfter(certificate), &at) < 0) throw CertificateError("it has expired");
}

Instant last_second(X509* certificate) {
  std::tm at{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &at) != 1) throw_openssl("certificate");
  return Instant(std::chrono::seconds(::timegm(&at)));
}

}  // namespace navette::crypto
