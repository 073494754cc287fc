// The NIR (sécurité sociale number) does not enter these flows; a matricule of 15 characters has room for one.
#pragma once

#include <string_view>

namespace navette::model {

// Whether 15 characters have the form of a NIR: sex (1 to 4, 7, 8: those not yet registered included), month (1 to 12,
// and 20 to 42 and 50 to 99, given to births whose month is not known), Corsica's 2A and 2B, and the right control key
// (source: INSEE, RNIPP). Of 15 digits drawn by lot, one in about 200 is taken for one.
bool is_nir(std::string_view text);

}  // namespace navette::model
