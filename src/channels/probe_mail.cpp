// The mail server's part of `check --reach`.
#include <fmt/format.h>

#include "base/text.h"
#include "channels/probe.h"

namespace navette::channels {
namespace {

struct MailFault {
  const char* step;
  std::vector<std::string> before;  // what must have gone well
  const char* advice;
};

MailFault mail_fault(const SmtpSettings& settings, curl::Fault fault) {
  std::vector<std::string> connected{"name", "connection"};
  std::vector<std::string> secured = connected;
  if (settings.tls == curl::Tls::implicit) secured.emplace_back("TLS");
  switch (fault) {
    case curl::Fault::resolution:
      return {"name", {}, "correct server in [mail], or the name service of this machine"};
    case curl::Fault::connection:
      return {"connection",
              {"name"},
              "correct server (HOST:PORT) in [mail]; else it is stopped or a firewall is in the way"};
    case curl::Fault::timed_out:
      return {"connection", {}, "it does not answer: correct server or tls in [mail]; else look at that server"};
    case curl::Fault::lost:
      return {"dialogue", connected, "correct server or tls in [mail]; else look at that server"};
    case curl::Fault::tls:
      return {"TLS", connected, "correct tls or ca in [mail], or the certificate of the server"};
    case curl::Fault::login:
      if (settings.tls == curl::Tls::starttls) secured.emplace_back("TLS");
      return {"login", secured, "correct user in [mail], or the file that credential names"};
    case curl::Fault::busy:
      return {"greeting", secured, "try again later"};
    case curl::Fault::turned_away:
      break;
  }
  return {"greeting", secured, "have it let this machine send"};
}

}  // namespace

Probe probe_mail(const SmtpSettings& settings, const std::string& from, const Credentials& credentials,
                 std::chrono::milliseconds patience, const std::stop_token& stop) {
  constexpr std::size_t most = 200;
  const auto said = [](const curl::Reply& reply) {
    return fmt::format("it says: {} {}", reply.code, text::truncated(text::printable(reply.words), most));
  };
  Probe probe;
  probe.passed = {"name", "connection"};
  if (settings.tls != curl::Tls::none) probe.passed.emplace_back("TLS");
  if (!settings.user.empty()) probe.passed.emplace_back("login");
  const auto fail = [&](std::string step, std::vector<std::string> before, std::string problem, std::string advice) {
    probe = {std::move(before), std::move(step), std::move(problem), std::move(advice), false, true, {}};
  };
  try {
    const curl::Reply reply = curl::Smtp(server_of(settings, credentials), patience).greet(from, stop);
    if (reply.accepted()) {
      probe.passed.emplace_back("sender");
    } else {
      fail("sender", probe.passed, said(reply),
           reply.code / 100 == 4 ? "run it again later; if it stays so, have it let [mail] from send, or correct that"
                                 : "have it let [mail] from send, or correct that");
    }
  } catch (const CredentialError& e) {
    fail("credential", {}, e.what(), "[mail] names it in credential");
  } catch (const curl::Interrupted& e) {
    fail("connection", {}, e.what(), "run it again");
  } catch (const curl::SmtpError& e) {
    const MailFault f = mail_fault(settings, e.fault());
    std::string problem = e.what();
    const std::string prefix = fmt::format("{}:{}: ", settings.host, settings.port);  // the finding begins with it
    if (problem.starts_with(prefix)) problem.erase(0, prefix.size());
    if (e.reply().code != 0) problem += "; " + said(e.reply());
    fail(f.step, f.before, std::move(problem), f.advice);
  }
  return probe;
}

}  // namespace navette::channels
