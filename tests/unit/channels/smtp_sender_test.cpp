// Against real mail servers on loopback (tests/support/smtpd.py).
#include "channels/smtp_sender.h"

#include <csignal>

#include <catch2/catch.hpp>

#include "lib/curl/own_name.h"
#include "support/smtpd.h"

using namespace navette;
using namespace std::chrono_literals;
using channels::Mail;
using channels::MailOutcome;
using model::Delivered;
using model::Outcome;
using model::Refused;
using model::Retry;
using test::Smtpd;
namespace fs = std::filesystem;

namespace {

const std::string odette = "odette@relais.example.org";
const std::string paul = "paul.petit@relais.example.org";
const std::string zoe = "zoe@relais.example.org";

Mail mail_to(std::vector<std::string> recipients, const std::string& name = "R1") {
  return {name, name + "@caf.example.org", "navette@caf.example.org", std::move(recipients),
          "Message-ID: <" + name + "@caf.example.org>\r\nSubject: essai\r\n\r\n.un point\r\nBonjour\r\n"};
}

struct Client {
  explicit Client(const Smtpd& smtpd) {
    settings.host = "127.0.0.1";
    settings.port = smtpd.port();
    settings.ca_file = smtpd.certificate();
    put_password("secret");
  }
  void put_password(const std::string& password) const {
    dir.put("mot-de-passe", password + "\n");
    fs::permissions(dir / "mot-de-passe", fs::perms::owner_read | fs::perms::owner_write);
  }
  void log_in() {
    settings.user = "navette";
    settings.credential = "mot-de-passe";
  }
  channels::SmtpSender& sender() {
    if (!sender_) sender_ = std::make_unique<channels::SmtpSender>(settings, credentials, patience);
    return *sender_;
  }
  MailOutcome send(const Mail& mail) { return sender().send(mail, {}); }

  test::TempDir dir;
  channels::Credentials credentials{dir.path()};
  channels::SmtpSettings settings;
  std::chrono::milliseconds patience = 10s;

 private:
  std::unique_ptr<channels::SmtpSender> sender_;
};

std::string reason_of(const Outcome& outcome) {
  if (const auto* retry = std::get_if<Retry>(&outcome)) return retry->reason;
  if (const auto* refused = std::get_if<Refused>(&outcome)) return refused->code + ": " + refused->reason;
  return "delivered: " + std::get<Delivered>(outcome).facts;
}

template <typename Kind>
void check_is(const Outcome& outcome, const std::string& words) {
  INFO(reason_of(outcome));
  REQUIRE(std::holds_alternative<Kind>(outcome));
  CHECK_THAT(reason_of(outcome), Catch::Contains(words));
}

template <typename Kind>
void check_is_the_servers(const Outcome& outcome, const std::string& words) {
  check_is<Kind>(outcome, words);
  CHECK(std::get<Kind>(outcome).scope == model::Scope::mail_server);
}

}  // namespace

TEST_CASE("mails go over TLS with login, one connection for all, their bytes as they are") {
  const bool implicit = GENERATE(false, true);
  const Smtpd smtpd({"--login", "navette:secret", "--tls", implicit ? "implicit" : "starttls"});
  Client client(smtpd);
  client.log_in();
  if (implicit) client.settings.tls = curl::Tls::implicit;
  const auto result = client.send(mail_to({odette, paul}));
  check_is<Delivered>(result.outcome, "(2 of 2 recipients)");
  REQUIRE(result.recipients.size() == 2);
  CHECK(result.recipients[1].address == paul);
  CHECK(std::holds_alternative<Delivered>(result.recipients[1].outcome));
  check_is<Delivered>(client.send(mail_to({zoe}, "R2")).outcome, "(1 of 1 recipients)");
  CHECK(smtpd.mail(1) == mail_to({}).bytes);
  const std::string connection = smtpd.log().substr(smtpd.log().find("connection=") + 11, 1);
  CHECK(smtpd.log() == "tls=yes user=navette connection=" + connection + " recipients=" + odette + "," + paul +
                           "\ntls=yes user=navette connection=" + connection + " recipients=" + zoe + "\n");
}

TEST_CASE("a connection that the server ended in between is made anew") {
  Smtpd smtpd;
  Client client(smtpd);
  check_is<Delivered>(client.send(mail_to({odette})).outcome, "");
  smtpd.stop();
  smtpd.start();
  check_is<Delivered>(client.send(mail_to({odette}, "R2")).outcome, "");
}

