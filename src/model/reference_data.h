// The official geographic code: which INSEE codes exist, and the commune of a municipal arrondissement.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace navette::model {

struct Commune {
  std::string nom;
  std::string departement;  // "42", "2A", "974"
  std::string parent;       // commune of a municipal arrondissement (Paris, Lyon, Marseille); else empty
};

class ReferenceData {
 public:
  // `tsv`: the bytes of data/communes.tsv; throws Error naming the line when it is not of its form.
  static ReferenceData parse(std::string_view tsv);

  const Commune* find(const std::string& insee) const;
  std::size_t size() const { return communes_.size(); }
  // R1: the codes under which a lieu may list that commune: itself, and the commune of an arrondissement (13201: 13201,
  // 13055).
  std::vector<std::string> accepted_for(const std::string& insee) const;

  // The municipal arrondissements of a commune; none for most.
  std::vector<std::string> arrondissements_of(const std::string& insee) const;

 private:
  std::unordered_map<std::string, Commune> communes_;
  std::unordered_map<std::string, std::vector<std::string>> arrondissements_;  // by commune
};

}  // namespace navette::model
