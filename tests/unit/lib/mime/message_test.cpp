#include "lib/mime/message.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace navette;
using Catch::Matchers::Contains;

namespace {

mime::Message notification() {
  mime::Message m;
  m.from = {"Caf – échanges", "navette@caf.example"};
  m.to = {"agent@ville.example", "direction@ville.example"};
  m.subject = "3 demandes d’information à retirer avant le 7 décembre 2026 inclus : lieu « Les Éphélides »";
  m.date = Instant(std::chrono::seconds(1795324200));  // 2026-11-22T05:10:00Z
  m.utc_offset = std::chrono::minutes(60);
  m.message_id = "remise-42@navette.example";
  m.text = "Bonjour,\nVotre lieu a reçu 3\u00A0demandes = à retirer.\n\nFrom ici.\n.\n";
  m.html = "<!DOCTYPE html>\n<html lang=\"fr\"><body><p>Bonjour à vous</p></body></html>\n";
  return m;
}

// Quoted-printable, enough of it to read our own messages back; the boundaries' "=_" is left as it is.
std::string decoded(const std::string& bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes.compare(i, 3, "=\r\n") == 0) {
      i += 2;
    } else if (bytes[i] == '=' && std::isxdigit(static_cast<unsigned char>(bytes[i + 1])) != 0) {
      out += static_cast<char>(std::stoi(bytes.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += bytes[i];
    }
  }
  return out;
}

}  // namespace

TEST_CASE("a composed message has every header") {
  const std::string bytes = mime::compose(notification());
  const std::string headers = bytes.substr(0, bytes.find("\r\n\r\n"));
  CHECK_THAT(headers, Contains("<navette@caf.example>"));
  CHECK_THAT(headers, Contains("To: agent@ville.example, direction@ville.example"));
  CHECK_THAT(headers, Contains("Date: Sun, 22 Nov 2026 06:10:00 +0100\r\n"));
  CHECK_THAT(headers, Contains("Message-Id: <remise-42@navette.example>", Catch::CaseSensitive::No));
  CHECK_THAT(headers, Contains("Auto-Submitted: auto-generated"));
  CHECK_THAT(headers, Contains("MIME-Version: 1.0", Catch::CaseSensitive::No));
  CHECK_THAT(headers, Contains("multipart/alternative"));
  CHECK_THAT(headers, Contains("Subject: 3 demandes =?UTF-8?B?"));
  CHECK_THAT(headers, !Contains("Reply-To"));
}

TEST_CASE("answers go to the address asked for") {
  mime::Message m = notification();
  m.reply_to = "contact@caf.example";
  CHECK_THAT(mime::compose(m), Contains("Reply-To: contact@caf.example\r\n"));
}

TEST_CASE("a message is 7-bit, its lines end in CR LF and are short") {
  mime::Message m = notification();
  m.text += std::string(5000, 'x') + "\n" + std::string(2000, '.');
  for (int i = 0; i < 60; ++i) m.to.push_back("agent" + std::to_string(i) + "@ville.example");
  const std::string bytes = mime::compose(m);
  CHECK(std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
  std::size_t line = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n') {
      REQUIRE((i > 0 && bytes[i - 1] == '\r'));
      REQUIRE(i - line <= 200);
      line = i + 1;
    } else if (bytes[i] == '\r') {
      REQUIRE((i + 1 < bytes.size() && bytes[i + 1] == '\n'));
    }
  }
}

TEST_CASE("the same input gives the same bytes; another Message-ID another boundary") {
  const std::string once = mime::compose(notification());
  CHECK(once == mime::compose(notification()));
  mime::Message other = notification();
  other.message_id = "remise-43@navette.example";
  const auto boundary = [](const std::string& bytes) { return bytes.substr(bytes.find("=_navette_"), 42); };
  CHECK(boundary(once) != boundary(mime::compose(other)));
}

TEST_CASE("text and HTML come out as they went in, whatever ended their lines") {
  mime::Message m = notification();
  const std::string lf = mime::compose(m);
  const std::string body = lf.substr(lf.find("\r\n\r\n"));
  CHECK_THAT(decoded(body), Contains("Votre lieu a reçu 3\u00A0demandes = à retirer.\r\n\r\nFrom ici.\r\n.\r\n"));
  CHECK_THAT(decoded(body), Contains("<html lang=\"fr\"><body><p>Bonjour à vous</p></body></html>\r\n"));
  CHECK(lf.find("text/plain") < lf.find("text/html"));
  m.text = "une\r\ndeux\r\n";
  CHECK_THAT(mime::compose(m), Contains("une\r\ndeux\r\n") && !Contains("=0D"));
}

