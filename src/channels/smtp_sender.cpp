#include "channels/smtp_sender.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/text.h"
#include "lib/mime/address.h"

namespace navette::channels {
namespace {

using model::Delivered;
using model::Outcome;
using model::Refused;
using model::Retry;
using model::Scope;

constexpr std::string_view hidden = "(address)";

bool is_of_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

// Whatever looks like local@domain.
std::string without_addresses(std::string_view words) {
  const auto is_end = [](char c) { return std::string_view(" \t<>()[]{},;:\"'").find(c) != std::string_view::npos; };
  std::string out;
  while (!words.empty()) {
    const auto end = std::find_if(words.begin(), words.end(), is_end);
    const std::string_view token = words.substr(0, static_cast<std::size_t>(end - words.begin()));
    out += token.find('@') == std::string_view::npos ? token : hidden;
    words.remove_prefix(token.size());
    if (words.empty()) break;
    out += words.front();
    words.remove_prefix(1);
  }
  return out;
}

// `name` where it stands as a word ("User odette unknown"), whatever its case.
std::string without_word(const std::string& words, std::string_view name) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  std::string out;
  auto from = words.begin();
  while (true) {
    const auto at = std::search(from, words.end(), name.begin(), name.end(), same);
    if (at == words.end()) return out.append(from, words.end());
    const auto after = at + static_cast<std::ptrdiff_t>(name.size());
    const bool alone = (at == words.begin() || !is_of_word(at[-1])) && (after == words.end() || !is_of_word(*after));
    out.append(from, at).append(alone ? hidden : std::string_view(&*at, name.size()));
    from = after;
  }
}

// "550 5.1.1 <(address)>: unknown", fit for logs and traces.
std::string shown(const curl::Reply& reply, const std::vector<std::string>& recipients) {
  constexpr std::size_t most = 200;
  std::string words = without_addresses(text::printable(reply.words));
  for (const std::string& address : recipients) words = without_word(words, address.substr(0, address.find('@')));
  return std::string(text::truncated(fmt::format("{} {}", reply.code, words), most));
}

// The enhanced status code (RFC 3463) that most servers begin their words with: "5.7.1", whose first digit repeats the
// reply's.
struct EnhancedStatus {
  unsigned subject = 0;  // 0: other, or none was given
  unsigned detail = 0;

