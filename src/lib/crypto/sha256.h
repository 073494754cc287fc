// SHA-256 by OpenSSL, in one go or piece by piece. No OpenSSL header leaves lib/crypto.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace navette::crypto {

// Movable, not copyable; one thread at a time. Every function throws Error when OpenSSL fails (out of memory, or no
// SHA-256 under the machine's crypto policy).
class Sha256 {
 public:
  Sha256();

  Sha256& update(std::string_view bytes);
  // The 32 bytes of the digest, and the object is as new: it may serve again.
  std::string finish();
  // The same in 64 lower-case hexadecimal digits.
  std::string finish_hex();

 private:
  void start();
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string sha256(std::string_view bytes);      // 32 bytes
std::string sha256_hex(std::string_view bytes);  // 64 lower-case hexadecimal digits

}  // namespace navette::crypto
