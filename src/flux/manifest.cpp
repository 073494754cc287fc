#include "flux/manifest.h"

#include "lib/xml/writer.h"

namespace navette::flux {
namespace {

void write_integrity(xml::Writer& writer, const model::RemiseFile& file) {
  writer.leaf("nom", file.name);
  writer.leaf("taille", std::to_string(file.size));
  writer.leaf("sha256", file.sha256);
}

void write_file_entry(xml::Writer& writer, const model::RemiseFile& file) {
  writer.open("fichier");
  write_integrity(writer, file);
  writer.leaf("type", file.kind == model::FileKind::pdf ? "pdf" : "xml");
  writer.leaf("reference", file.reference);
  writer.leaf("emetteur", file.emetteur);
  writer.close();
}

}  // namespace

std::string write_manifest(const ManifestHead& head, const std::vector<model::RemiseFile>& files) {
  std::string out;
  xml::Writer writer([&](std::string_view bytes) { out += bytes; });
  writer.open("remise", {{"xmlns", "urn:navette:remise:1"}, {"version", "1"}});
  writer.leaf("identifiant", head.remise);
  writer.leaf("lieu", head.lieu);
  writer.open("convention");
  writer.leaf("numero", head.convention);
  writer.leaf("version", std::to_string(head.version));
  writer.close();
  writer.leaf("delaiRetrait", std::to_string(head.pickup_days));
  writer.leaf("nombreDemandes", std::to_string(head.demandes));
  for (const auto& file : files) {
    if (file.kind != model::FileKind::cover_sheet) continue;
    writer.open("bordereau");
    write_integrity(writer, file);
    writer.close();
  }
  writer.open("fichiers");
  for (const auto& file : files) {
    if (file.kind == model::FileKind::pdf || file.kind == model::FileKind::xml) write_file_entry(writer, file);
  }
  writer.close();
  writer.close();
  writer.finish();
  return out;
}

}  // namespace navette::flux
