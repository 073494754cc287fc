// The images that a document may show. Read before any page is made, and fixed from then on: text that comes with a
// demande opens no file.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "lib/pdf/image.h"
#include "lib/xml/document.h"

namespace navette::render {

// Shared by threads once loaded. Each file is read once: whoever changes one restarts navette, as for a stylesheet.
class ImageStore {
 public:
  // Reads the files that fo:external-graphic elements in `top` name, in a stylesheet or an FO document. A src is a path
  // below `directory` (empty: there are none), or url(path). Nothing else is ever opened: no absolute path, no "..", no
  // symbolic link, no network; "navette:case" and "navette:case-cochee" are drawn, and no files. A src that a
  // stylesheet computes is refused. Throws Error: "FO line N, ...".
  void load(const xml::Node& top, const std::string& directory);

  // Nothing when load() met no such src.
  std::shared_ptr<const pdf::Image> find(const std::string& source) const;

 private:
  void load_one(const std::string& source, const std::string& directory);
  std::map<std::string, std::shared_ptr<const pdf::Image>> known_;  // by path
};

}  // namespace navette::render
