// The fonts of a Renderer: a chain of families, each in four styles. Immutable, shared by threads.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "lib/pdf/font_file.h"

namespace navette::render {

struct FontFiles {
  std::string regular, bold, italic, bold_italic;  // paths; several may name the same file
};

// Which font file: an index into the store.
using FontId = unsigned;

class FontStore {
 public:
  // The first family is the document's; the others are asked, in order, for characters that it lacks. Throws Error.
  explicit FontStore(const std::vector<FontFiles>& chain);

  std::size_t families() const { return chain_.size(); }
  FontId id(std::size_t family, bool bold, bool italic) const {
    return chain_[family].by_style[(bold ? 1U : 0U) + (italic ? 2U : 0U)];
  }
  const pdf::FontFile& file(FontId id) const { return *files_[id]; }
  std::size_t size() const { return files_.size(); }

 private:
  struct Family {
    FontId by_style[4] = {};
  };
  std::vector<std::unique_ptr<const pdf::FontFile>> files_;
  std::vector<Family> chain_;
};

}  // namespace navette::render
