// How much may be under way at a lieu and at a partner's account.
#include "stages/traffic.h"

#include <catch2/catch.hpp>

#include "support/sftp_profiles.h"

using namespace navette;
using stages::access_of;
using stages::Traffic;
using test::courriel;
using test::sftp;

namespace {

store::RowId last = 0;

store::DueRemise remise(store::RowId lieu, const model::Channel& channel) {
  store::DueRemise r;
  r.id = r.first_issue = ++last;
  r.lieu = lieu;
  r.channel = channel;
  return r;
}

store::AwaitingLieu awaiting(store::RowId lieu, const model::Channel& channel) {
  return {lieu, "rpe", 1, channel};
}

}  // namespace

TEST_CASE("an account is host, port and user, whatever else a profile says; a dépôt is none") {
  const auto account = [](const model::Channel& channel) { return access_of(channel).value().account; };
  CHECK(account(sftp("epci", 1, "a.example.org")) == account(sftp("epci", 4, "A.example.org", 22, "depot/autre")));
  CHECK(account(sftp("epci")) != account(sftp("autre")));
  CHECK(account(sftp("epci", 1, "a.example.org")) != account(sftp("epci", 1, "b.example.org")));
  CHECK(account(sftp("epci", 1, "a.example.org", 22)) != account(sftp("epci", 1, "a.example.org", 2222)));
  CHECK(access_of(sftp("epci", 7)).value().connections == 7);
  CHECK_FALSE(access_of(model::DepotChannel{}));
}

TEST_CASE("all boxes are one account with one connection, our mail server's; what waits in the dépôt is none") {
  CHECK(access_of(courriel("un")).value().account == access_of(courriel("deux")).value().account);
  CHECK(access_of(courriel("un")).value().account != access_of(sftp("un")).value().account);
  CHECK_FALSE(access_of(courriel("un", "<clair/>")));
  Traffic traffic;
  CHECK(traffic.take(remise(1, courriel("un"))));
  CHECK_FALSE(traffic.take(remise(2, courriel("deux"))));
  CHECK(traffic.take(remise(3, courriel("trois", "<clair/>"))));
}

TEST_CASE("an account takes as many as its profile says, across lieux; other accounts are not concerned") {
  Traffic traffic;
  CHECK(traffic.take(remise(1, sftp("epci", 3))));
  CHECK(traffic.take(remise(1, sftp("epci", 3))));
  CHECK(traffic.take(remise(2, sftp("epci", 3))));
  CHECK_FALSE(traffic.take(remise(3, sftp("epci", 3))));
  CHECK_FALSE(traffic.admits(awaiting(4, sftp("epci", 3))));
  CHECK(traffic.take(remise(1, sftp("autre", 1))));
}

TEST_CASE("each profile's own number counts for it, and none waits for ever behind a larger one") {
  Traffic traffic;
  CHECK(traffic.take(remise(1, sftp("epci", 3))));
  CHECK_FALSE(traffic.take(remise(2, sftp("epci", 1))));
  CHECK_FALSE(traffic.take(remise(1, sftp("epci", 3))));  // it came later: the account empties for the one before it
}

TEST_CASE("without an account a lieu has one remise under way") {
  const model::Channel channel = GENERATE(model::Channel(model::DepotChannel{}), courriel("un", "<clair/>"));
  Traffic traffic;
  CHECK(traffic.take(remise(1, channel)));
  CHECK_FALSE(traffic.take(remise(1, channel)));
  CHECK(traffic.take(remise(2, channel)));
}

TEST_CASE("a look goes on alone at its lieu, and counts at the account") {
  Traffic traffic;
  REQUIRE(traffic.admits(awaiting(1, sftp("epci", 2))));
  traffic.add({1, 0, access_of(sftp("epci", 2)).value().account});
  CHECK_FALSE(traffic.take(remise(1, sftp("epci", 2))));
  CHECK(traffic.take(remise(2, sftp("epci", 2))));
  CHECK_FALSE(traffic.admits(awaiting(2, sftp("epci", 9))));
  CHECK_FALSE(traffic.take(remise(3, sftp("epci", 2))));
}

TEST_CASE("R15: issues of the same content never go at the same time") {
  Traffic traffic;
  const auto first = remise(1, sftp("epci", 16));
  auto again = remise(1, sftp("epci", 16));
  again.first_issue = first.id;
  CHECK(traffic.take(first));
  CHECK_FALSE(traffic.take(first));
  CHECK_FALSE(traffic.take(again));
}
