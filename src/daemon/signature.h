// Who signs the PDFs: the certificate and key of [signature].
#pragma once

#include <memory>

#include "base/clock.h"
#include "config/config.h"
#include "lib/crypto/signer.h"

namespace navette::daemon {

// Null when none is configured. Read once: a new one counts when navette starts again. Throws Error: what, which file,
// what to do.
std::shared_ptr<const crypto::Signer> load_signer(const config::Config& config);

// Whether its certificate holds at `now`. Throws Error, in the same way.
void require_valid(const config::Config& config, const crypto::Signer& signer, Instant now);

}  // namespace navette::daemon
