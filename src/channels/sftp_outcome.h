// What the words of a partner's SFTP server mean for an attempt, and what to do about them.
#pragma once

#include <string>

#include "lib/ssh/sftp.h"
#include "model/delivery.h"

namespace navette::channels {

// Of the way to the server: Retry where it may heal by itself; else Refused "cle-hote", "connexion-refusee" (login),
// "echange-cles", "sftp-absent", "justificatif". Both concern all that has this access.
model::Outcome outcome_of_error(const ssh::SshError& error);

// Of an answer to a request that concerns the directory or the profile, and so the lieu: Refused "repertoire-absent",
// "droits-insuffisants", "operation-absente", or Retry "erreur-serveur".
model::Outcome outcome_of_error(const ssh::SftpError& error);
// The same in words that fit the operation: `advice`.
model::Outcome outcome_of_error(const ssh::SftpError& error, const std::string& advice);
std::string advice_on_making_directories(const ssh::SftpError& error);

// Of a file's own: as these, and Retry "erreur-serveur" of the remise alone where the server says no more than that it
// failed.
model::Outcome outcome_of_failure(const ssh::UploadFailure& failure);

}  // namespace navette::channels
