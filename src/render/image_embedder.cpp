#include "render/image_embedder.h"

#include <fmt/format.h>

#include "render/pdf_syntax.h"

namespace navette::render {
namespace {

pdf::ObjectWriter::Entries image_entries(const pdf::Image& image, unsigned components, bool is_jpeg) {
  return {{"Type", "/XObject"},
          {"Subtype", "/Image"},
          {"Width", std::to_string(image.width)},
          {"Height", std::to_string(image.height)},
          {"ColorSpace", components == 1 ? "/DeviceGray" : "/DeviceRGB"},  // of the output intent
          {"BitsPerComponent", "8"},
          {"Filter", is_jpeg ? "/DCTDecode" : "/FlateDecode"}};
}

pdf::ObjectWriter::Entries drawing_entries() {
  return {{"Type", "/XObject"},
          {"Subtype", "/Form"},
          {"BBox", "[0 0 1 1]"},
          {"Resources", "<<>>"},
          {"Filter", "/FlateDecode"}};
}

}  // namespace

void ImageEmbedder::collect(const Page& page) {
  for (const auto& item : page.items) {
    const auto* image = std::get_if<ImageItem>(&item);
    if (image != nullptr && ranks_.try_emplace(image->image.get(), images_.size()).second) {
      images_.push_back(image->image.get());
    }
  }
}

void ImageEmbedder::embed(pdf::ObjectWriter& writer) {
  for (const pdf::Image* image : images_) {
    auto entries = image->is_drawing ? drawing_entries() : image_entries(*image, image->components, image->is_jpeg);
    if (!image->alpha.empty()) {
      const auto mask = writer.add_stream(image_entries(*image, 1, false), image->alpha);
      entries.emplace_back("SMask", syntax::reference(mask));
    }
    resources_ += fmt::format("/{} {}", name(*image), syntax::reference(writer.add_stream(entries, image->samples)));
  }
  if (!resources_.empty()) resources_ = "/XObject<<" + resources_ + ">>";
}

}  // namespace navette::render
