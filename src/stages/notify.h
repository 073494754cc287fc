// Tells the habilitated persons that demandes wait for them (R4); the acceptance of that e-mail is day 0 of the pickup
// (R5).
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "channels/mail_sender.h"
#include "lib/xml/stylesheet.h"
#include "stages/deliver.h"
#include "store/store.h"

namespace navette::stages {

struct NotifyReport {
  std::size_t accepted = 0;
  std::size_t deferred = 0;
  bool more = false;  // is due, and was left for the next call
};

struct NotifyTools {
  store::Store& store;
  channels::MailSender& mail;
  const SenderFactory& sender_for;    // a sender knows the words for the place
  const xml::Stylesheet& stylesheet;  // xslt/notification.xsl
  std::string from;                   // address of navette
  const Clock& clock;
  // After so long nothing more is begun: a slow mail server holds up what else a pass has to do for no longer than that
  // and one mail.
  std::chrono::milliseconds slice = std::chrono::seconds(1);
};

// Composed anew at each attempt, since it names the last day; the Message-ID stays the remise's. Sent to all persons
// habilitated on that day; nobody is left, or all are refused: waits, tried again every hour, and counts as needing a
// person. Whoever has it does not get it again. Accepted for some and refused for others is accepted; the others stand
// in the trace by their numéros, with the reasons. With the mail server at fault, one attempt stands for all that are
// due; a stop ends it, and is no attempt unless somebody has it.
NotifyReport notify(const NotifyTools& tools, const std::stop_token& stop);

}  // namespace navette::stages