TEST_CASE("one recipient of three refused: the mail is accepted, and that one's answer tells why without naming him") {
  const Smtpd smtpd({"--refuse", paul});
  Client client(smtpd);
  const auto result = client.send(mail_to({odette, paul, zoe}));
  check_is<Delivered>(result.outcome, "(2 of 3 recipients)");
  CHECK(std::holds_alternative<Delivered>(result.recipients.at(0).outcome));
  check_is<Refused>(result.recipients.at(1).outcome,
                    "destinataire-refuse: the mail server says: 550 5.1.1 <(address)>: Recipient address rejected: "
                    "(address) unknown");
  CHECK(std::get<Refused>(result.recipients[1].outcome).scope == model::Scope::lieu);
  CHECK(std::holds_alternative<Delivered>(result.recipients.at(2).outcome));
  CHECK_THAT(smtpd.log(), Catch::Contains("recipients=" + odette + "," + zoe + "\n"));
}

TEST_CASE("all recipients refused, or the content: the mail is refused with the server's words") {
  const bool content = GENERATE(false, true);
  const Smtpd smtpd(content
                        ? std::vector<std::string>{"--content", "554 5.7.1 No such words, odette@relais.example.org"}
                        : std::vector<std::string>{"--refuse", odette, "--refuse", paul});
  Client client(smtpd);
  const auto result = client.send(mail_to({odette, paul}));
  check_is<Refused>(result.outcome, content ? "554 5.7.1 No such words, (address)" : "550 5.1.1");
  check_is<Refused>(result.recipients.at(0).outcome, content ? "message-refuse" : "destinataire-refuse");
  CHECK_FALSE(result.in_doubt);
  CHECK_FALSE(smtpd.has(1));
}

TEST_CASE("a recipient put off gets the mail later, those who have it do not get it twice") {
  Smtpd smtpd({"--defer", paul, "--refuse", zoe});
  Client client(smtpd);
  const auto first = client.send(mail_to({odette, paul, zoe}));
  check_is<Retry>(first.outcome, "451 4.2.0 <(address)>: Greylisted, try again later");
  CHECK(std::get<Retry>(first.outcome).scope == model::Scope::lieu);
  CHECK(std::holds_alternative<Delivered>(first.recipients.at(0).outcome));
  CHECK(std::holds_alternative<Retry>(first.recipients.at(1).outcome));
  CHECK(std::holds_alternative<Refused>(first.recipients.at(2).outcome));
  smtpd.stop();
  check_is_the_servers<Retry>(client.send(mail_to({odette, paul, zoe})).outcome, "Failed to connect");
  smtpd.start({"--refuse", zoe});
  const auto second = client.send(mail_to({odette, paul, zoe}));
  check_is<Delivered>(second.outcome, "(2 of 3 recipients)");
  CHECK_THAT(smtpd.log(), Catch::EndsWith("recipients=" + paul + "\n"));
}

TEST_CASE("a server that hangs up on whom it refuses has answered for that one alone; the others get the mail") {
  const std::string which = GENERATE(odette, paul, zoe);
  const Smtpd smtpd({"--hang-up", "--refuse", which});
  Client client(smtpd);
  const auto result = client.send(mail_to({odette, paul, zoe}));
  check_is<Delivered>(result.outcome, "(2 of 3 recipients)");
  for (const auto& r : result.recipients) {
    INFO(r.address);
    CHECK(std::holds_alternative<Delivered>(r.outcome) == (r.address != which));
  }
  const auto alone = client.send(mail_to({which}, "R2"));
  check_is<Refused>(alone.outcome, "destinataire-refuse: the mail server says: 550");
  CHECK(std::get<Refused>(alone.outcome).scope == model::Scope::lieu);
  check_is<Delivered>(client.send(mail_to({which == zoe ? paul : zoe}, "R3")).outcome, "");
}

TEST_CASE("a server that shuts down at a recipient puts off that one alone") {
  const std::string which = GENERATE(odette, paul, zoe);
  const Smtpd smtpd({"--hang-up", "--defer", which});
  Client client(smtpd);
  const auto result = client.send(mail_to({odette, paul, zoe}));
  check_is<Retry>(result.outcome, "421 4.2.0");
  CHECK(std::get<Retry>(result.outcome).scope == model::Scope::lieu);
  for (const auto& r : result.recipients) {
    INFO(r.address);
    CHECK(std::holds_alternative<Delivered>(r.outcome) == (r.address != which));
  }
  check_is<Retry>(client.send(mail_to({which}, "R2")).outcome, "421 4.2.0");
}

