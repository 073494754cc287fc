// A `demande` element ↔ model::Demande, and what a schema cannot check.
#pragma once

#include <optional>
#include <string>

#include "flux/fields.h"
#include "lib/xml/document.h"
#include "model/demande.h"
#include "model/reference_data.h"

namespace navette::flux {

// The element is valid against its schema.
model::Demande read_demande(xml::Node demande, const std::string& emetteur);

// The first fault in document order: a NIR for a matricule, dates, communes that do not exist, hours, R3. Nothing when
// there is none.
std::optional<Problem> check_demande(xml::Node demande, const model::Demande& read,
                                     const model::ReferenceData& reference_data);

}  // namespace navette::flux
