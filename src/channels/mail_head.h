// Who writes, to whom and when: the same for every mail of navette.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "lib/mime/message.h"

namespace navette::channels {

// `from`: the address of navette; dated in Europe/Paris. Subject and text are the caller's.
mime::Message mail_head(const std::string& from, std::vector<std::string> to, const std::string& message_id,
                        Instant now);

}  // namespace navette::channels
