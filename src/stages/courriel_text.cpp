#include "stages/courriel_text.h"

#include <algorithm>
#include <memory>

#include "lib/xml/stylesheet.h"
#include "lib/xml/writer.h"

namespace navette::stages {
namespace {

// Nothing but identifiers of ours and a count: the text may travel in clear (R9).
std::string describe_remise(const channels::RemiseToSend& r, model::Protection protection) {
  const auto demandes =
      std::count_if(r.files.begin(), r.files.end(), [](const auto& f) { return f.kind == model::FileKind::pdf; });
  std::string bytes;
  xml::Writer writer([&](std::string_view piece) { bytes += piece; });
  writer.open("courriel", {{"xmlns", "urn:navette:courriel:1"}});
  writer.leaf("remise", r.remise);
  writer.leaf("reemission", r.reissue_of);
  writer.leaf("nombre", std::to_string(demandes));
  writer.leaf("chiffrement", protection == model::Protection::smime ? "smime" : "pdf");
  writer.close();
  writer.finish();
  return bytes;
}

}  // namespace

std::function<channels::CourrielText(const channels::RemiseToSend&, model::Protection)> courriel_texts(
    const std::string& stylesheet) {
  auto loaded = std::make_shared<xml::Stylesheet>(xml::Stylesheet::load(stylesheet));
  return [loaded](const channels::RemiseToSend& remise, model::Protection protection) -> channels::CourrielText {
    const auto texts = loaded->transform(xml::Document::parse(describe_remise(remise, protection)));
    return {texts.root().child_text("objet"), texts.root().child_text("texte")};
  };
}

}  // namespace navette::stages
