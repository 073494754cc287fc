// A family's demande, or the cover sheet of a remise → PDF.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/xml/document.h"
#include "render/font_store.h"
#include "render/image_store.h"
#include "render/signing.h"

namespace navette::render {

// Immutable after construction, shared by threads: fonts, stylesheet and its images are loaded once.
class Renderer {
 public:
  // An empty path: render_fo() alone. Throws Error: what, where, what to do.
  Renderer(const std::string& stylesheet_path, const std::vector<FontFiles>& fallback_chain, Signing signing = {});
  Renderer(const Renderer&) = delete;
  Renderer& operator=(const Renderer&) = delete;
  ~Renderer();

  struct Result {
    std::string pdf;
    unsigned pages = 0;
    unsigned substituted_glyphs = 0;  // characters shown as U+FFFD: no font has them, or they are control characters
  };
  // `xml`: a document whose root is urn:navette:demandes:1 `demande`, or urn:navette:bordereau:1 `bordereau`; these
  // bytes are attached to the PDF. `parameters` go to the stylesheet, and `caracteres-remplaces` = "oui" when some
  // are. The same input gives the same bytes, signed by who signs the same in the same bytes. Throws Error; a line that
  // it names is the stylesheet's.
  Result render(const std::string& xml, const std::map<std::string, std::string>& parameters) const;
  // The same from an XSL-FO document, whose lines an Error names; `source` is what it attaches, and its images are
  // files under `directory` (empty: it has none). Never signed: the signature says that a demande was received.
  Result render_fo(const xml::Document& fo, const std::string& source, const std::string& directory = "") const;

  // Noto Sans, then DejaVu Sans, where Debian's fonts-noto-core and fonts-dejavu-core put them.
  static std::vector<FontFiles> default_fonts();

 private:
  struct State;
  struct Laid;
  Laid lay(const xml::Document& fo, const ImageStore& images) const;
  Result emit(const Laid& laid, const std::string& source, const Signing& signing) const;
  std::unique_ptr<State> state_;
};

}  // namespace navette::render
