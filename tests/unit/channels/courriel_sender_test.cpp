// Against real mail servers on loopback; mails are opened by the openssl and qpdf commands, as their readers would.
#include "channels/courriel_sender.h"

#include <catch2/catch.hpp>

#include "channels/smtp_sender.h"
#include "support/smtpd.h"
#include "support/times.h"
#include "unit/channels/courriel_fixture.h"

using namespace navette;
using namespace std::chrono_literals;
using model::Delivered;
using model::Outcome;
using model::Protection;
using model::Refused;
using model::Retry;
using test::Box;
using test::Smtpd;
namespace fs = std::filesystem;

namespace {

std::string told(const Outcome& outcome) {
  const auto partner = [](model::Scope scope) { return scope == model::Scope::remise ? "" : "partner "; };
  if (const auto* r = std::get_if<Refused>(&outcome)) return partner(r->scope) + r->code + ": " + r->reason;
  if (const auto* r = std::get_if<Retry>(&outcome)) return std::string(partner(r->scope)) + "retry: " + r->reason;
  return "delivered: " + std::get<Delivered>(outcome).facts;
}

// Why whether the lieu has the remise is not known.
std::string cannot_tell(const Box& box) {
  try {
    box.sender()->look(box.remise());
  } catch (const channels::CannotTell& e) {
    return told(e.why());
  }
  return "it is known";
}

}  // namespace

TEST_CASE("a remise comes as one mail, whole, and only the lieu can read it") {
  const auto protection = GENERATE(Protection::smime, Protection::pdf);
  const Smtpd smtpd;
  const Box box(smtpd, protection);
  CHECK_THAT(told(box.sender()->send(box.remise())), Catch::Contains("delivered: smtp 127.0.0.1") &&
                                                         Catch::Contains("3 files in a mail of") &&
                                                         Catch::Contains("AES-256") && !Catch::Contains(box.address));
  const std::string mail = smtpd.mail(1);
  CHECK_FALSE(smtpd.has(2));
  CHECK_THAT(mail,
             Catch::Contains("<R1.contenu@caf.example.org>") && Catch::Contains("To: " + std::string(box.address)));
  for (const auto& f : box.files) CHECK(box.keys.opened(mail, f.name) == box.source.read(f.name));
  for (const char* clear : {"Vuillermet", "DI_monenfant", "manifeste.xml"}) CHECK_THAT(mail, !Catch::Contains(clear));
}

TEST_CASE("every attempt sends the same bytes under the same Message-ID, by another process as well") {
  const Smtpd smtpd({"--lose", "2"});
  const Box box(smtpd, GENERATE(Protection::smime, Protection::pdf));
  for (int attempt = 1; attempt <= 2; ++attempt)
    CHECK_THAT(told(box.sender()->send(box.remise())),
               Catch::StartsWith("partner retry: serveur-messagerie: mail server"));
  CHECK_THAT(told(box.sender()->send(box.remise())), Catch::StartsWith("delivered"));
  CHECK(smtpd.mail(1) == smtpd.mail(2));
  CHECK(smtpd.mail(2) == smtpd.mail(3));
  SECTION("and what the server has taken is not sent again") {
    CHECK_THAT(told(box.sender()->send(box.remise())), Catch::StartsWith("delivered"));
    CHECK(box.sender()->look(box.remise()));
    CHECK_FALSE(smtpd.has(4));
  }
}

