// Conventions and demandes for tests. Everybody is invented; the communes are real.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lib/crypto/sha256.h"
#include "model/convention.h"
#include "store/records.h"
#include "support/times.h"

namespace navette::test {

inline model::Personne personne(const std::string& numero, const std::string& courriel) {
  return {numero, "MME", "Vuillermet", "Odette", courriel, "agent", day("2025-10-01"), std::nullopt};
}

inline model::Lieu lieu(const std::string& identifiant, std::vector<std::string> communes) {
  return {identifiant, "Relais " + identifiant, "", std::move(communes), model::DepotChannel{}};
}

// Signed, activated and effective in autumn 2025; one person; leaves at once (`immediat`).
inline model::Convention convention(const std::string& numero, std::vector<model::Lieu> lieux) {
  model::Convention c;
  c.caf = "421";
  c.numero = numero;
  c.annexe.signed_on = day("2025-09-15");
  c.annexe.effective_from = day("2025-10-01");
  c.annexe.partenaire = {"24420077000018", "Métropole inventée", "1 place du Test"};
  for (const auto& l : lieux) {
    c.annexe.communes.insert(c.annexe.communes.end(), l.communes.begin(), l.communes.end());
  }
  c.annexe.lieux = std::move(lieux);
  c.annexe.personnes = {personne(numero + "-001", "odette@" + std::string("relais.example.org"))};
  c.annexe.pickup_days = 10;
  c.annexe.cadence = model::Immediat{};
  c.activated_on = day("2025-10-01");
  return c;
}

inline store::ConventionChange new_version(model::Convention c) {
  std::vector<std::string> opened;
  for (const auto& l : c.annexe.lieux) opened.insert(opened.end(), l.communes.begin(), l.communes.end());
  return {std::move(c), true, "", false, std::move(opened)};
}

inline store::ConventionChange same_version(model::Convention c) {
  auto change = new_version(std::move(c));
  change.new_version = false;
  return change;
}

inline store::StagedDemande demande(const std::string& reference, std::vector<std::string> communes,
                                    const std::string& content = "") {
  store::StagedDemande d;
  d.demande.emetteur = "monenfant";
  d.demande.reference = reference;
  d.demande.date = day("2026-11-18");
  d.demande.enfants = {{day("2025-01-05"), false}};
  d.demande.communes = std::move(communes);
  d.xml = "<demande>" + reference + content + "</demande>";
  d.sha256 = crypto::sha256_hex(d.xml);
  return d;
}

}  // namespace navette::test
