// E-mails through a mail server (lib/curl), over one connection that is kept from mail to mail.
//
// What the server answers for a person stands in that person's Outcome: 4xx is Retry, 5xx Refused, with its words made
// printable, cut, and without the addresses that servers like to repeat (R9: an agent's is personal). To a recipient
// that is the box's fault (Scope::lieu), unless the enhanced status code says that it is the server's; to our sender it
// is the server's; to the content, a 4xx is the server's, whatever the mail, a 5xx the mail's own, as its size is,
// unless that code says that it is of our sender. Who has a mail is not sent it again while others are put off, for as
// long as this object lives; of notifications, the store knows.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "channels/credentials.h"
#include "channels/mail_sender.h"
#include "lib/curl/smtp.h"

namespace navette::channels {

struct SmtpSettings {
  std::string host;
  std::uint16_t port = 587;
  curl::Tls tls = curl::Tls::starttls;
  std::string ca_file;     // empty: the system's CA
  std::string user;        // empty: no login
  std::string credential;  // holds the password
};

// Reads the password anew. Throws CredentialError.
curl::MailServer server_of(const SmtpSettings& settings, const Credentials& credentials);

class SmtpSender final : public MailSender {
 public:
  // `patience` bounds connecting, and each answer of the server but that to the whole mail (curl::Smtp).
  SmtpSender(SmtpSettings settings, const Credentials& credentials, std::chrono::milliseconds patience)
      : settings_(std::move(settings)), credentials_(credentials), patience_(patience) {}

  // Codes of Refused that are the server's, for all mails alike: "tls", "connexion-refusee" (login), "serveur-refuse"
  // (this machine or our sender), "justificatif"; a recipient's or the mail's own: "destinataire-refuse",
  // "message-refuse" (its size or content), "adresse-invalide", "sans-destinataire".
  MailOutcome send(const Mail& mail, const std::stop_token& stop) override;

 private:
  using Answers = std::map<std::string, model::Outcome>;  // by address

  curl::Smtp& connected();
  void ask(const Mail& mail, const std::stop_token& stop, Answers& answers, bool& of_recipient);
  std::optional<model::Outcome> fault_in(const Mail& mail, const std::stop_token& stop, Answers& answers,
                                         MailOutcome& result);
  model::Outcome outcome_of(const Mail& mail, const Answers& answers, const std::optional<model::Outcome>& fault,
                            bool of_recipient) const;

  SmtpSettings settings_;
  const Credentials& credentials_;
  std::chrono::milliseconds patience_;
  std::mutex mutex_;  // of what follows
  std::optional<curl::Smtp> smtp_;
  // By Message-ID, who has a mail that others are put off for: of alerts, that is, whose recipients no store keeps.
  std::map<std::string, std::set<std::string>> accepted_;
};

}  // namespace navette::channels
