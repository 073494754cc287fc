// One record of a `retrait` flux as a value.
#pragma once

#include "lib/xml/document.h"
#include "model/pickup.h"

namespace navette::flux {

// `record`: a <remiseRetiree> that its schema accepts.
model::Pickup read_retrait(xml::Node record);

}  // namespace navette::flux
