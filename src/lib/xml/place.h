// Where an element stood in the bytes that were read, kept in the one pointer that libxml2 leaves to its callers:
// node->line is a 16-bit short and there is no column at all. For lib/xml only.
#pragma once

#include <cstdint>

namespace navette::xml {

struct Place {
  long line = 0;    // 1-based; 0: unknown
  long column = 0;  // 1-based; 0: unknown
};

constexpr unsigned column_bits = 28;  // a flux of 250 MB on a single line still has true columns
constexpr std::uint64_t column_mask = (std::uint64_t{1} << column_bits) - 1;

inline void* pack(Place at) {
  const auto column = static_cast<std::uint64_t>(at.column);
  const std::uint64_t packed =
      (static_cast<std::uint64_t>(at.line) << column_bits) | (column < column_mask ? column : column_mask);
  return reinterpret_cast<void*>(packed);  // NOLINT(performance-no-int-to-ptr): never followed
}

inline Place unpack(const void* packed) {
  const auto bits = reinterpret_cast<std::uint64_t>(packed);
  return {static_cast<long>(bits >> column_bits), static_cast<long>(bits & column_mask)};
}

// The true rank of a record, whose former siblings are no longer in the tree. psvi is not used by the schema validator
// nor by the tree functions of libxml2.
inline void* pack_rank(std::uint64_t rank) {
  return reinterpret_cast<void*>(rank);  // NOLINT(performance-no-int-to-ptr): never followed
}

inline std::uint64_t unpack_rank(const void* packed) {
  return reinterpret_cast<std::uint64_t>(packed);
}

}  // namespace navette::xml
