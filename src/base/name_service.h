// Addresses of a host. The name service may be silent for half a minute and its asking cannot be interrupted: a thread
// of its own asks, and goes on alone when nobody waits for the answer any more.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include <netdb.h>

#include "base/error.h"

namespace navette {

class NameError : public Error {
 public:
  using Error::Error;
};

using Addresses = std::shared_ptr<const addrinfo>;  // the first of a list, stream sockets

// `host`: a name or an address, IPv6 without brackets. Throws NameError when it has none or nobody told within
// `patience`, Interrupted when a stop came first.
Addresses addresses_of(const std::string& host, std::uint16_t port, std::chrono::milliseconds patience,
                       const std::stop_token& stop);

// "192.0.2.1", "2001:db8::1".
std::string numeric(const addrinfo& address);

}  // namespace navette
