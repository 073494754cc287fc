// The signature of a PDF: PAdES baseline B (ETSI EN 319 142-1). It covers the whole file; its field is not seen on the
// page, but read at the end. docs/adr/0016 says what it proves.
#pragma once

#include <string>
#include <vector>

#include "lib/pdf/object_writer.h"
#include "render/fo_tree.h"
#include "render/signing.h"

namespace navette::render {

// Sets the object `field`, and adds the signature without its value.
void write_signature_field(pdf::ObjectWriter& writer, pdf::ObjectWriter::Number field,
                           const std::vector<pdf::ObjectWriter::Number>& pages, const fo::Metadata& metadata,
                           const Signing& signing);

// Gives the finished file its value.
void sign(std::string& file, const Signing& signing);

}  // namespace navette::render
