// What the whole binary shows of probes is in tests/system/test_reach.py; here, what it cannot.
#include "channels/probe.h"

#include <catch2/catch.hpp>

#include "support/smtpd.h"
#include "support/sshd.h"

using namespace navette;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

TEST_CASE("a mail server that was greeted takes mails over the same connection") {
  const test::Smtpd smtpd;
  curl::Smtp smtp({"127.0.0.1", smtpd.port(), curl::Tls::starttls, smtpd.certificate(), {}, {}}, 10s);
  const auto send = [&] {
    const auto answers = smtp.send({"a@example.org", {"b@example.org"}, {}}, "Subject: essai\r\n\r\nBonjour\r\n");
    CHECK((answers.size() == 1 && answers[0].accepted()));
  };
  CHECK(smtp.greet("a@example.org").accepted());
  CHECK_FALSE(smtpd.has(1));
  send();
  send();
  const std::string log = smtpd.log();  // a line each, with the number of the connection
  const std::string first = log.substr(0, log.find('\n') + 1);
  CHECK(log == first + first);
}

TEST_CASE("a probe that is stopped says so, and leaves nothing") {
  const test::Sshd sshd;
  const test::TempDir dir;
  dir.put("cle", sshd.dir.get("client"));
  fs::permissions(dir / "cle", fs::perms::owner_read);
  fs::create_directory(dir / "partner");
  model::SftpProfile p;
  p.host = "127.0.0.1";
  p.port = sshd.port();
  p.user = test::Sshd::user();
  p.credential = "cle";
  p.fingerprint = sshd.fingerprint();
  p.directory = (dir / "partner").string() + "/";
  p.temporary_suffix = ".part";
  const channels::Credentials credentials(dir.path());
  std::stop_source stop;
  CHECK(channels::probe_sftp(p, credentials, 5s, stop.get_token()).failed.empty());
  stop.request_stop();
  const auto probe = channels::probe_sftp(p, credentials, 5s, stop.get_token());
  CHECK(probe.failed == "SSH");
  CHECK_THAT(probe.problem, Catch::Contains("stopped"));
  CHECK_FALSE(probe.delivers);
  CHECK(fs::is_empty(dir / "partner"));
}
