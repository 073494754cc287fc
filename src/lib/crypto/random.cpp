#include "lib/crypto/random.h"

#include <limits>

#include <openssl/rand.h>

#include "base/error.h"

namespace navette::crypto {

std::string random_bytes(std::size_t count) {
  if (count > static_cast<std::size_t>(std::numeric_limits<int>::max())) throw Error("too many random bytes asked for");
  std::string bytes(count, '\0');
  // unsigned char may look at any object's bytes.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
    throw Error("OpenSSL's random generator is not ready");
  }
  return bytes;
}

}  // namespace navette::crypto
