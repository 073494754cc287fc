// The compiled schemas of every kind of flux.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "flux/kinds.h"
#include "lib/xml/schema.h"

namespace navette::flux {

// A kind with what is needed to read it.
struct KindSchema {
  const Kind* kind;
  std::string space;
  xml::Schema schema;
  std::unordered_set<std::string> elements;  // names that the schema declares
};

// Never changes once loaded: shared by threads.
class Schemas {
 public:
  // Throws Error naming the file.
  static Schemas load(const std::string& xsd_dir);

  // The schema for a root of that name and namespace; nothing when unknown.
  const KindSchema* find(std::string_view root, std::string_view space) const;
  // Whether the namespace is that of another version of the kind that the root names.
  bool is_other_version(std::string_view root, std::string_view space) const;
  // `name` is a kind. Throws Error otherwise.
  const KindSchema& of(std::string_view name) const;

 private:
  std::vector<KindSchema> kinds_;
};

// The place of `node` in element names of ours only: a name that no schema of the kind declares was chosen by the
// sender and might tell something (R9), so that the path ends before it.
std::string safe_path(const std::string& path, const KindSchema& kind);

}  // namespace navette::flux
