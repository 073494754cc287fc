// E-mails as files, when no SMTP server is configured: somebody or something else takes them from there.
#pragma once

#include <filesystem>

#include "channels/mail_sender.h"

namespace navette::channels {

// Writes <directory>/<name>.eml, mode 0640, whole and durable or not at all. The same name again replaces the file: a
// notification is recomposed when the day changes, its Message-ID stays. Every recipient gets the answer of the file.
// The directory is opened at each attempt; one that is missing is Retry.
class MailDirectory final : public MailSender {
 public:
  explicit MailDirectory(std::filesystem::path directory) : directory_(std::move(directory)) {}
  MailOutcome send(const Mail& mail, const std::stop_token& stop) override;

 private:
  std::filesystem::path directory_;
};

}  // namespace navette::channels