TEST_CASE("at the last try whoever is put off is left out, if somebody has the mail") {
  const Smtpd smtpd({"--defer", paul});
  Client client(smtpd);
  Mail both = mail_to({odette, paul});
  Mail one = mail_to({paul}, "R2");
  both.last_try = one.last_try = true;
  const auto result = client.send(both);
  check_is<Delivered>(result.outcome, "(1 of 2 recipients)");
  CHECK(std::holds_alternative<Retry>(result.recipients.at(1).outcome));
  check_is<Retry>(client.send(one).outcome, "451");
}

TEST_CASE("at the last try nobody is left out for what is wrong with the server itself") {
  Mail mail = mail_to({odette, paul, zoe});
  mail.last_try = true;
  SECTION("it hangs up before the others could be asked for again") {
    Smtpd smtpd({"--most", "1", "--begins", "1"});
    Client client(smtpd);
    const auto first = client.send(mail);
    check_is_the_servers<Retry>(first.outcome, "the server has ended the connection");
    CHECK(std::holds_alternative<Delivered>(first.recipients.at(0).outcome));
    smtpd.stop();
    smtpd.start();
    check_is<Delivered>(client.send(mail).outcome, "(3 of 3 recipients)");
    CHECK_THAT(smtpd.log(), Catch::EndsWith("recipients=" + paul + "," + zoe + "\n"));
  }
  SECTION("it puts one off for a trouble of its own") {
    const Smtpd smtpd({"--recipient", paul + " 451 4.3.0 Temporary lookup failure"});
    Client client(smtpd);
    const auto result = client.send(mail);
    check_is_the_servers<Retry>(result.outcome, "4.3.0");
    CHECK(std::holds_alternative<Delivered>(result.recipients.at(2).outcome));
  }
  SECTION("by a policy it puts one off while it takes the others': that is that one's") {
    const Smtpd smtpd({"--recipient", paul + " 450 4.7.1 Client host rejected"});
    Client client(smtpd);
    check_is<Delivered>(client.send(mail).outcome, "(2 of 3 recipients)");
    mail.last_try = false;
    const auto result = client.send(mail);
    check_is_the_servers<Retry>(result.outcome, "4.7.1");
    CHECK(result.of_recipient);
  }
  SECTION("what it minds at one while it takes the others' is that one's") {
    const Smtpd smtpd({"--recipient", paul + " 501 5.5.4 Invalid address"});
    Client client(smtpd);
    check_is<Delivered>(client.send(mail).outcome, "(2 of 3 recipients)");
    const auto result = client.send(mail_to({odette, paul, zoe}, "R2"));
    check_is_the_servers<Refused>(result.recipients.at(1).outcome, "5.5.4");
    CHECK(result.of_recipient);
  }
  SECTION("what it refuses one for good while it takes the others' is that one's") {
    const Smtpd smtpd({"--recipient", paul + " 554 5.7.1 Access denied"});
    Client client(smtpd);
    check_is<Delivered>(client.send(mail).outcome, "(2 of 3 recipients)");
  }
}

