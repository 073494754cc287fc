// The demande d'information, as far as navette decides on it. What only the lieu needs (names, addresses, comment)
// stays in the XML and never becomes a field here (R9).
#pragma once

#include <string>
#include <vector>

#include "model/civil_time.h"

namespace navette::model {

struct Enfant {
  Day day;                // of birth, or on which the birth is expected
  bool expected = false;  // not born yet
};

struct Demande {
  std::string emetteur;
  std::string reference;  // unique for the émetteur; safe in file names
  Day date;
  std::vector<Enfant> enfants;
  std::vector<std::string> communes;  // INSEE codes where care is wanted, without repetition

  // DI_<emetteur>_<reference>: name of its delivered files, without extension.
  std::string file_stem() const { return "DI_" + emetteur + "_" + reference; }
};

// R3: a child under six on the day of the demande (the sixth birthday not reached), or an expected birth.
bool is_eligible(const Demande& demande);

}  // namespace navette::model
