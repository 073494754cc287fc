// What a PDF says of itself: XMP, Info dictionary, output intent, attached source.
#pragma once

#include <string>

#include "lib/pdf/object_writer.h"
#include "render/fo_tree.h"

namespace navette::render {

// "2026-09-03" or "2026-09-03T10:20:30Z".
bool is_date(const std::string& created);
// Such a one → seconds' precision in the form that XMP wants; the epoch when empty. Throws Error for anything else.
std::string xmp_date(const std::string& created);
std::string pdf_date(const std::string& created);

// Claims PDF/A-3a and PDF/UA-1: tests/support/check_pdf.py says what that takes.
std::string xmp_packet(const fo::Metadata& metadata, const std::string& language);

pdf::ObjectWriter::Entries info_entries(const fo::Metadata& metadata);

}  // namespace navette::render