  bool is(unsigned s, unsigned d) const { return subject == s && detail == d; }
};

EnhancedStatus enhanced_status(const curl::Reply& reply) {
  constexpr std::size_t class_size = 2;
  const std::string_view words = reply.words;
  if (!words.starts_with(fmt::format("{}.", reply.code / 100))) return {};
  const char* const end = words.data() + words.size();
  EnhancedStatus status;
  const auto subject = std::from_chars(words.data() + class_size, end, status.subject);
  if (subject.ec != std::errc() || subject.ptr == end || *subject.ptr != '.') return {};
  const auto detail = std::from_chars(subject.ptr + 1, end, status.detail);
  return detail.ec == std::errc() ? status : EnhancedStatus{};
}

// Of the mail, at whatever command: another one may pass.
bool minds_size(const curl::Reply& reply, const EnhancedStatus& status) {
  constexpr int too_large = 552;  // to a recipient: his box is full
  return status.is(3, 4) || (reply.asked == curl::Asked::sender && (reply.code == too_large || status.is(2, 3)));
}

// Some say it of the whole mail, once its headers told them; 5.7.1 is most often said of what a mail holds.
bool minds_sender(const curl::Reply& reply, const EnhancedStatus& status) {
  constexpr unsigned exchange_send_as = 60;
  if (reply.asked == curl::Asked::sender) return reply.code / 100 == 5 || status.subject == 1 || status.subject == 7;
  return status.is(1, 7) || status.is(1, 8) || status.is(7, exchange_send_as);
}

// Asked for a recipient, Postfix says 5.5.2 where it minds the name in EHLO, or a sender without a domain: a recipient
// of ours has one; others say 5.5.4. Too many of them (x.5.3) is for the next transaction, and 5.5.0 and 5.5.1 are said
// of boxes.
bool minds_dialogue(const curl::Reply& reply, const EnhancedStatus& status) {
  constexpr unsigned protocol = 5;
  constexpr int bad_sequence = 503;
  return reply.asked == curl::Asked::recipient &&
         (reply.code == bad_sequence || status.is(protocol, 2) || status.is(protocol, 4));
}

// A server puts its own troubles off until it is asked for a recipient, Postfix all of them: a lookup that fails, a
// wrong configuration (x.3), congestion, what it minds of us (x.5), a policy that does not let us send (x.7). What else
// is of routing (x.4) is said of the way to the recipient's domain, and so is the lieu's; a reply without such a code
// is, too.
bool minds_recipient(const curl::Reply& reply, const EnhancedStatus& status) {
  return reply.asked == curl::Asked::recipient && !minds_sender(reply, status) && !minds_dialogue(reply, status) &&
         status.subject != 3 && !status.is(4, 5) && status.subject != 7;
}

// A policy (x.7) may be one for that recipient after all, and what it minds (x.5) his address.
bool may_be_of_recipient(const curl::Reply& reply) {
  const EnhancedStatus status = enhanced_status(reply);
  return reply.asked == curl::Asked::recipient && (status.subject == 7 || minds_dialogue(reply, status));
}

Outcome outcome_of_reply(const curl::Reply& reply, const std::vector<std::string>& recipients) {
  if (reply.accepted()) return Delivered{};
  if (reply.code == 0) return Retry{"the mail server hung up on another recipient", std::nullopt};
  std::string why = "the mail server says: " + shown(reply, recipients);
  const bool for_good = reply.code / 100 == 5;
  const EnhancedStatus status = enhanced_status(reply);
  const bool of_sender = minds_sender(reply, status);
  if (for_good && ((reply.asked == curl::Asked::content && !of_sender) || minds_size(reply, status)))
    return Refused{"message-refuse", std::move(why)};
  if (minds_recipient(reply, status)) {
    if (for_good) return Refused{"destinataire-refuse", std::move(why), Scope::lieu};
    return Retry{model::with_code("destinataire-differe", why), std::nullopt, Scope::lieu};
  }
  // Whoever it is for: a full disk, a filter that does not answer or wants to see the mail again, what is set wrong.
  if (of_sender) {
    why += "; check [mail] from: the server must let that address send";
  } else if (minds_dialogue(reply, status)) {
    why += "; check what this machine says of itself: its full name (hostname -f) and [mail] from";
  } else if (for_good) {
    why += "; it must let this machine send";
  }
  if (for_good) return Refused{"serveur-refuse", std::move(why), Scope::mail_server};
  return Retry{std::move(why), std::nullopt, Scope::mail_server};
}

Outcome outcome_of_fault(const curl::SmtpError& e, const std::vector<std::string>& recipients) {
  std::string why = std::string("mail server ") + e.what();
  if (e.reply().code != 0) why += "; it says: " + shown(e.reply(), recipients);
  if (e.may_heal()) return Retry{std::move(why), std::nullopt, Scope::mail_server};
  switch (e.fault()) {
    case curl::Fault::tls:
      return Refused{"tls", why + "; check tls and ca in [mail], and the certificate of the server",
                     Scope::mail_server};
    case curl::Fault::login:
      return Refused{"connexion-refusee", why + "; check user in [mail] and its credential", Scope::mail_server};
    default:
      return Refused{"serveur-refuse", why + "; it must let this machine send", Scope::mail_server};
  }
}

std::optional<Outcome> fault_of(const Mail& mail) {
  if (mail.recipients.empty()) return Refused{"sans-destinataire", "the e-mail has no recipient"};
  const auto& all = mail.recipients;
  if (mime::is_valid_address(mail.from) && std::all_of(all.begin(), all.end(), mime::is_valid_address)) return {};
  return Refused{"adresse-invalide", "the e-mail has an address that no mail server can be given"};
}

}  // namespace

curl::MailServer server_of(const SmtpSettings& s, const Credentials& credentials) {
  curl::MailServer server{s.host, s.port, s.tls, s.ca_file, s.user, {}};
  if (!server.user.empty()) server.password = credentials.read_line(s.credential);
  return server;
}

curl::Smtp& SmtpSender::connected() {
  if (smtp_) return *smtp_;
  return smtp_.emplace(server_of(settings_, credentials_), patience_);
}

