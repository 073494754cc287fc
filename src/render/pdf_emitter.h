// Display list → the bytes of a PDF.
#pragma once

#include <string>
#include <string_view>

#include "render/display_list.h"
#include "render/fo_tree.h"
#include "render/font_store.h"
#include "render/signing.h"

namespace navette::render {

// Immutable, shared by threads.
class PdfEmitter {
 public:
  explicit PdfEmitter(const FontStore& fonts);

  // `source` is attached under metadata.attachment_name, unless that is empty. Signed when `signing` can. The same
  // input gives the same bytes. Throws Error.
  std::string emit(const DisplayList& list, const fo::Metadata& metadata, const std::string& language,
                   std::string_view source, const Signing& signing) const;

 private:
  const FontStore& fonts_;
  std::string profile_;  // compressed once
};

}  // namespace navette::render
