#include "lib/crypto/sha256.h"

#include <set>
#include <utility>

#include <catch2/catch.hpp>

#include "lib/crypto/random.h"

using namespace navette;

// FIPS 180-4 examples.
TEST_CASE("SHA-256 of the published examples") {
  CHECK(crypto::sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(crypto::sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(crypto::sha256_hex(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(crypto::sha256("abc").size() == 32);
}

TEST_CASE("SHA-256 piece by piece is SHA-256 in one go") {
  crypto::Sha256 digest;
  const std::string bytes = std::string("navette\0octets", 14) + std::string(5000, '\xE9');
  for (std::size_t at = 0; at < bytes.size(); at += 7) digest.update(std::string_view(bytes).substr(at, 7));
  CHECK(digest.finish_hex() == crypto::sha256_hex(bytes));

  SECTION("and the object serves again after finish") {
    CHECK(digest.update("abc").finish_hex() == crypto::sha256_hex("abc"));
  }
  SECTION("and can be moved while under way") {
    digest.update("ab");
    crypto::Sha256 moved = std::move(digest);
    CHECK(moved.update("c").finish_hex() == crypto::sha256_hex("abc"));
  }
}

TEST_CASE("random bytes have the size asked for and do not repeat") {
  CHECK(crypto::random_bytes(0).empty());
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(crypto::random_bytes(16));
  CHECK(seen.size() == 1000);
  CHECK(seen.begin()->size() == 16);
}
