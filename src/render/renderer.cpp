#include "render/renderer.h"

#include <filesystem>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "lib/xml/stylesheet.h"
#include "render/fo_error.h"
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

// Whether an element of the stylesheet makes such ones: written out, by xsl:element, or it copies what the source
// holds.
bool makes(const xml::Node& element, std::string_view name) {
  if (element.space() != "http://www.w3.org/1999/XSL/Transform") return element.name() == name;
  if (element.name() != "element") return element.name() == "copy" || element.name() == "copy-of";
  const std::string made = element.attribute("name").value_or("");
  return std::string_view(made).substr(made.find(':') + 1) == name;
}

template <typename Wanted>
bool has(const xml::Node& top, long line, const Wanted& wanted) {
  if (top.line() == line && wanted(top)) return true;
  for (xml::Node child = top.first_element(); child; child = child.next_element()) {
    if (has(child, line, wanted)) return true;
  }
  return false;
}

// Of the stylesheet's files, that which has on that line what makes such an element; where several have, all of them.
std::string files_of(const xml::Stylesheet& stylesheet, const FoError& e, const std::string& otherwise) {
  std::string files;
  const auto wanted = [&](const xml::Node& element) { return e.element().empty() || makes(element, e.element()); };
  for (const auto& [file, root] : stylesheet.files()) {
    if (has(root, e.line(), wanted)) files += (files.empty() ? "" : " or ") + file;
  }
  return files.empty() ? otherwise : files;
}

}  // namespace

struct Renderer::State {
  State(const std::string& stylesheet_path, const std::vector<FontFiles>& chain, Signing signs)
      : signing(std::move(signs)),
        path(stylesheet_path),
        stylesheet(path.empty() ? std::nullopt : std::optional(xml::Stylesheet::load(path))),
        images(stylesheet ? images_of(*stylesheet, path) : ImageStore()),
        fonts(chain),
        emitter(fonts) {}

  Signing signing;
  std::string path;
  std::optional<xml::Stylesheet> stylesheet;
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

struct Renderer::Laid {
  fo::Document document;
  DisplayList list;
};

Renderer::Renderer(const std::string& stylesheet_path, const std::vector<FontFiles>& fallback_chain, Signing signing)
    : state_(std::make_unique<State>(stylesheet_path, fallback_chain, std::move(signing))) {}
Renderer::~Renderer() = default;

Renderer::Result Renderer::render(const std::string& xml, const std::map<std::string, std::string>& parameters) const {
  if (!state_->stylesheet) throw std::logic_error("a renderer without a stylesheet is for FO documents");
  xml::Document demande = xml::Document::parse(xml);
  demande.forget_lines();
  const xml::Document fo = state_->stylesheet->transform(demande, parameters);
  try {
    const Laid laid = lay(fo, state_->images);
    if (laid.list.substituted_glyphs == 0) return emit(laid, xml, state_->signing);
    // Once more: then it says so.
    auto saying = parameters;
    saying["caracteres-remplaces"] = "oui";
    const xml::Document saying_fo = state_->stylesheet->transform(demande, saying);
    return emit(lay(saying_fo, state_->images), xml, state_->signing);
  } catch (const FoError& e) {
    std::throw_with_nested(Error(files_of(*state_->stylesheet, e, state_->path)));
  } catch (const std::exception&) {
    std::throw_with_nested(Error(state_->path));
  }
}

Renderer::Result Renderer::render_fo(const xml::Document& fo, const std::string& source,
                                     const std::string& directory) const {
  ImageStore images;
  images.load(fo.root(), directory);
  return emit(lay(fo, images), source, {});
}

Renderer::Laid Renderer::lay(const xml::Document& fo, const ImageStore& images) const {
  fo::Document document = read_fo(fo, images);
  auto shaper = state_->borrow();  // lost with whatever it held if something throws: rare, and never half used again
  DisplayList list = lay_out(document, *shaper);
  state_->give_back(std::move(shaper));
  return {std::move(document), std::move(list)};
}

Renderer::Result Renderer::emit(const Laid& laid, const std::string& source, const Signing& signing) const {
  Result result;
  result.pdf = state_->emitter.emit(laid.list, laid.document.metadata, laid.document.language, source, signing);
  result.pages = static_cast<unsigned>(laid.list.pages.size());
  result.substituted_glyphs = laid.list.substituted_glyphs;
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
