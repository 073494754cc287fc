#include "flux/channel_profile.h"

#include <charconv>

#include "base/error.h"
#include "flux/fields.h"
#include "lib/xml/document.h"

namespace navette::flux {
namespace {

using xml::Node;

template <typename Number>
Number number(Node parent, std::string_view child) {
  const std::string text = child_token(parent, child);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error("a channel's profile holds no number where one belongs: " + std::string(child));
  }
  return value;
}

bool flag(Node parent, std::string_view child) {
  return child_token(parent, child) == "true";
}

model::PickupProof proof_from(const std::string& word) {
  if (word == "disparition") return model::PickupProof::disappearance;
  return word == "retrait" ? model::PickupProof::flux : model::PickupProof::none;
}

}  // namespace

model::SftpProfile read_sftp_profile(const std::string& xml) {
  const auto document = xml::Document::parse(xml);
  const Node sftp = document.root();
  model::SftpProfile p;
  p.host = child_token(sftp, "hote");
  p.port = number<std::uint16_t>(sftp, "port");
  p.user = child_token(sftp, "utilisateur");
  p.credential = child_token(sftp, "identifiantSecret");
  p.fingerprint = child_token(sftp, "empreinteHote");
  p.known_hosts = child_token(sftp, "hotesConnus");
  p.directory = sftp.child_text("repertoire");
  const std::string suffix = child_token(sftp, "suffixeTemporaire");
  p.temporary_suffix = suffix.empty() ? ".part" : suffix;
  p.rename = flag(sftp, "renommage");
  p.overwrite = flag(sftp, "ecrasement");
  p.make_directory = flag(sftp, "creationRepertoire");
  p.check_size = flag(sftp, "controleTaille");
  p.proof = proof_from(child_token(sftp, "preuveRetrait"));
  p.return_directory = sftp.child_text("repertoireRetour");
  p.connections = number<unsigned>(sftp, "connexions");
  if (const Node window = sftp.child("fenetreEnvoi")) {
    p.window = {std::chrono::minutes(minutes(window.child("heureDebut"))),
                std::chrono::minutes(minutes(window.child("heureFin")))};
  }
  return p;
}

model::CourrielProfile read_courriel_profile(const std::string& xml) {
  const auto document = xml::Document::parse(xml);
  const Node courriel = document.root();
  model::CourrielProfile p;
  p.address = child_token(courriel, "adresse");
  const Node protection = courriel.child("chiffrement");
  if (const Node smime = protection.child("smime")) {
    p.protection = model::Protection::smime;
    p.credential = child_token(smime, "certificat");
  } else if (const Node pdf = protection.child("pdf")) {
    p.protection = model::Protection::pdf;
    p.credential = child_token(pdf, "motDePasse");
  }
  p.largest_message = number<std::uint64_t>(courriel, "tailleMaximale");
  return p;
}

std::vector<model::Place> places(const model::Channel& channel) {
  const auto* sftp = std::get_if<model::SftpChannel>(&channel);
  if (sftp == nullptr) return {};
  return model::places(read_sftp_profile(sftp->xml));
}

std::vector<model::NamedCredential> named_credentials(const model::Channel& channel) {
  if (const auto* sftp = std::get_if<model::SftpChannel>(&channel))
    return model::named_credentials(read_sftp_profile(sftp->xml));
  if (const auto* mail = std::get_if<model::CourrielChannel>(&channel))
    return model::named_credentials(read_courriel_profile(mail->xml));
  return {};
}

}  // namespace navette::flux
