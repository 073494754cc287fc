#include "lib/mime/address.h"

#include <string>

#include <catch2/catch.hpp>

using navette::mime::is_valid_address;
using namespace std::string_literals;

TEST_CASE("usual addresses are valid") {
  for (const char* address :
       {"agent@ville.example", "prenom.nom@rpe.agglo-exemple.example", "o'neill+rpe@ville.example", "a@b.example",
        "x_1-2@1.example", "navette@localhost", "navette@srv-1"}) {
    INFO(address);
    CHECK(is_valid_address(address));
  }
}

TEST_CASE("an address that could break a header, an envelope or a command line is not valid") {
  for (const std::string& address : {""s,
                                     "agent"s,
                                     "@ville.example"s,
                                     "agent@"s,

                                     "a b@ville.example"s,
                                     "agent@ville.example "s,
                                     "agent@ville.example\r\nBcc: x@y.example"s,
                                     "agent\n@ville.example"s,
                                     "agent@ville.example\0"s,
                                     "<agent@ville.example>"s,
                                     "Agent <agent@ville.example>"s,
                                     "a@b@ville.example"s,
                                     "\"a b\"@ville.example"s,
                                     "a,b@ville.example"s,
                                     "a;b@ville.example"s,
                                     "a(b)@ville.example"s,
                                     "agent@[127.0.0.1]"s,
                                     "-f@ville.example"s,
                                     ".a@ville.example"s,
                                     "a.@ville.example"s,
                                     "a..b@ville.example"s,
                                     "a@.example"s,
                                     "a@ville..example"s,
                                     "a@-ville.example"s,
                                     "a@ville-.example"s,
                                     "a@ville.example."s,
                                     "agent@ville_x.example"s,
                                     "a%b@ville.example"s,
                                     "a|b@ville.example"s,
                                     "a!b@ville.example"s,
                                     "héloïse@ville.example"s,
                                     "agent@mairie-évian.example"s,
                                     "a\tb@ville.example"s,
                                     "a\x7F@ville.example"s}) {
    INFO(address);
    CHECK_FALSE(is_valid_address(address));
  }
}

TEST_CASE("an address has the lengths of RFC 5321") {
  CHECK(is_valid_address(std::string(64, 'a') + "@ville.example"));
  CHECK_FALSE(is_valid_address(std::string(65, 'a') + "@ville.example"));
  CHECK(is_valid_address("a@" + std::string(63, 'b') + ".example"));
  CHECK_FALSE(is_valid_address("a@" + std::string(64, 'b') + ".example"));
  std::string domain = "example";
  while (domain.size() < 260) domain = "abcdefgh." + domain;
  CHECK_FALSE(is_valid_address("a@" + domain));
}
