// Profiles of partners' servers and boxes for tests, as a convention carries them.
#pragma once

#include <string>

#include <fmt/format.h>

#include "model/convention.h"

namespace navette::test {

inline model::SftpChannel sftp(const std::string& user, int connections = 1,
                               const std::string& host = "sftp.example.org", int port = 22,
                               const std::string& directory = "depot") {
  return {fmt::format(
      "<sftp><hote>{}</hote><port>{}</port><utilisateur>{}</utilisateur><identifiantSecret>cle</identifiantSecret>"
      "<hotesConnus>hotes</hotesConnus><repertoire>{}</repertoire><renommage>true</renommage>"
      "<ecrasement>false</ecrasement><creationRepertoire>true</creationRepertoire><controleTaille>true</controleTaille>"
      "<preuveRetrait>disparition</preuveRetrait><connexions>{}</connexions></sftp>",
      host, port, user, directory, connections)};
}

inline model::CourrielChannel courriel(const std::string& box,
                                       const std::string& how = "<smime><certificat>rpe</certificat></smime>") {
  return {
      fmt::format("<courriel><adresse>{}@pilat.example.org</adresse><chiffrement>{}</chiffrement>"
                  "<tailleMaximale>10000000</tailleMaximale></courriel>",
                  box, how)};
}

}  // namespace navette::test