TEST_CASE(
    "a mail whose answer is lost again and again is held for a person to ask the lieu, and leaves again at his word") {
  Smtpd smtpd({"--lose", "6"});
  const Box box(smtpd, Protection::smime);
  const auto send = [&] { return told(box.sender()->send(box.remise())); };
  for (int attempt = 1; attempt <= 4; ++attempt) CHECK_THAT(send(), Catch::StartsWith("partner retry: "));
  CHECK_THAT(send(), Catch::StartsWith("arrivee-incertaine: 5 times") && Catch::Contains("it may well have arrived"));
  CHECK(smtpd.has(5));
  CHECK_THAT(cannot_tell(box), Catch::StartsWith("arrivee-incertaine: "));
  CHECK_THAT(told(box.sender()->withdraw(box.remise())), Catch::StartsWith("rappel-impossible"));
  CHECK_THAT(send(), Catch::StartsWith("partner retry: "));
  CHECK_THAT(send(), Catch::StartsWith("delivered"));
  CHECK(smtpd.mail(7) == smtpd.mail(1));
}

TEST_CASE("attempts that were cut short count as much as those whose answer was lost") {
  const Smtpd smtpd({"--stall", "content"});
  const Box box(smtpd, Protection::smime);
  for (int attempt = 1; attempt <= 5; ++attempt) {
    fs::remove(smtpd.dir / "mails/stalled");
    std::stop_source stop;
    const auto sender = box.sender(stop.get_token());
    const std::jthread later([&] {
      test::wait_until([&] { return fs::exists(smtpd.dir / "mails/stalled"); }, "the message");
      stop.request_stop();
    });
    CHECK_THROWS_AS(sender->send(box.remise()), Interrupted);
  }
  fs::remove(smtpd.dir / "mails/stalled");
  CHECK_THAT(told(box.sender()->send(box.remise())), Catch::StartsWith("arrivee-incertaine: "));
  CHECK_FALSE(fs::exists(smtpd.dir / "mails/stalled"));
}

TEST_CASE("a mail that our server puts off, whoever it is for, is the server's") {
  const Smtpd smtpd({"--content", "451 4.7.1 Greylisted by a filter"});
  const Box box(smtpd, Protection::smime);
  const auto outcome = box.sender()->send(box.remise());
  CHECK_THAT(told(outcome), Catch::StartsWith("partner retry: serveur-messagerie: the mail server says: 451 4.7.1"));
  CHECK(std::get<Retry>(outcome).scope == model::Scope::mail_server);
  CHECK_FALSE(box.sender()->look(box.remise()));
}

TEST_CASE("a box that is put off is its lieu's, which waits as a lieu") {
  const Smtpd smtpd({"--defer", Box::address});
  const Box box(smtpd, Protection::smime);
  const auto outcome = box.sender()->send(box.remise());
  REQUIRE(std::holds_alternative<Retry>(outcome));
  CHECK(std::get<Retry>(outcome).scope == model::Scope::lieu);
}

TEST_CASE("whether the lieu has it is told when it is known, and only then") {
  Smtpd smtpd({"--defer", Box::address});
  const Box box(smtpd, Protection::smime);
  CHECK_FALSE(box.sender()->look(box.remise()));
  CHECK_THAT(told(box.sender()->send(box.remise())),
             Catch::StartsWith("partner retry: destinataire-differe: the mail server says: 451"));
  CHECK_FALSE(box.sender()->look(box.remise()));  // the server has said that it does not have it
  smtpd.stop();
  CHECK_THAT(told(box.sender()->send(box.remise())), Catch::StartsWith("partner retry"));
  CHECK_FALSE(box.sender()->look(box.remise()));  // no connection
  smtpd.start({"--lose", "1"});
  box.sender()->send(box.remise());
  CHECK_THAT(cannot_tell(box), Catch::StartsWith("arrivee-incertaine: "));
  // What is known of a later attempt does not settle it.
  smtpd.stop();
  CHECK_THAT(told(box.sender()->send(box.remise())), Catch::StartsWith("partner retry"));
  CHECK_THAT(cannot_tell(box), Catch::StartsWith("arrivee-incertaine: "));
  CHECK_THAT(told(box.sender()->withdraw(box.remise())), Catch::StartsWith("rappel-impossible"));
  smtpd.start();
  box.sender()->send(box.remise());
  CHECK(box.sender()->look(box.remise()));
}

