// Random bytes fit for salts, passwords and identifiers nobody may guess.
#pragma once

#include <cstddef>
#include <string>

namespace navette::crypto {

// From OpenSSL's generator, seeded by the kernel; any thread. Throws Error when it cannot be seeded: there is no
// weaker second choice.
std::string random_bytes(std::size_t count);

}  // namespace navette::crypto
