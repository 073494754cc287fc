// Mails of a thread that has other work, which it does while it waits for the server, and goes on when its patience
// ends; so does the mail, whose answer may take ten minutes (RFC 5321 4.5.3.2.6). Who sends it again then hears what
// came of it.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/event.h"
#include "channels/mail_sender.h"

namespace navette::channels {

// One mail at a time is under way. Called from one thread.
class MailBeside final : public MailSender {
 public:
  // Both must outlive this.
  MailBeside(MailSender& server, const Clock& clock) : server_(server), clock_(clock) {}

  // For how long a mail is waited for (none: until its answer or a stop), and what is done meanwhile, every tenth of a
  // second; it sends no mail by this.
  void wait_so(std::optional<std::chrono::milliseconds> patience, std::function<void()> meanwhile) {
    patience_ = patience;
    meanwhile_ = std::move(meanwhile);
  }

  // Without an answer in time: MailOutcome::under_way, for this mail and at once for whatever is asked for while that
  // one is. The same mail (message_id) sent again is the same attempt: MailOutcome::at tells when it was accepted. A
  // stop ends what is under way as MailSender says; so does the destructor.
  MailOutcome send(const Mail& mail, const std::stop_token& stop) override;

  // Set when the server has answered a mail that send() gave up waiting for; whoever waits for it clears it.
  Event& answered() { return answered_; }

 private:
  struct UnderWay {
    std::string message_id;
    std::future<MailOutcome> outcome;
    std::jthread thread;
  };
  void begin(const Mail& mail);
  bool wait_for_end(std::optional<std::chrono::milliseconds> patience, const std::stop_token& stop);

  MailSender& server_;
  const Clock& clock_;
  Event answered_;
  std::optional<std::chrono::milliseconds> patience_;
  std::function<void()> meanwhile_;
  std::map<std::string, MailOutcome> ended_;  // by message_id: nobody has heard of it yet
  std::optional<UnderWay> under_way_;
};

}  // namespace navette::channels
