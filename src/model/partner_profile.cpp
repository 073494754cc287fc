#include "model/partner_profile.h"

#include "model/civil_time.h"

namespace navette::model {

std::optional<Instant> next_opening(const SendingWindow& window, Instant now) {
  if (window.begin == window.end) return std::nullopt;  // the whole day
  const Instant opens = next_paris_time(now, window.begin);
  const Instant closes = next_paris_time(now, window.end);
  // Open when it will close before it opens again; at the very minute of its end it is closed.
  if (opens == now || (closes < opens && closes != now)) return std::nullopt;
  return opens;
}

}  // namespace navette::model
