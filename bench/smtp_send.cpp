// Sends COUNT mails of the bytes of FILE, one after another, as SmtpSender does: one connection, each recipient's
// answer known.
//   smtp_send PORT COUNT FILE
// Measured by bench/run against smtp-source; no part of the product.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "channels/smtp_sender.h"

int main(int argc, char** argv) {
  using namespace navette;
  if (argc != 4) return 2;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::ifstream in(arguments[2], std::ios::binary);
  const channels::Credentials none("/nonexistent");
  channels::SmtpSettings settings;
  settings.host = "127.0.0.1";
  settings.port = static_cast<std::uint16_t>(std::stoi(arguments[0]));
  settings.tls = curl::Tls::none;
  channels::SmtpSender sender(settings, none, std::chrono::seconds(30));
  channels::Mail mail;
  mail.from = "navette@caf.example.org";
  mail.recipients = {"agent@lieu.example.org"};
  mail.bytes.assign(std::istreambuf_iterator<char>(in), {});
  for (int i = 0; i < std::stoi(arguments[1]); ++i) {
    mail.name = "essai-" + std::to_string(i);
    mail.message_id = mail.name + "@caf.example.org";
    const auto answer = sender.send(mail, {});
    if (std::holds_alternative<model::Delivered>(answer.outcome)) continue;
    std::fprintf(stderr, "mail %d was not accepted\n", i);
    return 1;
  }
  return 0;
}
