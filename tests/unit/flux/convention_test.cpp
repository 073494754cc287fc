#include <catch2/catch.hpp>

#include "flux_support.h"

using namespace flux_test;
using namespace navette::model;

TEST_CASE("a convention is read with all that it opens") {
  Recorder recorder;
  const auto result = read_bytes(slurp("tests/data/habilitations/ok-annexe-loire.xml"), recorder);
  REQUIRE_FALSE(result.refusal);
  REQUIRE(recorder.conventions.size() == result.records);
  const Convention& first = recorder.conventions.front().convention;
  CHECK(first.caf == "421");
  CHECK(first.version == 1);
  CHECK(first.kind == ConventionKind::lieu_information);
  CHECK(is_valid_siret(first.annexe.partenaire.siret));
  CHECK_FALSE(first.annexe.lieux.empty());
  CHECK_FALSE(first.annexe.personnes.empty());
  CHECK(std::is_sorted(first.annexe.communes.begin(), first.annexe.communes.end()));
}

TEST_CASE("the contacts of the Caf are given") {
  Recorder recorder;
  REQUIRE_FALSE(read_bytes(slurp("tests/data/habilitations/ok-contacts.xml"), recorder).refusal);
  CHECK_FALSE(recorder.courriels.empty());
}

TEST_CASE("a profile of a channel is kept as a document of its own") {
  Recorder recorder;
  REQUIRE_FALSE(read_bytes(slurp("tests/data/habilitations/ok-canaux.xml"), recorder).refusal);
  bool seen = false;
  for (const auto& record : recorder.conventions) {
    for (const auto& lieu : record.convention.annexe.lieux) {
      if (const auto* sftp = std::get_if<SftpChannel>(&lieu.channel)) {
        seen = true;
        CHECK(navette::xml::Document::parse(sftp->xml).root().name() == "sftp");
      }
    }
  }
  CHECK(seen);
}

TEST_CASE("a problem of a convention is told at its element") {
  const auto refusal_of = [](const std::string& sample) {
    Recorder recorder;
    const auto result = read_bytes(slurp("tests/data/habilitations/" + sample), recorder);
    REQUIRE(recorder.refusals.size() == 1);
    return std::string(to_string(recorder.refusals[0].refusal.code)) + " " + recorder.refusals[0].refusal.path;
  };
  CHECK(refusal_of("bad-siret-luhn.xml") == "SIRET_INVALIDE /habilitations/convention[2]/partenaire/siret");
  CHECK(refusal_of("bad-structures-avec-lieux.xml") == "CONTENU_INCOMPATIBLE /habilitations/convention[2]/lieux");
  CHECK(refusal_of("bad-preavis.xml") == "PREAVIS_INSUFFISANT /habilitations/convention[2]/resiliation/dateFin");
}
