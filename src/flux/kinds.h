// The kinds of flux that enter: one row each.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace navette::flux {

struct Kind {
  std::string_view name;      // of the root; the namespace is urn:navette:<name>:1, the schema <name>-1.xsd
  std::string_view record;    // children of the root that are counted and judged one by one
  std::string_view identity;  // of a record: the child that names it
  std::string_view preamble;  // optional child between header and records; empty when there is none
  std::string_view total;     // child of totaux that counts records
  std::string_view inner;     // element of records that is counted too; empty when there is none
  std::string_view inner_total;
  std::size_t record_bytes;
  std::size_t record_elements;
  std::size_t identity_size;  // characters at most

  std::string space() const { return "urn:navette:" + std::string(name) + ":1"; }
  std::string schema() const { return std::string(name) + "-1.xsd"; }
};

// A convention may list 500 lieux, 5,000 communes and 5,000 establishments: hence its larger bounds.
inline constexpr std::array kinds{
    Kind{"demandes", "demande", "reference", "", "nombreDemandes", "enfant", "nombreEnfants", std::size_t{1} << 20U,
         5'000, 40},
    Kind{"habilitations", "convention", "numero", "contactsCaf", "nombreConventions", "", "", std::size_t{16} << 20U,
         200'000, 40},
    Kind{"retrait", "remiseRetiree", "remise", "", "nombreRemises", "", "", std::size_t{16} << 10U, 50, 64},
};

}  // namespace navette::flux
