#include "flux/channel_profile.h"

#include <catch2/catch.hpp>

using namespace navette;
using flux::read_courriel_profile;
using model::CourrielProfile;
using model::Protection;

namespace {

std::string courriel(const std::string& protection) {
  return "<courriel xmlns=\"urn:navette:habilitations:1\"><adresse>rpe@pilat.example.org</adresse><chiffrement>" +
         protection + "</chiffrement><tailleMaximale>10485760</tailleMaximale></courriel>";
}

}  // namespace

TEST_CASE("a courriel profile says where, how protected and how large") {
  CHECK(read_courriel_profile(courriel("<smime><certificat>smime-pilat</certificat></smime>")) ==
        CourrielProfile{"rpe@pilat.example.org", Protection::smime, "smime-pilat", 10485760});
  CHECK(read_courriel_profile(courriel("<pdf><motDePasse>pilat-pdf</motDePasse></pdf>")) ==
        CourrielProfile{"rpe@pilat.example.org", Protection::pdf, "pilat-pdf", 10485760});
  CHECK(read_courriel_profile(courriel("<clair/>")) ==
        CourrielProfile{"rpe@pilat.example.org", Protection::none, "", 10485760});
}