// Again for those put off as long as that brings somebody the mail: a server that takes so many recipients at a time
// wants the others in another transaction (452, RFC 5321 4.5.3.1.10). And without whomever the server hung up on, for
// those it has not answered for.
void SmtpSender::ask(const Mail& mail, const std::stop_token& stop, Answers& answers, bool& of_recipient) {
  if (const auto found = accepted_.find(mail.message_id); found != accepted_.end()) {
    for (const std::string& address : found->second) answers[address] = Delivered{};
  }
  std::vector<std::string> missing;
  for (const std::string& address : mail.recipients) {
    if (!answers.contains(address)) missing.push_back(address);
  }
  while (!missing.empty()) {
    const auto replies = connected().send({mail.from, missing, mail.message_id, mail.before_arrival}, mail.bytes, stop);
    bool progress = false;
    std::vector<std::string> unanswered;
    std::vector<std::string> put_off;
    for (std::size_t i = 0; i < missing.size(); ++i) {
      Outcome outcome = outcome_of_reply(replies[i], mail.recipients);
      if (replies[i].accepted()) {
        accepted_[mail.message_id].insert(missing[i]);
        progress = true;
      } else if (replies[i].code == 0) {
        unanswered.push_back(missing[i]);
      } else if (std::holds_alternative<Retry>(outcome)) {
        put_off.push_back(missing[i]);
      }
      of_recipient = of_recipient || (scope_of(outcome) == Scope::mail_server && may_be_of_recipient(replies[i]));
      answers[missing[i]] = std::move(outcome);
    }
    if (!unanswered.empty()) {
      missing = std::move(unanswered);
    } else if (progress) {
      missing = std::move(put_off);
    } else {
      return;
    }
  }
}

// What kept the server from answering. The next attempt connects anew, and reads the password anew.
std::optional<Outcome> SmtpSender::fault_in(const Mail& mail, const std::stop_token& stop, Answers& answers,
                                            MailOutcome& result) {
  try {
    ask(mail, stop, answers, result.of_recipient);
    return {};
  } catch (const curl::SmtpError& e) {
    smtp_.reset();
    result.in_doubt = e.in_doubt();
    return outcome_of_fault(e, mail.recipients);
  } catch (const curl::Interrupted& e) {
    smtp_.reset();
    result.in_doubt = e.in_doubt();
    return Retry{e.what(), std::nullopt};
  } catch (const CredentialError& e) {
    return Refused{"justificatif", e.what(), Scope::mail_server};
  }
}

// Of the mail as a whole, from each recipient's. At the last try a recipient who is put off is left out for the others'
// sake; whom the server itself kept from the mail is not. What it refuses one for good while it takes the mail for
// another is that one's all the same.
Outcome SmtpSender::outcome_of(const Mail& mail, const Answers& answers, const std::optional<Outcome>& fault,
                               bool of_recipient) const {
  std::size_t accepted = 0;
  std::optional<Outcome> refused;
  std::optional<Outcome> put_off;
  // What keeps all from the mail says more than what keeps one.
  const auto keep = [](std::optional<Outcome>& kept, const Outcome& outcome) {
    if (!kept || scope_of(outcome) == Scope::mail_server) kept = outcome;
  };
  for (const auto& [address, outcome] : answers) {
    if (std::holds_alternative<Delivered>(outcome)) {
      ++accepted;
    } else if (std::holds_alternative<Refused>(outcome)) {
      keep(refused, outcome);
    } else {
      keep(put_off, outcome);
    }
  }
  if (fault) return *fault;
  if (put_off && (accepted == 0 || !mail.last_try || (scope_of(*put_off) == Scope::mail_server && !of_recipient)))
    return *put_off;
  if (accepted == 0) return *refused;
  return Delivered{
      fmt::format("smtp {}:{} ({} of {} recipients)", settings_.host, settings_.port, accepted, answers.size())};
}

MailOutcome SmtpSender::send(const Mail& mail, const std::stop_token& stop) {
  MailOutcome result;
  const std::scoped_lock lock(mutex_);
  Answers answers;
  std::optional<Outcome> fault = fault_of(mail);
  if (!fault) fault = fault_in(mail, stop, answers, result);
  for (const std::string& address : mail.recipients) {
    if (fault) answers.try_emplace(address, *fault);
    result.recipients.push_back({address, answers.at(address)});
  }
  result.of_recipient = result.of_recipient && !fault;
  result.outcome = outcome_of(mail, answers, fault, result.of_recipient);
  if (!std::holds_alternative<Retry>(result.outcome)) accepted_.erase(mail.message_id);
  return result;
}

}  // namespace navette::channels
