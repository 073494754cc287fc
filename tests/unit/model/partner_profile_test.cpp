#include "model/partner_profile.h"

#include <catch2/catch.hpp>

#include "model/civil_time.h"
#include "support/times.h"

using namespace navette::model;
using navette::test::at;

TEST_CASE("a credential's name says whose it is: caf-421-… is Caf 421's, others are a lone Caf's") {
  for (const bool alone : {true, false}) {
    CHECK(belongs_to("caf-421-cle", "421", alone));
    CHECK_FALSE(belongs_to("caf-421-cle", "691", alone));
  }
  for (const char* unbound : {"cle", "caf-cle", "caf-421", "caf-42-cle", "caf-4210-cle", "xcaf-421-cle"}) {
    CHECK(belongs_to(unbound, "421", true));
    CHECK_FALSE(belongs_to(unbound, "421", false));
  }
}

TEST_CASE("a credential's name says what it is for") {
  using Use = CredentialUse;
  for (const Use use : {Use::ssh_secret, Use::known_hosts, Use::certificate, Use::pdf_password})
    CHECK_FALSE(fits({"cle-passphrase", use}));
  CHECK(fits({"cle", Use::ssh_secret}));
  CHECK_FALSE(fits({"rpe-pdf", Use::ssh_secret}));
  CHECK(fits({"rpe-pdf", Use::pdf_password}));
  CHECK_FALSE(fits({"rpe", Use::pdf_password}));
  CHECK(fits({"smime-rpe", Use::certificate}));
  CHECK(fits({"hotes", Use::known_hosts}));
}

TEST_CASE("profiles name the credentials that they use") {
  const auto names = [](const auto& profile) {
    std::string out;
    for (const NamedCredential& one : named_credentials(profile)) out += one.name + " ";
    return out;
  };
  SftpProfile sftp;
  sftp.credential = "cle";
  CHECK(names(sftp) == "cle ");
  sftp.known_hosts = "hotes";
  CHECK(names(sftp) == "cle hotes ");
  CourrielProfile mail;
  mail.credential = "rpe-pdf";
  CHECK(names(mail).empty());
  mail.protection = Protection::pdf;
  CHECK(names(mail) == "rpe-pdf ");
}

TEST_CASE("a directory that two lieux may have in common is told, whatever its spelling or the name of its server") {
  SftpProfile one;
  one.host = "sftp.example.org";
  one.user = "caf";
  one.fingerprint = "SHA256:abc";
  one.directory = "depot/rpe";
  const auto meets = [&](const SftpProfile& other) { return collide(places(one).front(), places(other).front()); };
  const auto changed = [&](const auto& change) {
    SftpProfile other = one;
    change(other);
    return meets(other);
  };
  CHECK(meets(one));
  CHECK(changed([](auto& p) { p.directory = "./depot//rpe/"; }));
  CHECK(changed([](auto& p) { p.directory = "/home/caf/depot/rpe"; }));
  CHECK(changed([](auto& p) { p.host = "192.0.2.1"; }));
  CHECK(changed([](auto& p) { p.fingerprint.clear(); }));
  CHECK_FALSE(changed([](auto& p) { p.directory = "rpe"; }));
  CHECK_FALSE(changed([](auto& p) { p.directory = "/home/caf/autre-depot/rpe/deux"; }));
  CHECK_FALSE(changed([](auto& p) { p.directory = "/xdepot/rpe"; }));
  CHECK_FALSE(changed([](auto& p) { p.user = "autre"; }));
  CHECK_FALSE(changed([](auto& p) { p.make_directory = true; }));
  CHECK_FALSE(changed([](auto& p) {
    p.host = "192.0.2.1";
    p.fingerprint = "SHA256:def";
  }));
  CHECK_FALSE(changed([](auto& p) {
    p.host = "192.0.2.1";
    p.fingerprint.clear();
  }));
  // Where an account arrives only the server knows.
  one.directory = ".";
  CHECK_FALSE(changed([](auto& p) { p.directory = "/depot"; }));
}

TEST_CASE("a partner's hours open and close by the clocks of Paris, past midnight and past their change") {
  const auto opening = [](int begin, int end, const char* now) {
    const auto next = next_opening({std::chrono::minutes(begin), std::chrono::minutes(end)}, at(now));
    return next ? to_iso_utc(*next) : "open";
  };
  constexpr int at_22 = 22 * 60;
  constexpr int at_5 = 5 * 60;
  // 2026-11-20 12:00 in Paris is 11:00 in UTC.
  CHECK(opening(at_22, at_5, "2026-11-20T11:00:00Z") == "2026-11-20T21:00:00Z");
  CHECK(opening(at_22, at_5, "2026-11-20T21:00:00Z") == "open");
  CHECK(opening(at_22, at_5, "2026-11-21T03:59:59Z") == "open");
  CHECK(opening(at_22, at_5, "2026-11-21T04:00:00Z") == "2026-11-21T21:00:00Z");
  CHECK(opening(at_5, at_22, "2026-11-20T11:00:00Z") == "open");
  CHECK(opening(at_5, at_22, "2026-11-20T21:00:00Z") == "2026-11-21T04:00:00Z");
  CHECK(opening(at_5, at_5, "2026-11-20T11:00:00Z") == "open");  // the whole day
  // On 2026-10-25 clocks go back at 03:00: 22:00 of the day before is 20:00 in UTC, of that day 21:00.
  CHECK(opening(at_22, at_5, "2026-10-24T12:00:00Z") == "2026-10-24T20:00:00Z");
  CHECK(opening(at_22, at_5, "2026-10-25T12:00:00Z") == "2026-10-25T21:00:00Z");
}
