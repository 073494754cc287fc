// The images of one document and the PDF objects that hold them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/pdf/object_writer.h"
#include "render/display_list.h"

namespace navette::render {

class ImageEmbedder {
 public:
  void collect(const Page& page);
  void embed(pdf::ObjectWriter& writer);

  // "I0": its name on every page.
  std::string name(const pdf::Image& image) const { return "I" + std::to_string(ranks_.at(&image)); }
  // "/XObject<</I0 12 0 R>>", or nothing.
  const std::string& resources() const { return resources_; }

 private:
  std::map<const pdf::Image*, std::size_t> ranks_;
  std::vector<const pdf::Image*> images_;  // in the order of the document: an address must not decide about bytes
  std::string resources_;
};

}  // namespace navette::render
