#include "render/font_store.h"

#include <map>

#include "base/error.h"

namespace navette::render {

FontStore::FontStore(const std::vector<FontFiles>& chain) {
  if (chain.empty()) throw Error("fonts: none is configured");
  std::map<std::string, FontId> known;
  const auto load = [&](const std::string& path) {
    const auto [found, is_new] = known.try_emplace(path, static_cast<FontId>(files_.size()));
    if (is_new) files_.push_back(std::make_unique<const pdf::FontFile>(path));
    return found->second;
  };
  for (const FontFiles& family : chain) {
    chain_.push_back({{load(family.regular), load(family.bold), load(family.italic), load(family.bold_italic)}});
  }
}

}  // namespace navette::render
