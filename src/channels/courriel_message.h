// The mail that carries a remise (channel courriel): how it is made, and how large it gets.
//
//   smime   a text, every file of the remise and the manifest, all of it encrypted to the lieu's certificate
//   pdf     a text in clear that says nothing about families, and <remise>.pdf: AES-256, the pages of all demandes
//           with every file of the remise and the manifest attached
//
// Everything is made in memory: nothing in clear touches a disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "channels/credentials.h"
#include "channels/file_sender.h"
#include "lib/crypto/cms.h"
#include "lib/mime/message.h"
#include "model/partner_profile.h"

namespace navette::channels {

// What a person reads before opening anything; nothing about a family (R9). At most 400 and 3072 bytes.
struct CourrielText {
  std::string subject;
  std::string text;
};

// What protects a remise: read anew for each, checked before anything is made.
struct CourrielSecret {
  std::optional<crypto::Certificate> certificate;  // smime
  std::string password;                            // pdf
};
// Throws CredentialError, which names the setting of the profile, for a certificate to which nothing may be encrypted
// at `now`, and a password that is not 12 to 127 characters of printable ASCII (others are typed in several ways).
CourrielSecret read_secret(const model::CourrielProfile& profile, const Credentials& credentials, Instant now);

struct RemiseContent {
  std::string name;
  model::FileKind kind = model::FileKind::pdf;
  std::string bytes;
};

// `head`: sender, recipient, date, Message-ID; subject and text come from `text`. Throws Error when libraries fail, or
// the text is too long.
std::string compose_courriel(const model::CourrielProfile& profile, const CourrielSecret& secret, mime::Message head,
                             const CourrielText& text, const std::string& remise, std::vector<RemiseContent> files);

// Bytes of that mail, at most, whatever the certificate, the password, the text and chance. For smime counted from the
// sizes; for pdf by making one: how libqpdf writes objects is its own.
std::uint64_t largest_courriel(const model::CourrielProfile& profile, const std::string& remise,
                               const std::vector<model::RemiseFile>& files, const Directory& source);

}  // namespace navette::channels
