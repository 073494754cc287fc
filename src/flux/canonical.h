// The one spelling of a record: what is stored, compared and delivered.
#pragma once

#include <string>

#include "lib/xml/document.h"

namespace navette::flux {

// A record that its schema accepts, as a document of its own: UTF-8, declaration, default namespace, no indentation, no
// prefix, blanks collapsed as the schema reads them (but in `commentaire`, which keeps its own). The same content gives
// the same bytes, whatever its encoding, prefixes and indentation were in the flux.
std::string canonical(xml::Node record);

// Any element as a document of its own, as it came but for its indentation: for rejet/.
std::string fragment(xml::Node element);

}  // namespace navette::flux
