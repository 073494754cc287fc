// The CA that a TLS client is told to trust.
#pragma once

#include <string>

namespace navette::crypto {

// Throws Error unless `file` can be read and holds a certificate in PEM: what OpenSSL, and so libcurl, asks of it.
void require_ca_file(const std::string& file);

}  // namespace navette::crypto
