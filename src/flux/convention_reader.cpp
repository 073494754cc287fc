#include "flux/convention_reader.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "flux/canonical.h"
#include "flux/fields.h"

namespace navette::flux {
namespace {

using xml::Node;

int number(Node node) {
  const std::string text = node.text();
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error("a number that the schema accepts is not one: " + node.path());
  }
  return value;
}

// The lines, postal code and town on one line; empty when there is no address.
std::string address(Node adresse) {
  if (!adresse) return {};
  std::vector<std::string> parts;
  each_child(adresse, "ligne", [&](Node line) { parts.push_back(token(line)); });
  parts.push_back(child_token(adresse, "codePostal") + " " + child_token(adresse, "commune"));
  return text::join(parts, ", ");
}

std::vector<std::string> codes(Node communes) {
  std::vector<std::string> out;
  each_child(communes, "codeInsee", [&](Node code) { out.push_back(code.text()); });
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

model::Personne read_personne(Node personne) {
  return {child_token(personne, "numero"),  child_token(personne, "civilite"), child_token(personne, "nom"),
          child_token(personne, "prenom"),  child_token(personne, "courriel"), child_token(personne, "role"),
          day(personne.child("dateDebut")), optional_day(personne, "dateFin")};
}

model::Channel read_channel(Node canal) {
  if (const Node sftp = canal.child("sftp")) return model::SftpChannel{canonical(sftp)};
  if (const Node courriel = canal.child("courriel")) return model::CourrielChannel{canonical(courriel)};
  return model::DepotChannel{};
}

model::Lieu read_lieu(Node lieu) {
  return {child_token(lieu, "identifiant"), child_token(lieu, "nom"), address(lieu.child("adresse")),
          codes(lieu.child("communes")), read_channel(lieu.child("canal"))};
}

model::Etablissement read_etablissement(Node etablissement) {
  model::Etablissement out{child_token(etablissement, "identifiant"),
                           child_token(etablissement, "nom"),
                           child_token(etablissement, "type"),
                           child_token(etablissement, "codeInsee"),
                           {}};
  each_child(etablissement.child("ouvertures"), "ouverture", [&](Node o) { out.ouvertures.push_back(o.text()); });
  return out;
}

model::Cadence read_cadence(Node cadence) {
  const Node daily = cadence.child("quotidien");
  if (!daily) return model::Immediat{};
  return model::Quotidien{std::chrono::minutes(minutes(daily))};
}

// Without a list of its own, a convention covers what its lieux cover.
std::vector<std::string> communes_of(Node convention, const std::vector<model::Lieu>& lieux) {
  if (const Node communes = convention.child("communes")) return codes(communes);
  std::vector<std::string> all;
  for (const auto& lieu : lieux) all.insert(all.end(), lieu.communes.begin(), lieu.communes.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

model::Annexe read_annexe(Node convention) {
  model::Annexe annexe;
  annexe.signed_on = day(convention.child("dateSignature"));
  annexe.effective_from = day(convention.child("dateEffet"));
  const Node partenaire = convention.child("partenaire");
  annexe.partenaire = {child_token(partenaire, "siret"), child_token(partenaire, "nom"),
                       address(partenaire.child("adresse"))};
  each_child(convention.child("personnes"), "personne", [&](Node p) { annexe.personnes.push_back(read_personne(p)); });
  each_child(convention.child("lieux"), "lieu", [&](Node l) { annexe.lieux.push_back(read_lieu(l)); });
  each_child(convention.child("etablissements"), "etablissement",
             [&](Node e) { annexe.etablissements.push_back(read_etablissement(e)); });
  annexe.communes = communes_of(convention, annexe.lieux);
  if (const Node delay = convention.child("delaiRetrait")) annexe.pickup_days = number(delay);
  if (const Node months = convention.child("conservation")) annexe.retention_months = number(months);
  if (const Node cadence = convention.child("cadence")) annexe.cadence = read_cadence(cadence);
  return annexe;
}

template <typename Value>
Value known(std::optional<Value> value, Node node) {
  if (!value) throw Error("a word that the schema accepts is not known: " + node.path());
  return *value;
}

std::string caf_of(const std::string& emetteur) {
  constexpr std::string_view prefix = "caf-";
  return emetteur.starts_with(prefix) ? emetteur.substr(prefix.size()) : emetteur;
}

}  // namespace

model::Convention read_convention(Node convention, const std::string& emetteur) {
  model::Convention out;
  out.caf = caf_of(emetteur);
  out.numero = child_token(convention, "numero");
  out.version = number(convention.child("version"));
  const Node type = convention.child("type");
  out.kind = known(model::parse_convention_kind(type.text()), type);
  out.annexe = read_annexe(convention);
  out.activated_on = optional_day(convention, "dateActivation");
  if (const Node suspension = convention.child("suspension")) {
    out.suspension = {day(suspension.child("dateSuspension")), child_token(suspension, "motif")};
  }
  if (const Node end = convention.child("resiliation")) {
    const Node cause = end.child("cause");
    out.termination = {known(model::parse_termination_cause(cause.text()), cause), day(end.child("dateReception")),
                       day(end.child("dateFin"))};
  }
  return out;
}

}  // namespace navette::flux
