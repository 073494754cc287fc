// Who signs the PDFs, known here by what it does: this room has no cryptography.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace navette::render {

constexpr std::size_t largest_signature = 32767;  // bytes of a string in PDF/A (ISO 19005-3, 6.1.13)

struct Signing {
  std::size_t largest = 0;  // bytes of a signature, at most; no more than largest_signature
  // DER of a CMS SignedData as PAdES baseline B wants it, over the two pieces one after the other. Called by several
  // threads at once. None: PDFs are not signed.
  std::function<std::string(std::string_view before, std::string_view after)> sign;
};

}  // namespace navette::render
