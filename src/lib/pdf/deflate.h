// libdeflate: zlib streams for FlateDecode; smaller and faster than zlib. Level 1 by default: of what a document takes
// in time level 6 would be a third, to make it a twelfth smaller.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct libdeflate_compressor;

namespace navette::pdf {

// One a thread. The same bytes give the same stream.
class Deflate {
 public:
  explicit Deflate(int level = 1);
  std::string compress(std::string_view bytes);

 private:
  struct Free {
    void operator()(libdeflate_compressor* compressor) const;
  };
  std::unique_ptr<libdeflate_compressor, Free> compressor_;
};

}  // namespace navette::pdf
