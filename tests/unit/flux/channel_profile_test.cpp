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

TEST_CASE("an SFTP profile holds whatever it says, each element other than by default") {
  const auto profile = flux::read_sftp_profile(
      "<sftp xmlns=\"urn:navette:habilitations:1\"><hote>sftp.pilat.example.org</hote><port>2222</port>"
      "<utilisateur>caf</utilisateur><identifiantSecret>cle-pilat</identifiantSecret><hotesConnus>connus-pilat</"
      "hotesConnus>"
      "<repertoire>/depot</repertoire><suffixeTemporaire>.enCours1</suffixeTemporaire><renommage>false</renommage>"
      "<ecrasement>true</ecrasement><creationRepertoire>true</creationRepertoire><controleTaille>false</controleTaille>"
      "<preuveRetrait>disparition</preuveRetrait><repertoireRetour>/retour</repertoireRetour><connexions>3</connexions>"
      "<fenetreEnvoi><heureDebut>22:00:00</heureDebut><heureFin>06:30:00</heureFin></fenetreEnvoi></sftp>");
  CHECK(profile == model::SftpProfile{"sftp.pilat.example.org", 2222, "caf", "cle-pilat", "", "connus-pilat", "/depot",
                                      ".enCours1", false, true, true, false, model::PickupProof::disappearance,
                                      "/retour", 3,
                                      model::SendingWindow{std::chrono::hours(22), std::chrono::minutes(390)}});
}
