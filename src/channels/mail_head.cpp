#include "channels/mail_head.h"

#include "model/civil_time.h"

namespace navette::channels {

mime::Message mail_head(const std::string& from, std::vector<std::string> to, const std::string& message_id,
                        Instant now) {
  mime::Message head;
  head.from = {"navette", from};
  head.to = std::move(to);
  head.date = now;
  head.utc_offset = model::paris_offset(now);
  head.message_id = message_id;
  return head;
}

}  // namespace navette::channels