TEST_CASE("what could break the headers is refused, and its value not told") {
  mime::Message m = notification();
  SECTION("a header smuggled in a recipient") {
    m.to.push_back("secret@ville.example\r\nBcc: x@y.example");
  }
  SECTION("no recipient") {
    m.to.clear();
  }
  SECTION("an invalid sender") {
    m.from.address = "secret";
  }
  SECTION("a line end in the sender's name") {
    m.from.name = "secret\nX: y";
  }
  SECTION("a line end in the subject") {
    m.subject = "secret\r\nX: y";
  }
  SECTION("an invalid address for answers") {
    m.reply_to = "secret>";
  }
  SECTION("an invalid Message-ID") {
    m.message_id = "secret";
  }
  SECTION("text that is not UTF-8") {
    m.text = "secret\xE9";
  }
  try {
    mime::compose(m);
    FAIL("composed");
  } catch (const Error& e) {
    CHECK_THAT(e.what(), !Contains("secret"));
  }
}

namespace {

mime::Attachment attachment(std::size_t size, const std::string& name = "DI_monenfant_A1.pdf") {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i % 251);
  return {name, "application/pdf", bytes};
}

}  // namespace

TEST_CASE("a message may be text alone, and have attachments") {
  mime::Message m = notification();
  m.html.clear();
  CHECK_THAT(mime::compose(m), Contains("Content-Type: text/plain; charset=utf-8") && !Contains("multipart"));
  const std::string bytes = mime::compose(m, {attachment(100), attachment(3, "manifeste.xml")});
  CHECK_THAT(bytes, Contains("Content-Type: multipart/mixed"));
  CHECK_THAT(bytes, Contains("Content-Disposition: attachment; filename=DI_monenfant_A1.pdf"));
  CHECK_THAT(bytes, Contains("filename=manifeste.xml"));
  CHECK_THAT(bytes, Contains("Content-Transfer-Encoding: base64"));
  CHECK_THAT(bytes, Contains("AAEC\r\n"));
  CHECK(bytes == mime::compose(m, {attachment(100), attachment(3, "manifeste.xml")}));
}

TEST_CASE("both texts and attachments: two boundaries, one inside the other") {
  const std::string bytes = mime::compose(notification(), {attachment(10)});
  const auto mixed = bytes.find("multipart/mixed");
  const auto alternative = bytes.find("multipart/alternative");
  REQUIRE(mixed < alternative);
  const auto boundary = [&](std::size_t from) { return bytes.substr(bytes.find("=_navette_", from), 42); };
  CHECK(boundary(mixed) != boundary(alternative));
}

TEST_CASE("an attachment takes no more than its bound") {
  mime::Message m = notification();
  for (const std::string& name : {std::string("a"), std::string(100, 'n')}) {
    for (const std::size_t size : {0U, 1U, 2U, 3U, 56U, 57U, 58U, 1000U, 99999U, 100000U}) {
      const auto none = mime::compose(m, {attachment(0, "x")}).size();
      CHECK(mime::compose(m, {attachment(0, "x"), attachment(size, name)}).size() <=
            none + mime::largest_attached(size, name.size()));
    }
  }
}

TEST_CASE("what is to be encrypted is an entity of its own; what is encrypted is the body") {
  const std::string entity = mime::compose_entity("Bonjour\n", {attachment(5)}, "R1@caf.example");
  CHECK_THAT(entity,
             Catch::StartsWith("Content-Type: multipart/mixed") && !Contains("Message-I") && Contains("Bonjour"));
  const std::string bytes = mime::compose_enveloped(notification(), "\x30\x80 secret");
  CHECK_THAT(bytes, Contains("Content-Type: application/pkcs7-mime;") && Contains("smime-type=enveloped-data"));
  CHECK_THAT(bytes, Contains("filename=smime.p7m") && !Contains("Bonjour"));
}

TEST_CASE("the name of an attachment cannot break the headers") {
  for (const std::string& name :
       {std::string(), std::string("a\r\nBcc: x@example.org"), std::string("a\"b"), std::string("é")})
    CHECK_THROWS_AS(mime::compose(notification(), {attachment(1, name)}), Error);
}
