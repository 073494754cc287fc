#include "channels/mail_directory.h"

#include <filesystem>

#include <catch2/catch.hpp>

#include "base/directory.h"
#include "unit/base/temp_dir.h"

using namespace navette;
using channels::Mail;
using channels::MailDirectory;
using model::Delivered;
using model::Refused;
using model::Retry;
using test::TempDir;

namespace {

const Mail mail{
    "R1", "r1@navette.example", "navette@caf.example", {"a@ville.example", "b@ville.example"}, "Bonjour\r\n"};

}  // namespace

TEST_CASE("an e-mail becomes a file, and each recipient has an answer") {
  const TempDir dir;
  const auto result = MailDirectory(dir.path()).send(mail, {});
  CHECK(std::holds_alternative<Delivered>(result.outcome));
  REQUIRE(result.recipients.size() == 2);
  CHECK(result.recipients[1].address == "b@ville.example");
  CHECK(std::holds_alternative<Delivered>(result.recipients[1].outcome));
  const Directory written = Directory::open(dir.path());
  CHECK(written.names() == std::vector<std::string>{"R1.eml"});
  CHECK(written.read("R1.eml") == mail.bytes);
}

TEST_CASE("an e-mail recomposed under the same name replaces the file") {
  const TempDir dir;
  MailDirectory sender(dir.path());
  sender.send(mail, {});
  Mail again = mail;
  again.bytes = "Rebonjour\r\n";
  CHECK(std::holds_alternative<Delivered>(sender.send(again, {}).outcome));
  CHECK(Directory::open(dir.path()).names() == std::vector<std::string>{"R1.eml"});
  CHECK(Directory::open(dir.path()).read("R1.eml") == again.bytes);
}

TEST_CASE("a missing directory of e-mails is worth another try") {
  const TempDir dir;
  const auto result = MailDirectory(dir.path() / "absent").send(mail, {});
  CHECK(std::holds_alternative<Retry>(result.outcome));
  CHECK(std::holds_alternative<Retry>(result.recipients.at(0).outcome));
}

TEST_CASE("an e-mail that cannot be filed or sent to anybody is refused") {
  const TempDir dir;
  Mail bad = mail;
  SECTION("name") {
    bad.name = "../R1";
  }
  SECTION("recipients") {
    bad.recipients.clear();
  }
  CHECK(std::holds_alternative<Refused>(MailDirectory(dir.path()).send(bad, {}).outcome));
  CHECK(Directory::open(dir.path()).names().empty());
}
