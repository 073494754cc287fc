#include "lib/crypto/sha256.h"

#include <array>

#include <openssl/evp.h>

#include "base/error.h"
#include "base/text.h"

namespace navette::crypto {
namespace {

// Fetched once: OpenSSL 3 otherwise looks the algorithm up in its providers at every digest, which costs more than
// hashing a short text.
const EVP_MD* algorithm() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (md == nullptr) throw Error("OpenSSL offers no SHA-256");
  return md;
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_) throw Error("OpenSSL cannot make a digest context");
  start();
}

void Sha256::start() {
  if (EVP_DigestInit_ex(context_.get(), algorithm(), nullptr) != 1) throw Error("OpenSSL cannot begin a SHA-256");
}

Sha256& Sha256::update(std::string_view bytes) {
  if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1)
    throw Error("OpenSSL cannot go on with a SHA-256");
  return *this;
}

std::string Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(context_.get(), digest.data(), &size) != 1) throw Error("OpenSSL cannot end a SHA-256");
  start();
  return {digest.begin(), digest.begin() + size};
}

std::string Sha256::finish_hex() {
  return text::hex(finish());
}

std::string sha256(std::string_view bytes) {
  return Sha256().update(bytes).finish();
}

std::string sha256_hex(std::string_view bytes) {
  return Sha256().update(bytes).finish_hex();
}

}  // namespace navette::crypto
