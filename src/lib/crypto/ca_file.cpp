#include "lib/crypto/ca_file.h"

#include <fstream>
#include <memory>
#include <new>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "base/error.h"

namespace navette::crypto {

void require_ca_file(const std::string& file) {
  if (!std::ifstream(file)) throw Error(file + " cannot be read");
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(), X509_STORE_free);
  if (!store) throw std::bad_alloc();
  const bool loaded = X509_STORE_load_file(store.get(), file.c_str()) == 1;
  ERR_clear_error();
  if (!loaded) throw Error(file + " holds no certificate in PEM form");
}

}  // namespace navette::crypto
