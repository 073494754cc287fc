// Signatures beside what they sign: CMS SignedData (RFC 5652), detached, with the attributes of CAdES baseline B (ETSI
// EN 319 122-1) as PAdES wants them (EN 319 142-1): content type, SHA-256 and the signing certificate, no signing time.
// No OpenSSL header leaves lib/crypto.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

struct x509_st;      // OpenSSL's X509
struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace navette::crypto {

// What is wrong with a private key, and what to do.
class KeyError : public Error {
 public:
  using Error::Error;
};

// A private key with its certificate. Immutable, shared by threads.
class Signer {
 public:
  // PEM both. `certificates`: the signer's, then those of its chain, which go into each signature. Throws
  // CertificateError (cms.h): none, a key other than RSA of 2048 to 8192 bits or EC of 256 at least, a keyUsage that
  // does not allow signatures. Throws KeyError: no key, one with a passphrase, another certificate's. Signs once, to
  // see that it can.
  static Signer parse(std::string_view certificates, std::string_view key);

  // Throws CertificateError when the signer's certificate is not valid yet, or has expired. Who issued it is not looked
  // at.
  void require_valid(Instant now) const;
  // Its last second.
  Instant expires() const;
  // RSA (PKCS #1 v1.5): the same content gives the same signature. ECDSA draws a random number for each.
  bool deterministic() const;
  // How its holder is named: the common name, else the whole name.
  std::string subject() const;

  // DER of the signature over `pieces`, one after the other. Throws Error when OpenSSL fails.
  std::string sign(const std::vector<std::string_view>& pieces) const { return sign(pieces, nullptr); }
  // Bytes of a signature, at most: always as many for one key with its certificates.
  std::size_t largest() const { return largest_; }

 private:
  struct Free {
    void operator()(x509_st* certificate) const;
    void operator()(evp_pkey_st* key) const;
  };
  using Certificates = std::vector<std::unique_ptr<x509_st, Free>>;
  // `value`, unless null: bytes of the signature proper.
  std::string sign(const std::vector<std::string_view>& pieces, std::size_t* value) const;
  Signer(Certificates certificates, std::unique_ptr<evp_pkey_st, Free> key);

  Certificates certificates_;  // the signer's first
  std::unique_ptr<evp_pkey_st, Free> key_;
  std::string certificate_named_;  // DER of SigningCertificateV2
  std::size_t largest_ = 0;
};

}  // namespace navette::crypto