TEST_CASE("a server tells its own troubles, and that it does not let us send, when it is asked for a recipient") {
  const auto [answer, of_server] =
      GENERATE(table<std::string, bool>({{"451 4.3.0 Temporary lookup failure", true},
                                         {"451 4.3.5 Server configuration error", true},
                                         {"452 4.3.1 Insufficient system storage", true},
                                         {"451 4.4.5 Mail system congestion", true},
                                         {"450 4.1.8 Sender: Domain not found", true},
                                         {"454 4.7.1 Relay access denied", true},
                                         {"554 5.7.1 Relay access denied", true},
                                         {"553 5.7.1 Sender address rejected", true},
                                         {"550 5.1.8 Sender: Domain not found", true},
                                         {"501 5.1.7 Bad sender address syntax", true},
                                         {"550 5.7.60 Client may not send as this sender", true},
                                         {"504 5.5.2 <vm>: Helo command rejected: need fully-qualified hostname", true},
                                         {"450 4.5.2 <vm>: Helo command rejected: need fully-qualified hostname", true},
                                         {"501 5.5.4 Invalid domain name", true},
                                         {"503 5.5.1 Error: send HELO/EHLO first", true},
                                         {"452 4.5.3 Too many recipients", false},
                                         {"550 5.5.0 Requested action not taken: mailbox unavailable", false},
                                         {"550 5.5.1 Sorry, no mailbox here by that name", false},
                                         {"450 4.1.2 Domain not found", false},
                                         {"450 4.2.0 Greylisted", false},
                                         {"450 4.4.1 No answer from host", false},
                                         {"450 4.4.3 Domain lookup failure", false},
                                         {"452 4.2.2 Mailbox full", false},
                                         {"552 5.2.2 Mailbox full", false},
                                         {"550 5.1.1 User unknown", false},
                                         {"550 4.3.0 Of another class", false},
                                         {"550 5.7. Unfinished", false},
                                         {"550 5.7", false},
                                         {"550 No such user", false}}));
  const Smtpd smtpd({"--recipient", "* " + answer});
  Client client(smtpd);
  const auto outcome = client.send(mail_to({odette, paul})).outcome;
  INFO(reason_of(outcome));
  const bool for_good = answer.front() == '5';
  CHECK(std::holds_alternative<Refused>(outcome) == for_good);
  const auto scope = for_good ? std::get<Refused>(outcome).scope : std::get<Retry>(outcome).scope;
  CHECK(scope == (of_server ? model::Scope::mail_server : model::Scope::lieu));
  const auto told = [&](const char* what) { return reason_of(outcome).find(what) != std::string::npos; };
  const bool of_dialogue = of_server && answer.substr(5, 2) == ".5";
  const bool of_sender = told(".1.8") || told(".1.7") || told(".7.60");
  CHECK(told("[mail] from") == (of_sender || of_dialogue));
  CHECK(told("hostname -f") == of_dialogue);
  if (for_good) CHECK_THAT(reason_of(outcome), Catch::StartsWith(of_server ? "serveur-refuse" : "destinataire-refuse"));
}

TEST_CASE("a server that wants to hear a full name of this machine, or its address, hears it") {
  const Smtpd smtpd({"--full-name"});
  Client client(smtpd);
  check_is<Delivered>(client.send(mail_to({odette})).outcome, "");
  const std::string name = smtpd.dir.get("mails/ehlo");
  CHECK(name == curl::own_name("127.0.0.1", std::chrono::seconds(10), {}));
  CHECK((name == "[127.0.0.1]" || name == curl::full_name(name)));
}

TEST_CASE("what this machine calls itself is a full name, or the address that it has on the way") {
  CHECK(curl::full_name("navette.caf.example.org") == "navette.caf.example.org");
  CHECK(curl::full_name("localhost").empty());
  CHECK(curl::full_name("localhost.localdomain").empty());
  CHECK(curl::full_name("a/b.example%0D%0Aorg").empty());
  CHECK(curl::address_literal("127.0.0.1") == "[127.0.0.1]");
  CHECK(curl::address_literal("localhost").starts_with("["));
  CHECK(curl::address_literal("nowhere.invalid").empty());
  const std::string ipv6 = curl::address_literal("[::1]");
  CHECK((ipv6 == "[IPv6:::1]" || ipv6.empty()));  // not every machine has it
}

TEST_CASE("a sender that is refused is ours to mend, a mail that is too large is the mail's own") {
  const auto [answer, kind] = GENERATE(table<std::string, char>({{"553 5.7.1 Not owned by user", 's'},
                                                                 {"550 5.1.0 Sender rejected", 's'},
                                                                 {"550 No", 's'},
                                                                 {"450 4.1.8 Domain not found", 's'},
                                                                 {"452 4.3.1 Insufficient system storage", 'w'},
                                                                 {"552 Too large", 'm'},
                                                                 {"552 5.3.4 Too large", 'm'},
                                                                 {"554 5.3.4 Too large", 'm'},
                                                                 {"550 5.2.3 Too large", 'm'}}));
  const Smtpd smtpd({"--sender", answer});
  Client client(smtpd);
  const auto outcome = client.send(mail_to({odette})).outcome;
  INFO(answer);
  if (kind == 'm') {
    check_is<Refused>(outcome, "message-refuse: ");
    CHECK(std::get<Refused>(outcome).scope == model::Scope::remise);
  } else if (answer.front() == '5') {
    check_is_the_servers<Refused>(outcome, "serveur-refuse: ");
  } else {
    check_is_the_servers<Retry>(outcome, answer);
  }
  CHECK((reason_of(outcome).find("[mail] from") != std::string::npos) == (kind == 's'));
}