TEST_CASE("the lieu's word that it has nothing ends a doubt, and the count of what is in doubt begins anew") {
  const Smtpd smtpd({"--lose", "8"});
  const Box box(smtpd, Protection::smime);
  const auto send = [&](bool nothing_there) {
    auto remise = box.remise();
    remise.nothing_there = nothing_there;
    return told(box.sender()->send(remise));
  };
  const auto in_doubt = [&] {
    return channels::CourrielSender::in_doubt(Directory::open(box.dir / "depart"), box.remise().lieu,
                                              box.remise().remise);
  };
  CHECK_FALSE(in_doubt());
  for (int attempt = 1; attempt <= 4; ++attempt) send(false);
  CHECK(in_doubt());
  auto absent = box.remise();
  absent.nothing_there = true;
  CHECK_FALSE(box.sender()->look(absent));
  CHECK_THAT(told(box.sender()->withdraw(absent)), Catch::StartsWith("delivered: no mail"));
  for (int attempt = 5; attempt <= 8; ++attempt) CHECK_THAT(send(attempt == 5), Catch::StartsWith("partner retry: "));
  CHECK_THAT(cannot_tell(box), Catch::StartsWith("arrivee-incertaine: "));
  CHECK_THAT(send(true), Catch::StartsWith("delivered"));
}

TEST_CASE("what is wrong is told to whom can mend it") {
  const Smtpd smtpd;
  SECTION("a box that the server does not know") {
    const Smtpd refusing({"--refuse", Box::address});
    const Box box(refusing, Protection::smime);
    const std::string said = told(box.sender()->send(box.remise()));
    CHECK_THAT(said, Catch::StartsWith("partner destinataire-refuse") && Catch::Contains("550 5.1.1") &&
                         Catch::Contains("<adresse>") && !Catch::Contains("pilat"));
  }
  SECTION("a content that the server refuses is the remise's own") {
    const Smtpd refusing({"--content", "554 5.7.1 Encrypted content is not wanted"});
    const Box box(refusing, Protection::smime);
    CHECK_THAT(told(box.sender()->send(box.remise())), Catch::StartsWith("message-refuse: ") && Catch::Contains("554"));
  }
  SECTION("our own mail server is no lieu's to mend") {
    const Box box(smtpd, Protection::smime);
    fs::remove(smtpd.dir / "server.pem");  // its CA
    CHECK_THAT(told(box.sender()->send(box.remise())),
               Catch::StartsWith("partner retry: ") && Catch::Contains("[mail]"));
  }
  SECTION("a certificate that is missing, none, or expired") {
    const Box box(smtpd, Protection::smime);
    const std::string setting = "partner justificatif: <certificat>cle-rpe-pdf</certificat> of the lieu's profile: ";
    box.clock.set("2099-01-01T00:00:00Z");
    CHECK_THAT(told(box.sender()->send(box.remise())), Catch::StartsWith(setting + "it has expired"));
    box.dir.put("credentials/cle-rpe-pdf", "rien");
    CHECK_THAT(told(box.sender()->send(box.remise())), Catch::StartsWith(setting + "it is not a certificate"));
    fs::remove(box.dir / "credentials/cle-rpe-pdf");
    CHECK_THAT(told(box.sender()->send(box.remise())), Catch::StartsWith(setting) && Catch::Contains("is missing"));
  }
  SECTION("a password that is no password") {
    const Box box(smtpd, Protection::pdf);
    for (const char* password : {"", "court", "des accents é è à"}) {
      box.dir.put("credentials/cle-rpe-pdf", password);
      CHECK_THAT(told(box.sender()->send(box.remise())),
                 Catch::StartsWith("partner justificatif: <motDePasse>cle-rpe-pdf</motDePasse>") &&
                     Catch::Contains(*password == '\0' ? "is empty" : "12 to 127") && !Catch::Contains("court"));
    }
  }
  SECTION("a password with a blank that nobody sees") {
    const Box box(smtpd, Protection::pdf);
    for (const char* password : {" un mot de passe", "un mot de passe "}) {
      box.dir.put("credentials/cle-rpe-pdf", password);
      CHECK_THAT(told(box.sender()->send(box.remise())), Catch::Contains("begins or ends with a blank"));
    }
  }
  SECTION("a remise packed under a larger limit") {
    Box box(smtpd, Protection::smime);
    box.profile.largest_message = 65536;
    CHECK_THAT(told(box.sender()->send(box.remise())),
               Catch::StartsWith("taille-depassee: ") && Catch::Contains("<tailleMaximale>"));
  }
  CHECK_FALSE(smtpd.has(1));
}

