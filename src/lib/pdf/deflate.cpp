#include "lib/pdf/deflate.h"

#include <new>

#include <libdeflate.h>

namespace navette::pdf {

void Deflate::Free::operator()(libdeflate_compressor* compressor) const {
  libdeflate_free_compressor(compressor);
}

Deflate::Deflate(int level) : compressor_(libdeflate_alloc_compressor(level)) {
  if (!compressor_) throw std::bad_alloc();
}

std::string Deflate::compress(std::string_view bytes) {
  std::string out(libdeflate_zlib_compress_bound(compressor_.get(), bytes.size()), '\0');
  out.resize(libdeflate_zlib_compress(compressor_.get(), bytes.data(), bytes.size(), out.data(), out.size()));
  return out;
}

}  // namespace navette::pdf
