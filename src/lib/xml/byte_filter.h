// The first look at the bytes of a flux, before any parser: encoding and control characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lib/xml/place.h"

namespace navette::xml {

enum class ByteFault { none, encoding, not_xml };

// Fed with the bytes in chunks of any size; gives UTF-8. Decides the encoding from the first chunk, which must
// therefore hold the whole XML declaration (64 bytes suffice in practice, 1 KiB always) unless the file is smaller.
class ByteFilter {
 public:
  // Looks at the beginning: UTF-8 with or without a byte-order mark, or declared ISO-8859-1; anything else is a fault.
  ByteFault begin(std::string_view first);

  // The acceptable part of `chunk` as UTF-8, valid until the next call; `fault()` says whether something follows it
  // that is not. A character cut by the end of the chunk is kept for the next call.
  std::string_view filter(std::string_view chunk);
  // After the last chunk: a character left in pieces is a fault.
  ByteFault finish();

  ByteFault fault() const { return fault_; }
  // Of the first byte that is not acceptable.
  Place place() const { return {line_, column_ + 1}; }

 private:
  std::string_view filter_utf8(std::string_view chunk);
  std::string_view filter_latin1(std::string_view chunk);
  std::size_t good_prefix(std::string_view bytes);
  void advance(std::string_view accepted);

  bool latin1_ = false;
  ByteFault fault_ = ByteFault::none;
  std::string carried_;    // an incomplete character, with what follows it
  std::string converted_;  // of ISO-8859-1
  long line_ = 1;
  long column_ = 0;  // characters since the beginning of the line
};

}  // namespace navette::xml