TEST_CASE(
    "another certificate makes another mail, once the lieu is known not to have the first; the Message-ID stays") {
  Smtpd smtpd({"--lose", "1"});
  Box box(smtpd, Protection::smime);
  auto new_to_it = box.remise();
  new_to_it.nothing_there = true;  // before this attempt
  CHECK_THAT(told(box.sender()->send(new_to_it)),
             Catch::Contains("it may have arrived all the same (1 of 5 times): ask the lieu"));
  const std::string first = smtpd.mail(1);
  box.keys.make_certificate();
  for (int i = 0; i < 2; ++i) {
    CHECK_THAT(told(box.sender()->send(box.remise())),
               Catch::StartsWith("arrivee-incertaine: ") && Catch::Contains("another certificate"));
  }
  CHECK_FALSE(smtpd.has(2));
  auto not_there = box.remise();
  not_there.nothing_there = true;  // the lieu says so
  CHECK_THAT(told(box.sender()->send(not_there)), Catch::StartsWith("delivered"));
  CHECK(smtpd.mail(2) != first);
  CHECK_THAT(smtpd.mail(2), Catch::Contains("<R1.contenu@caf.example.org>"));
  CHECK(box.keys.opened(smtpd.mail(2), "DI_monenfant_A1.xml") == box.source.read("DI_monenfant_A1.xml"));
}

TEST_CASE("what is wrong with the mail server is wrong for all lieux: none need try again in this pass") {
  const Smtpd smtpd({"--banner", GENERATE("421 4.3.2 Closing", "554 5.7.1 No service for you")});
  const Box box(smtpd, Protection::smime);
  const auto outcome = box.sender()->send(box.remise());
  REQUIRE(std::holds_alternative<Retry>(outcome));
  CHECK(std::get<Retry>(outcome).scope == model::Scope::mail_server);
}

TEST_CASE("a stop ends an attempt, whose end is then not known") {
  const Smtpd smtpd({"--stall", "content"});
  const Box box(smtpd, Protection::smime);
  std::stop_source stop;
  const auto sender = box.sender(stop.get_token());
  const std::jthread later([&] {
    test::wait_until([&] { return fs::exists(smtpd.dir / "mails/stalled"); }, "the message");
    stop.request_stop();
  });
  CHECK_THROWS_AS(sender->send(box.remise()), Interrupted);
  CHECK_THAT(cannot_tell(box), Catch::StartsWith("arrivee-incertaine: "));
}

TEST_CASE("no mail is larger than what packing counts with, and packing does not count with much more") {
  const auto protection = GENERATE(Protection::smime, Protection::pdf);
  const Smtpd smtpd;
  const Box box(smtpd, protection, GENERATE(0U, 1U, 57U, 30000U, 400000U));
  const std::uint64_t largest = channels::largest_courriel(box.profile, "R1", box.files, box.source);
  REQUIRE_THAT(told(box.sender()->send(box.remise())), Catch::StartsWith("delivered"));
  const std::uint64_t size = smtpd.mail(1).size();
  CHECK(size <= largest);
  CHECK(largest <= size + size / 10 + 30000);
}
