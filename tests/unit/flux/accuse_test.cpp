#include "flux/accuse.h"

#include <catch2/catch.hpp>

#include "flux/manifest.h"
#include "flux_support.h"
#include "lib/xml/schema.h"

using namespace flux_test;
using namespace navette;

namespace {

bool is_valid(const std::string& bytes, const std::string& xsd) {
  const auto schema = xml::Schema::load(xsd);
  xml::Validator validator(schema);
  const auto document = xml::Document::parse(bytes);
  return validator.violations(document.root()).empty();
}

flux::AccuseHead head() {
  flux::AccuseHead h;
  h.emetteur = "monenfant";
  h.kind = "demandes";
  h.identifiant = "T1";
  h.file_name = "d.xml";
  h.sha256 = std::string(64, 'a');
  h.ticket = "20261120T033012Z-0001";
  h.result = "partiel";
  h.received = 3;
  h.accepted = 1;
  h.duplicates = 1;
  h.refused = 1;
  return h;
}

std::string write(const flux::AccuseHead& h, bool records) {
  std::string out;
  flux::AccuseWriter writer([&](std::string_view bytes) { out += bytes; }, h);
  if (records) {
    writer.refused(2, "", {model::Code::date_invalide, 7, 3, "/demandes/demande[2]/periode/dateDebut"});
    writer.duplicate(3, "R3");
  }
  writer.finish();
  return out;
}

}  // namespace

TEST_CASE("an accusé of any result is valid against its schema") {
  CHECK(is_valid(write(head(), true), "xsd/accuse-1.xsd"));
  auto whole = head();
  whole.kind.reset();
  whole.identifiant.reset();
  whole.sha256.clear();
  whole.result = "refuse";
  whole.refusal = model::Refusal{model::Code::fichier_vide, 0, 0, {}};
  CHECK(is_valid(write(whole, false), "xsd/accuse-1.xsd"));
}

TEST_CASE("names of files with any bytes are made fit for an accusé") {
  for (const std::string& name :
       {std::string("a\nb<&>\"'.xml"), std::string("\xFF\xE9\x00\x7F", 4), std::string(), std::string(255, '\xE9'),
        std::string("\xEF\xBF\xBF\xC2\x85"), std::string(300, 'x')}) {
    auto h = head();
    h.file_name = name;
    CHECK(is_valid(write(h, true), "xsd/accuse-1.xsd"));
  }
}

TEST_CASE("every code has a label that the schema accepts") {
  for (int k = 0; k <= static_cast<int>(model::Code::contenu_incompatible); ++k) {
    auto h = head();
    h.refusal = model::Refusal{static_cast<model::Code>(k), 1, 1, "/demandes"};
    CHECK(is_valid(write(h, false), "xsd/accuse-1.xsd"));
  }
}

TEST_CASE("a manifest is valid and the same each time") {
  const std::vector<model::RemiseFile> files{
      {"DI_monenfant_A.pdf", model::FileKind::pdf, 12, std::string(64, 'a'), "monenfant", "A"},
      {"DI_monenfant_A.xml", model::FileKind::xml, 34, std::string(64, 'b'), "monenfant", "A"},
      {"manifeste.xml", model::FileKind::manifest, 1, std::string(64, 'c'), "", ""}};
  const flux::ManifestHead remise{"R20261120-rpe-0001", "rpe-saint-etienne", "CLI2025_00012", 1, 10, 1};
  const auto bytes = flux::write_manifest(remise, files);
  CHECK(is_valid(bytes, "xsd/remise-1.xsd"));
  CHECK(bytes == flux::write_manifest(remise, files));
  CHECK(bytes.find("manifeste.xml") == std::string::npos);
}