TEST_CASE("a mail that is refused once the server had it is at fault, unless that is said of its sender") {
  const auto [answer, of_sender] = GENERATE(
      table<std::string, bool>({{"550 5.1.7 Bad sender address", true},
                                {"550 5.1.8 Sender address rejected", true},
                                {"550 5.7.60 SMTP; Client does not have permissions to send as this sender", true},
                                {"550 5.7.1 Message rejected as spam", false},
                                {"550 5.7.0 Message content rejected", false},
                                {"550 5.7.6 Of another detail", false},
                                {"554 5.6.0 Message looks like no message", false},
                                {"554 5.5.1 Error: no valid recipients", false},
                                {"554 Transaction failed", false}}));
  const Smtpd smtpd({"--content", answer});
  Client client(smtpd);
  const auto outcome = client.send(mail_to({odette})).outcome;
  check_is<Refused>(outcome, answer);
  CHECK_THAT(reason_of(outcome), Catch::StartsWith(of_sender ? "serveur-refuse" : "message-refuse"));
  CHECK(std::get<Refused>(outcome).scope == (of_sender ? model::Scope::mail_server : model::Scope::remise));
  CHECK((reason_of(outcome).find("[mail] from") != std::string::npos) == of_sender);
}

TEST_CASE("a server that takes so many recipients at a time is given the others in further transactions") {
  const Smtpd smtpd({"--most", "1"});
  Client client(smtpd);
  check_is<Delivered>(client.send(mail_to({odette, paul, zoe})).outcome, "(3 of 3 recipients)");
  CHECK(smtpd.has(3));
}

TEST_CASE("a server that answers DATA with 250 has taken nothing: the content was not sent") {
  Smtpd smtpd({"--data", "250 2.0.0 Ok"});
  Client client(smtpd);
  const MailOutcome result = client.send(mail_to({odette}));
  check_is_the_servers<Retry>(result.outcome, "answers DATA with 250");
  check_is<Retry>(result.recipients.at(0).outcome, "answers DATA with 250");
  CHECK_FALSE(result.in_doubt);
  smtpd.stop();
  smtpd.start();
  check_is<Delivered>(client.send(mail_to({odette})).outcome, "");
}

TEST_CASE("a server that has no place for the mail now is tried again, for as long as it takes") {
  const Smtpd smtpd({"--content", "452 4.3.1 Insufficient system storage", "--defer", paul, "--refuse", zoe});
  Client client(smtpd);
  check_is_the_servers<Retry>(client.send(mail_to({odette})).outcome, "452 4.3.1 Insufficient system storage");
  // That a recipient is put off, or refused, as well tells less.
  const auto result = client.send(mail_to({odette, paul, zoe}, "R2"));
  check_is_the_servers<Retry>(result.outcome, "452 4.3.1");
  check_is_the_servers<Retry>(result.recipients.at(0).outcome, "452 4.3.1");
  check_is<Retry>(result.recipients.at(1).outcome, "destinataire-differe: ");
  CHECK_FALSE(result.in_doubt);
}

TEST_CASE("a connection lost after the content is worth another try: the mail may come twice, under one Message-ID") {
  const Smtpd smtpd({"--lose", "1"});
  Client client(smtpd);
  const MailOutcome lost = client.send(mail_to({odette}));
  check_is_the_servers<Retry>(lost.outcome, "mail server 127.0.0.1");
  CHECK(lost.in_doubt);
  check_is<Delivered>(client.send(mail_to({odette})).outcome, "");
  CHECK(smtpd.mail(1) == smtpd.mail(2));
}

TEST_CASE("a server that offers it tells failures and delays, with the headers alone; another is not asked") {
  Smtpd smtpd({"--dsn", GENERATE("DSN", "Dsn")});
  Client client(smtpd);
  auto mail = mail_to({odette, paul});
  mail.message_id = "R1+x=y@caf.example.org";
  check_is<Delivered>(client.send(mail).outcome, "");
  CHECK(smtpd.dir.get("mails/dsn") ==
        "MAIL FROM:<navette@caf.example.org> RET=HDRS ENVID=R1+2Bx+3Dy@caf.example.org\n"
        "RCPT TO:<" +
            odette + "> NOTIFY=FAILURE,DELAY ORCPT=rfc822;" + odette +
            "\n"
            "RCPT TO:<" +
            paul + "> NOTIFY=FAILURE,DELAY ORCPT=rfc822;" + paul + "\n");
  smtpd.stop();
  smtpd.start();
  check_is<Delivered>(client.send(mail).outcome, "");  // it would answer 555 to parameters
}

