// Content that only the holder of a certificate can read: CMS EnvelopedData (RFC 5652, S/MIME 4.0). No OpenSSL header
// leaves lib/crypto.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

struct x509_st;  // OpenSSL's X509

namespace navette::crypto {

// What is wrong with a certificate, and what kind is wanted.
class CertificateError : public Error {
 public:
  using Error::Error;
};

class Certificate {
 public:
  // PEM (its first certificate) or DER. Throws CertificateError for anything else, and for keys that nothing can be
  // encrypted to here: other than RSA of 2048 to 8192 bits or EC of 256 at least.
  static Certificate parse(std::string_view bytes);

  // Throws CertificateError when nothing may be encrypted to it at `now`: not valid yet, expired, or made for another
  // use (keyUsage, extendedKeyUsage). Who issued it is not looked at: whoever put the file there vouches for it.
  void require_fit(Instant now) const;

  // Its last second.
  Instant expires() const;

  // SHA-256 of its DER, in 64 lower-case hexadecimal digits.
  const std::string& fingerprint() const { return fingerprint_; }

  // DER. AES-256-CBC, which every S/MIME reader understands; the key by RSA (PKCS #1 v1.5, for the same reason) or by
  // ECDH (SHA-256). Random: never twice the same bytes. Throws Error when OpenSSL fails.
  std::string encrypt(std::string_view content) const;

 private:
  struct Free {
    void operator()(x509_st* certificate) const;
  };
  explicit Certificate(x509_st* certificate);

  std::unique_ptr<x509_st, Free> certificate_;
  std::string fingerprint_;
};

// Bytes that encrypt() makes of `content` bytes, at most, whatever the certificate: padding, and a key with the
// issuer's name, which parse() holds to 2 KiB together.
constexpr std::uint64_t largest_encrypted(std::uint64_t content) {
  constexpr std::uint64_t block = 16;
  constexpr std::uint64_t frame = 4096;
  return content + block + frame;
}

}  // namespace navette::crypto
