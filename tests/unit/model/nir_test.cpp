#include "model/nir.h"

#include <string>

#include <catch2/catch.hpp>

using navette::model::is_nir;

TEST_CASE("a NIR is known by sex, month and key, Corsica and unknown months included") {
  for (const char* nir : {"284039920012334", "184054221804529", "184052A00412308", "284122B03300128", "185209935001289",
                          "786019910020055", "390024221807740"}) {
    INFO(nir);
    CHECK(is_nir(nir));
  }
}

TEST_CASE("what is not a NIR is a matricule") {
  for (const char* matricule :
       {"", "1234567", "000000001234567", "ABCDEFGHIJKLMNO", "28403992001233", "2840399200123340",
        "284039920012335",  // wrong key
        "284139920012397",  // month 13
        "284009920012383",  // month 0
        "584039920012378",  // no such sex digit
        "184052C00412308",  // no such département
        "184052a00412308"}) {
    INFO(matricule);
    CHECK_FALSE(is_nir(matricule));
  }
}

TEST_CASE("of all keys exactly one makes a NIR") {
  int keys = 0;
  for (int key = 0; key < 100; ++key) {
    keys += is_nir("2840399200123" + std::string(key < 10 ? "0" : "") + std::to_string(key)) ? 1 : 0;
  }
  CHECK(keys == 1);
}
