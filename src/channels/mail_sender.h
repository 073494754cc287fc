// How an e-mail leaves: to a mail server, or into a directory of .eml files (embedded default).
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/delivery.h"

namespace navette::channels {

// A message composed once (lib/mime) and sent again identical: `bytes` are stored before the first attempt.
struct Mail {
  std::string name;                     // stem of a file name, the same at every attempt: the remise's identifier
  std::string message_id;               // local@domain
  std::string from;                     // envelope sender: an address
  std::vector<std::string> recipients;  // addresses, one at least
  std::string bytes;                    // the whole message, CR LF
  // Who is put off waits no longer once somebody else has the mail: Delivered, then.
  bool last_try = false;
  // Called, unless empty, right before the mail can arrive, perhaps from another thread: until then it has not,
  // whatever happens. What it throws comes out of send().
  std::function<void()> before_arrival{};
};

struct RecipientAnswer {
  std::string address;
  model::Outcome outcome;
};

// `outcome` is Delivered when at least one recipient was accepted and none is worth another try: R5's day 0 is the
// instant of that answer. Each recipient's own answer stands in `recipients`, in the order of Mail::recipients.
struct MailOutcome {
  model::Outcome outcome;
  std::vector<RecipientAnswer> recipients;
  // Not Delivered, and yet the server may have taken the mail over: its answer was lost.
  bool in_doubt = false;
  // Not Delivered for a fault of the mail server's, and yet it was of a recipient that it said so: it may take another
  // mail, and what it refuses one while it takes it for another is that one's.
  bool of_recipient = false;
  std::optional<Instant> at{};  // of the answer, where it came before it was asked for
  // No answer yet, to this mail or to another that goes first: nothing is known of it, and it is to be sent again soon.
  bool under_way = false;
};

class MailSender {
 public:
  MailSender() = default;
  MailSender(const MailSender&) = delete;
  MailSender& operator=(const MailSender&) = delete;
  virtual ~MailSender() = default;

  // One attempt. What the server or the disk does wrong is an Outcome, never an exception (Mail::before_arrival's own
  // aside). A mail whose answer was lost
  // may go twice, with the same Message-ID: that is the one thing in navette that may repeat. Several threads may send.
  // A stop ends it soon, with a Retry.
  virtual MailOutcome send(const Mail& mail, const std::stop_token& stop) = 0;
};

}  // namespace navette::channels
