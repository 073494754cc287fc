// One demande out of a file: a flux, or a delivered DI_*.xml whose root is `demande`.
#pragma once

#include <optional>
#include <string>

#include "flux/reader.h"

namespace navette::flux {

// The demande of that reference, or the first when `reference` is empty; nothing when the file has none. Of a flux only
// what comes before it is read. The émetteur of a delivered file is not known: empty. `fd` can be rewound. Throws Error
// with code, line and path when the file or that demande is refused, std::system_error when reading fails.
std::optional<DemandeRecord> find_demande(int fd, const Schemas& schemas, const model::ReferenceData& reference_data,
                                          const std::string& reference);

}  // namespace navette::flux
