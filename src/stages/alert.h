// Tells each Caf, once a day, what needs a person: one e-mail to the contacts that its habilitations flux name
// (DESIGN.md: `serve` has no exit code to show).
//
// Guarantees. At most one mail a Caf and Paris day is accepted; a server that does not take it is tried again. It names
// lieux, remises, communes and reasons, nothing of a family (R9). A Caf learns of its own lieux only, and of what
// concerns the whole site.
#pragma once

#include <stop_token>
#include <string>

#include "base/clock.h"
#include "channels/mail_sender.h"
#include "lib/xml/stylesheet.h"
#include "model/reference_data.h"
#include "stages/intake.h"
#include "store/store.h"

namespace navette::stages {

struct AlertTools {
  store::Store& store;
  channels::MailSender& mail;
  const xml::Stylesheet& stylesheet;  // xslt/alerte.xsl
  const model::ReferenceData& reference;
  const Senders& senders;
  std::string from;
  const Clock& clock;
};

struct AlertReport {
  std::size_t accepted = 0;
  bool waits = false;  // for the mail server, which has not answered yet
};

// Throws what the store throws.
AlertReport alert(const AlertTools& tools, const std::stop_token& stop);

}  // namespace navette::stages
