// What a schema cannot check of a convention, and needs no store.
#pragma once

#include <optional>

#include "flux/fields.h"
#include "lib/xml/document.h"
#include "model/convention.h"
#include "model/reference_data.h"

namespace navette::flux {

// The first problem, in document order but for contents that do not go with the kind of the convention, which come
// first. R12's notice is counted from the anniversary of the original signature: an avenant does not carry it, so that
// notice is checked here for version 1 only.
std::optional<Problem> check_convention(xml::Node convention, const model::Convention& read,
                                        const model::ReferenceData& reference_data);

}  // namespace navette::flux
