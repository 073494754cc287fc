// What the files of this room share of OpenSSL: it includes its headers, so nothing outside lib/crypto includes it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/x509.h>

#include "base/clock.h"

namespace navette::crypto {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

// Reads `bytes`, which outlive it.
Bio reader_of(std::string_view bytes);
Bio memory_writer();
std::string written_to(BIO* bio);

// The last error of the thread, which is cleared.
[[noreturn]] void throw_openssl(const char* what);

bool is_elliptic(X509* certificate);
// RSA of 2048 to 8192 bits or EC of 256 at least, else CertificateError.
void require_usable_key(X509* certificate);
// Throws CertificateError when it is not valid yet, or has expired.
void require_in_time(X509* certificate, Instant now);
Instant last_second(X509* certificate);

}  // namespace navette::crypto
