// Whether a server would take what we send, tried step by step without sending anything: `check --reach`.
//
// What is tried is what a delivery does, in its order and by the same code, with a file of one line. Nothing of it
// stays at the server, or its path is told.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "channels/credentials.h"
#include "channels/smtp_sender.h"
#include "model/partner_profile.h"

namespace navette::channels {

struct Probe {
  std::vector<std::string> passed;  // steps that went well, in words for the operator: "name", "connection" …
  std::string failed;               // the step that did not; empty when all did
  std::string problem;              // what was met there
  std::string advice;               // which setting to change, or whom to ask
  // Of `failed`: deliveries arrive all the same.
  bool delivers = true;
  bool answered = true;  // false: no SSH server did, so that none will for another lieu of that account either
  // Those of the profile, with links followed and the host key of the server that was met; empty when it tells none.
  std::vector<model::Place> places;
};

// The credentials that a profile names: there, closed to others, usable. No network.
Probe probe_credentials(const model::SftpProfile& profile, const Credentials& credentials);
// The same of a lieu's box, as the next mail would read it; a certificate that expires within 30 days too. `profile`
// protects its mails.
Probe probe_credentials(const model::CourrielProfile& profile, const Credentials& credentials, Instant now);

// The first, then name, connection, host key, login, directory; then writing, size, rename, replacing and removing,
// each as the profile says; and whether the directory of returns can be listed and a file there read. `patience` bounds
// each silence of the server. Once a stop is asked for, ends within some seconds.
Probe probe_sftp(const model::SftpProfile& profile, const Credentials& credentials, std::chrono::milliseconds patience,
                 const std::stop_token& stop);

// Name, connection, TLS and login of the mail server, and whether it takes `from` as a sender; no recipient is named,
// and no mail sent. Many servers put off what they mind until there is one.
Probe probe_mail(const SmtpSettings& settings, const std::string& from, const Credentials& credentials,
                 std::chrono::milliseconds patience, const std::stop_token& stop);

}  // namespace navette::channels
