#include "flux/bordereau.h"

namespace navette::flux {
namespace {

void copy_leaf(xml::Writer& writer, xml::Node from, const char* name) {
  if (from.child(name)) writer.leaf(name, from.child_text(name));
}

}  // namespace

Bordereau::Bordereau(const BordereauHead& head) {
  writer_.open("bordereau", {{"xmlns", "urn:navette:bordereau:1"}, {"version", "1"}});
  writer_.leaf("remise", head.remise);
  if (!head.reissue_of.empty()) writer_.leaf("reemission", head.reissue_of);
  writer_.leaf("dateComposition", head.composed);
  writer_.open("lieu");
  writer_.leaf("identifiant", head.lieu);
  writer_.leaf("nom", head.lieu_name);
  writer_.close();
  writer_.leaf("partenaire", head.partenaire);
  writer_.open("convention");
  writer_.leaf("numero", head.convention);
  writer_.leaf("version", std::to_string(head.version));
  writer_.close();
  writer_.leaf("delaiRetrait", std::to_string(head.pickup_days));
  writer_.leaf("conservation", std::to_string(head.retention_months));
  writer_.open("demandes");
}

void Bordereau::add(const xml::Document& demande, const std::string& emetteur,
                    const std::vector<std::string>& communes) {
  const xml::Node root = demande.root();
  const xml::Node demandeur = root.child("demandeur");
  writer_.open("demande");
  copy_leaf(writer_, root, "reference");
  writer_.leaf("emetteur", emetteur);
  copy_leaf(writer_, demandeur, "civilite");
  copy_leaf(writer_, demandeur, "nom");
  copy_leaf(writer_, demandeur, "prenom");
  copy_leaf(writer_, demandeur, demandeur.child("telephone") ? "telephone" : "courriel");
  writer_.open("communes");
  for (const std::string& commune : communes) writer_.leaf("commune", commune);
  writer_.close();
  writer_.open("enfants");
  for (auto enfant = root.child("enfants").first_element(); enfant; enfant = enfant.next_element()) {
    writer_.open("enfant");
    for (const char* name : {"prenom", "dateNaissance", "dateNaissancePrevue"}) copy_leaf(writer_, enfant, name);
    writer_.close();
  }
  writer_.close();
  copy_leaf(writer_, root.child("periode"), "dateDebut");
  writer_.close();
}

std::string Bordereau::finish() {
  writer_.close();
  writer_.close();
  writer_.finish();
  return std::move(bytes_);
}

}  // namespace navette::flux
