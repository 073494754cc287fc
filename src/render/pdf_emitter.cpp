#include "render/pdf_emitter.h"

#include <vector>

#include <fmt/format.h>

#include "lib/pdf/colour_profile.h"
#include "lib/pdf/deflate.h"
#include "lib/pdf/object_writer.h"
#include "render/content_stream.h"
#include "render/font_embedder.h"
#include "render/image_embedder.h"
#include "render/metadata.h"
#include "render/outline.h"
#include "render/pdf_syntax.h"
#include "render/signature.h"
#include "render/structure_tree.h"

namespace navette::render {
namespace {

using pdf::ObjectWriter;
using syntax::reference;
using Numbers = std::vector<ObjectWriter::Number>;

std::string references(const Numbers& numbers) {
  std::string out;
  for (const auto number : numbers) out += reference(number) + " ";
  return out;
}

ObjectWriter::Number write_attachment(const fo::Metadata& metadata, std::string_view source, ObjectWriter& writer,
                                      pdf::Deflate& deflate) {
  const auto data =
      writer.add_stream({{"Type", "/EmbeddedFile"},
                         {"Subtype", "/application#2Fxml"},
                         {"Params", fmt::format("<</Size {}/ModDate{}>>", source.size(), pdf_date(metadata.created))},
                         {"Filter", "/FlateDecode"}},
                        deflate.compress(source));
  const std::string name = syntax::text_string(metadata.attachment_name);
  std::string spec =
      fmt::format("<</Type/Filespec/F{0}/UF{0}/AFRelationship/Source/EF<</F {1}/UF {1}>>", name, reference(data));
  if (!metadata.attachment_description.empty()) {
    spec += "/Desc" + syntax::text_string(metadata.attachment_description);
  }
  return writer.add(spec + ">>");
}

Numbers write_pages(const DisplayList& list, const FontStore& store, const FontEmbedder& fonts,
                    const ImageEmbedder& images, StructureTree& tree, ObjectWriter::Number parent,
                    ObjectWriter::Number signature, ObjectWriter& writer, pdf::Deflate& deflate) {
  Numbers pages;
  for (std::size_t i = 0; i < list.pages.size(); ++i) {
    const Page& page = list.pages[i];
    const auto content = writer.add_stream({{"Filter", "/FlateDecode"}},
                                           deflate.compress(content_stream(page, i, store, fonts, images, tree)));
    pages.push_back(writer.add(fmt::format(
        "<</Type/Page/Parent {}/MediaBox[0 0 {} {}]/Resources<</Font<<{}>>{}>>/Contents {}/StructParents {}/Tabs/S{}>>",
        reference(parent), syntax::number(page.width), syntax::number(page.height), fonts.resources(),
        images.resources(), reference(content), i,
        signature != 0 && i == 0 ? fmt::format("/Annots[{}]", reference(signature)) : "")));
  }
  writer.set(parent, fmt::format("<</Type/Pages/Count {}/Kids[{}]>>", pages.size(), references(pages)));
  return pages;
}

}  // namespace

PdfEmitter::PdfEmitter(const FontStore& fonts)
    : fonts_(fonts), profile_(pdf::Deflate(9).compress(pdf::srgb_profile())) {}

std::string PdfEmitter::emit(const DisplayList& list, const fo::Metadata& metadata, const std::string& language,
                             std::string_view source, const Signing& signing) const {
  ObjectWriter writer;
  pdf::Deflate deflate;
  FontEmbedder fonts(fonts_);
  for (const Page& page : list.pages) fonts.collect(page);
  fonts.embed(writer, deflate);

  ImageEmbedder images;
  for (const Page& page : list.pages) images.collect(page);
  images.embed(writer);

  StructureTree tree(list.tags);
  const auto parent = writer.reserve();
  const ObjectWriter::Number field = signing.sign ? writer.reserve() : 0;
  const Numbers pages = write_pages(list, fonts_, fonts, images, tree, parent, field, writer, deflate);
  const auto structure = tree.write(writer, pages, field);

  const auto profile = writer.add_stream({{"N", "3"}, {"Filter", "/FlateDecode"}}, profile_);
  // Not compressed: archives read it without decoding.
  const auto xmp = writer.add_stream({{"Type", "/Metadata"}, {"Subtype", "/XML"}}, xmp_packet(metadata, language));
  std::string catalog = fmt::format(
      "<</Type/Catalog/Pages {}/Lang{}/MarkInfo<</Marked true>>/StructTreeRoot {}/Metadata {}/ViewerPreferences"
      "<</DisplayDocTitle true>>/OutputIntents[<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)"
      "/Info(sRGB IEC61966-2.1)/DestOutputProfile {}>>]",
      reference(parent), syntax::text_string(language), reference(structure), reference(xmp), reference(profile));
  if (!list.outline.empty()) catalog += "/Outlines " + reference(write_outline(list, pages, writer));
  if (!metadata.attachment_name.empty()) {
    const auto file = write_attachment(metadata, source, writer, deflate);
    catalog += fmt::format("/AF[{0}]/Names<</EmbeddedFiles<</Names[{1} {0}]>>>>", reference(file),
                           syntax::text_string(metadata.attachment_name));
  }
  if (!signing.sign) return writer.finish(writer.add(catalog + ">>"), info_entries(metadata), deflate);
  catalog += fmt::format("/AcroForm<</Fields[{}]/SigFlags 3>>", reference(field));
  const auto root = writer.add(catalog + ">>");
  write_signature_field(writer, field, pages, metadata, signing);
  std::string file = writer.finish(root, info_entries(metadata), deflate);
  sign(file, signing);
  return file;
}

}  // namespace navette::render
