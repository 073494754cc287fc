// Copies that prove what they copied.
#pragma once

#include <optional>
#include <string>

#include "base/directory.h"
#include "model/delivery.h"

namespace navette::channels {

// Copies `file` from `source` into `target` under the same name, which must not exist there yet (mode 0640 whatever the
// umask), and checks size and SHA-256 of the very bytes it wrote. Returns nothing when they are as announced, else what
// is wrong with the source, for the operator: missing, not a regular file, other size, other content; a partial file
// may then remain in `target`. Not synced. Throws std::system_error when reading or writing fails.
std::optional<std::string> copy_verified(const Directory& source, const Directory& target,
                                         const model::RemiseFile& file);

// Whether the file of that name in `directory` is a regular file with that size and SHA-256.
bool is_intact(const Directory& directory, const model::RemiseFile& file);

}  // namespace navette::channels
