// A `convention` element → model::Convention.
#pragma once

#include <string>

#include "lib/xml/document.h"
#include "model/convention.h"

namespace navette::flux {

// The element is valid against its schema. `emetteur` is "caf-NNN": NNN is the Caf.
model::Convention read_convention(xml::Node convention, const std::string& emetteur);

}  // namespace navette::flux