TEST_CASE("what the server says of the size is told before the content goes") {
  const Smtpd smtpd;
  Client client(smtpd);
  auto mail = mail_to({odette});
  mail.bytes += std::string(40U << 20U, 'x');  // aiosmtpd's limit is 32 MiB
  check_is<Refused>(client.send(mail).outcome, "message-refuse: the mail server says: 552");
}

TEST_CASE("a server that falls silent is given up after our patience") {
  const Smtpd smtpd({"--stall", "greeting"});
  Client client(smtpd);
  client.patience = 1s;
  const auto begin = std::chrono::steady_clock::now();
  check_is_the_servers<Retry>(client.send(mail_to({odette})).outcome, "mail server 127.0.0.1");
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("a server that looks for long through a whole message is waited for: it has the mail once") {
  const Smtpd smtpd({"--slow", "3"});
  Client client(smtpd);
  client.patience = 1s;
  check_is<Delivered>(client.send(mail_to({odette})).outcome, "");
  CHECK(smtpd.has(1));
  CHECK(curl::patience_after_message == 10min);  // RFC 5321 4.5.3.2.6
}

TEST_CASE("a server that says nothing of a whole message is given up in the end, in doubt") {
  const Smtpd smtpd({"--stall", "content"});
  const Client client(smtpd);
  curl::Smtp smtp(channels::server_of(client.settings, client.credentials), 10s, 1s);
  const Mail mail = mail_to({odette});
  try {
    smtp.send({mail.from, mail.recipients, mail.message_id}, mail.bytes);
    FAIL("it has not answered");
  } catch (const curl::SmtpError& e) {
    CHECK(e.fault() == curl::Fault::timed_out);
    CHECK(e.in_doubt());
  }
}

TEST_CASE("an answer that comes to no end, in lines, without a code, or byte by byte, is the server's fault") {
  const auto [how, words] = GENERATE(table<std::string, std::string>(
      {{"lines", "sends an answer without an end"}, {"words", "sends an answer without an end"}, {"bytes", "imeout"}}));
  const Smtpd smtpd({"--babble", how});
  Client client(smtpd);
  client.patience = how == "bytes" ? 1s : 60s;
  const std::jthread watch([&](const std::stop_token& done) {
    for (int i = 0; i < 300 && !done.stop_requested(); ++i) std::this_thread::sleep_for(100ms);
    if (!done.stop_requested()) smtpd.signal(SIGKILL);  // else a failure of this test would last for ever
  });
  check_is_the_servers<Retry>(client.send(mail_to({odette})).outcome, words);
}

TEST_CASE("a server that takes a message a little at a time is given up, however steadily it does") {
  const Smtpd smtpd({"--tls", "none", "--drip", "100000"});
  Client client(smtpd);
  client.settings.tls = curl::Tls::none;
  client.patience = 4s;  // 8 s for a mebibyte; a busy machine's server that takes nothing for 4 s is another matter
  Mail mail = mail_to({odette});
  const std::string line(70, 'x');
  constexpr std::size_t size = std::size_t{1} << 20U;  // more than 10 s at that speed
  while (mail.bytes.size() < size) mail.bytes += line + "\r\n";
  check_is_the_servers<Retry>(client.send(mail).outcome, "takes the message too slowly");
}

TEST_CASE("a stop ends the waiting for the answer to a whole message, in doubt") {
  const Smtpd smtpd({"--stall", "content"});
  Client client(smtpd);
  std::stop_source stop;
  std::chrono::steady_clock::time_point asked;
  const std::jthread soon([&] {
    test::wait_until([&] { return fs::exists(smtpd.dir / "mails/stalled"); }, "the message");
    asked = std::chrono::steady_clock::now();
    stop.request_stop();
  });
  const MailOutcome result = client.sender().send(mail_to({odette}), stop.get_token());
  check_is<Retry>(result.outcome, "stopped");
  CHECK(result.in_doubt);
  CHECK(std::chrono::steady_clock::now() - asked < 5s);
}

TEST_CASE("faults that may heal are tried again") {
  Smtpd smtpd({"--banner", "421 4.3.2 Closing for maintenance"});
  Client client(smtpd);
  check_is_the_servers<Retry>(client.send(mail_to({odette})).outcome, "421 4.3.2 Closing for maintenance");
  smtpd.stop();
  check_is_the_servers<Retry>(client.send(mail_to({odette})).outcome, "Failed to connect");
  Client lost(smtpd);
  lost.settings.host = "nowhere.invalid";
  check_is_the_servers<Retry>(lost.send(mail_to({odette})).outcome, "no address");
}

TEST_CASE("a wrong password is refused with what to do; a new one is in use at the next attempt") {
  const Smtpd smtpd({"--login", "navette:secret"});
  Client client(smtpd);
  client.log_in();
  client.put_password("autre");
  check_is_the_servers<Refused>(client.send(mail_to({odette})).outcome, "connexion-refusee: ");
  CHECK_THAT(reason_of(client.send(mail_to({odette})).outcome),
             Catch::Contains("535 5.7.8") && Catch::Contains("check user in [mail] and its credential"));
  fs::remove(client.dir / "mot-de-passe");
  check_is_the_servers<Refused>(client.send(mail_to({odette})).outcome, "justificatif: the credential");
  client.put_password("secret");
  check_is<Delivered>(client.send(mail_to({odette})).outcome, "");
}

TEST_CASE("TLS is not given up: another CA, a name that is not the server's, a server without it") {
  SECTION("another CA") {
    const Smtpd smtpd;
    Client client(smtpd);
    smtpd.make_certificate("other.pem");
    client.settings.ca_file = (smtpd.dir / "other.pem").string();
    check_is_the_servers<Refused>(client.send(mail_to({odette})).outcome, "tls: ");
    CHECK_THAT(reason_of(client.send(mail_to({odette})).outcome), Catch::Contains("check tls and ca in [mail]"));
  }
  SECTION("no such file") {
    const Smtpd smtpd;
    Client client(smtpd);
    client.settings.ca_file = "/nonexistent/ca.pem";
    check_is_the_servers<Refused>(client.send(mail_to({odette})).outcome, "tls: ");
  }
  SECTION("another name") {
    const Smtpd smtpd;
    Client client(smtpd);
    client.settings.host = "localhost";
    check_is_the_servers<Refused>(client.send(mail_to({odette})).outcome, "tls: ");
  }
  SECTION("a server without it, unless in clear is what was asked for") {
    const Smtpd smtpd({"--tls", "none"});
    Client client(smtpd);
    check_is_the_servers<Refused>(client.send(mail_to({odette})).outcome, "tls: ");
    CHECK_FALSE(smtpd.has(1));
    Client in_clear(smtpd);
    in_clear.settings.tls = curl::Tls::none;
    check_is<Delivered>(in_clear.send(mail_to({odette})).outcome, "");
    CHECK_THAT(smtpd.log(), Catch::StartsWith("tls=no "));
  }
}

TEST_CASE("a server that does not want this machine is refused with its words") {
  const Smtpd smtpd({"--banner", "554 5.7.1 No service for you"});
  Client client(smtpd);
  check_is_the_servers<Refused>(client.send(mail_to({odette})).outcome, "serveur-refuse: ");
}

TEST_CASE("an address that would break the dialogue reaches no server") {
  const Smtpd smtpd;
  Client client(smtpd);
  const auto result = client.send(mail_to({odette, "a@b.example>\r\nRCPT TO:<c@d.example"}));
  check_is<Refused>(result.outcome, "adresse-invalide");
  CHECK(result.recipients.size() == 2);
  check_is<Refused>(client.send(mail_to({})).outcome, "sans-destinataire");
  CHECK_FALSE(smtpd.has(1));
}

TEST_CASE("words of the server are printable, cut, and name nobody") {
  const std::string long_words(300, 'x');
  const Smtpd smtpd({"--content", "550 ODETTE (o.dette=40x@y.example) said\x1b[31m " + long_words});
  Client client(smtpd);
  const std::string reason = reason_of(client.send(mail_to({odette})).outcome);
  CHECK_THAT(reason, Catch::Contains("550 (address) ((address)) said\\x1b[31m xxx"));
  CHECK(reason.size() < 270);
}
