#include "flux/schemas.h"

#include <algorithm>

#include "lib/xml/document.h"

namespace navette::flux {
namespace {

void collect_elements(xml::Node node, std::unordered_set<std::string>& names) {
  for (xml::Node child = node.first_element(); child; child = child.next_element()) {
    if (child.name() == "element") {
      if (auto name = child.attribute("name")) names.insert(std::move(*name));
    }
    collect_elements(child, names);
  }
}

KindSchema load_kind(const Kind& kind, const std::string& directory) {
  const std::string path = directory + "/" + kind.schema();
  KindSchema loaded{&kind, kind.space(), xml::Schema::load(path), {}};
  collect_elements(xml::Document::load(path).root(), loaded.elements);
  return loaded;
}

}  // namespace

Schemas Schemas::load(const std::string& xsd_dir) {
  Schemas schemas;
  for (const Kind& kind : kinds) schemas.kinds_.push_back(load_kind(kind, xsd_dir));
  return schemas;
}

const KindSchema* Schemas::find(std::string_view root, std::string_view space) const {
  for (const KindSchema& kind : kinds_) {
    if (kind.kind->name == root && kind.space == space) return &kind;
  }
  return nullptr;
}

bool Schemas::is_other_version(std::string_view root, std::string_view space) const {
  return std::any_of(kinds_.begin(), kinds_.end(), [&](const KindSchema& kind) {
    const std::string_view family(kind.space.data(), kind.space.rfind(':') + 1);
    return kind.kind->name == root && space.starts_with(family) && space != kind.space;
  });
}

const KindSchema& Schemas::of(std::string_view name) const {
  for (const KindSchema& kind : kinds_) {
    if (kind.kind->name == name) return kind;
  }
  throw Error("no such kind of flux: " + std::string(name));
}

std::string safe_path(const std::string& path, const KindSchema& kind) {
  std::size_t end = 0;
  while (end < path.size()) {
    const std::size_t next = std::min(path.find('/', end + 1), path.size());
    const std::string step = path.substr(end + 1, next - end - 1);
    if (!kind.elements.contains(step.substr(0, step.find('[')))) break;
    end = next;
  }
  return path.substr(0, end);
}

}  // namespace navette::flux
