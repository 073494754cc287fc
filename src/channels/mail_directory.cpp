#include "channels/mail_directory.h"

#include <system_error>

#include <fmt/format.h>

#include "base/atomic_file.h"
#include "channels/io_outcome.h"

namespace navette::channels {
namespace {

model::Outcome write_mail(const std::filesystem::path& path, const Mail& mail) {
  if (!is_component(mail.name)) return model::Refused{"nom-invalide", "the e-mail has a name that is no file name"};
  if (mail.recipients.empty()) return model::Refused{"sans-destinataire", "the e-mail has no recipient"};
  try {
    const std::string name = mail.name + ".eml";
    const Directory directory = Directory::open(path);
    write_file(directory, name, mail.bytes);
    return model::Delivered{fmt::format("file {} ({} bytes)", (path / name).string(), mail.bytes.size())};
  } catch (const std::system_error& e) {
    return outcome_of(e);
  }
}

}  // namespace

MailOutcome MailDirectory::send(const Mail& mail, const std::stop_token& /*stop*/) {
  if (mail.before_arrival) mail.before_arrival();
  MailOutcome result{write_mail(directory_, mail), {}};
  for (const std::string& address : mail.recipients) result.recipients.push_back({address, result.outcome});
  return result;
}

}  // namespace navette::channels
