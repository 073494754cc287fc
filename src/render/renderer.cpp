#include "render/renderer.h"

#include <filesystem>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "lib/xml/stylesheet.h"
#include "render/fo_reader.h"
#include "render/layout.h"
#include "render/pdf_emitter.h"
#include "render/shaper.h"

namespace navette::render {

namespace {

// All that the stylesheet names are read now: a missing one is seen when navette starts, not at the first demande; and
// whatever a demande holds, no file is opened for it.
ImageStore images_of(const xml::Stylesheet& stylesheet, const std::string& path) {
  const std::string directory = std::filesystem::canonical(path).parent_path().string();
  ImageStore images;
  for (const auto& [file, root] : stylesheet.files()) {
    try {
      images.load(root, directory);
    } catch (const std::exception&) {
      std::throw_with_nested(Error(file));
    }
  }
  return images;
}

}  // namespace

struct Renderer::State {
  State(const std::string& stylesheet_path, const std::vector<FontFiles>& chain, Signing signs)
      : signing(std::move(signs)),
        path(stylesheet_path),
        stylesheet(xml::Stylesheet::load(path)),
        images(images_of(stylesheet, path)),
        fonts(chain),
        emitter(fonts) {}

  Signing signing;
  std::string path;
  xml::Stylesheet stylesheet;
  ImageStore images;
  FontStore fonts;
  PdfEmitter emitter;

  // Shapers that no thread uses now, with the words they remember: as many come to be as documents are rendered at
  // once.
  std::mutex mutex;
  std::vector<std::unique_ptr<Shaper>> idle;

  std::unique_ptr<Shaper> borrow() {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        auto shaper = std::move(idle.back());
        idle.pop_back();
        return shaper;
      }
    }
    return std::make_unique<Shaper>(fonts);
  }
  void give_back(std::unique_ptr<Shaper> shaper) {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(shaper));
  }
};

Renderer::Renderer(const std::string& stylesheet_path, const std::vector<FontFiles>& fallback_chain, Signing signing)
    : state_(std::make_unique<State>(stylesheet_path, fallback_chain, std::move(signing))) {}
Renderer::~Renderer() = default;

Renderer::Result Renderer::render(const std::string& xml, const std::map<std::string, std::string>& parameters) const {
  const xml::Document fo = state_->stylesheet.transform(xml::Document::parse(xml), parameters);
  try {
    return render(fo, xml, state_->images, state_->signing);
  } catch (const std::exception&) {
    // libxslt gives an element of the result the line of the stylesheet that made it.
    std::throw_with_nested(Error(state_->path));
  }
}

Renderer::Result Renderer::render_fo(const xml::Document& fo, const std::string& source,
                                     const std::string& directory) const {
  ImageStore images;
  images.load(fo.root(), directory);
  return render(fo, source, images, {});
}

Renderer::Result Renderer::render(const xml::Document& fo, const std::string& source, const ImageStore& images,
                                  const Signing& signing) const {
  const fo::Document document = read_fo(fo, images);
  auto shaper = state_->borrow();  // lost with whatever it held if something throws: rare, and never half used again
  const DisplayList list = lay_out(document, *shaper);
  state_->give_back(std::move(shaper));
  Result result;
  result.pdf = state_->emitter.emit(list, document.metadata, document.language, source, signing);
  result.pages = static_cast<unsigned>(list.pages.size());
  result.substituted_glyphs = list.substituted_glyphs;
  return result;
}

std::vector<FontFiles> Renderer::default_fonts() {
  const std::string noto = "/usr/share/fonts/truetype/noto/NotoSans-";
  const std::string dejavu = "/usr/share/fonts/truetype/dejavu/DejaVuSans";
  // fonts-dejavu-core has no slanted face; an upright one is better than a missing character.
  return {{noto + "Regular.ttf", noto + "Bold.ttf", noto + "Italic.ttf", noto + "BoldItalic.ttf"},
          {dejavu + ".ttf", dejavu + "-Bold.ttf", dejavu + ".ttf", dejavu + "-Bold.ttf"}};
}

}  // namespace navette::render
