// Every sample of tests/data gets the answer that expected.tsv gives, as far as it does not depend on the store.
#include <set>

#include <catch2/catch.hpp>

#include "base/text.h"
#include "flux_support.h"

using namespace flux_test;
using navette::text::split;

namespace {

struct Row {
  std::string path;
  std::string result;
  std::string codes;
};

std::vector<Row> expected() {
  std::vector<Row> rows;
  for (const auto& line : split(slurp("tests/data/expected.tsv"), '\n')) {
    const auto fields = split(line, '\t');
    if (fields.size() >= 3 && line[0] != '#') rows.push_back({fields[0], fields[1], fields[2]});
  }
  return rows;
}

// Found by the stage that knows the store and the senders.
bool needs_store(const Row& row) {
  static const std::set<std::string> stored{"REFERENCE_EN_DOUBLE",
                                            "COMMUNE_HORS_CAF",
                                            "VERSION_NON_CONSECUTIVE",
                                            "AVENANT_REQUIS",
                                            "LIEU_RATTACHE_AILLEURS",
                                            "CONVENTION_TERMINEE",
                                            "CONFLIT",
                                            "REMISE_INCONNUE",
                                            "REMISE_NON_LIVREE",
                                            "PERSONNE_NON_HABILITEE",
                                            "JUSTIFICATIF_INTERDIT",
                                            "DOUBLON"};
  // The communes of a convention are looked at when it is new.
  const bool habilitations = row.path.starts_with("habilitations/");
  return stored.contains(row.codes) || (habilitations && row.codes == "COMMUNE_INCONNUE");
}

std::string answer(const Row& row) {
  Recorder recorder;
  recorder.sender = row.path.find("habilitations") != std::string::npos ? "caf-421"
                    : row.path.starts_with("retrait")                   ? "rpe-gier"
                                                                        : "monenfant";
  const auto result = read_bytes(slurp("tests/data/" + row.path), recorder);
  if (result.refusal) return "refuse " + std::string(to_string(result.refusal->code));
  std::string codes;
  for (const auto& refused : recorder.refusals) {
    CHECK(refused.refusal.line > 0);
    CHECK(refused.refusal.column > 0);
    CHECK_FALSE(refused.refusal.path.empty());
    codes += (codes.empty() ? "" : " ") + std::string(to_string(refused.refusal.code));
  }
  return recorder.refusals.empty() ? "accepte " : "partiel " + codes;
}

}  // namespace

TEST_CASE("every sample is answered as expected.tsv says") {
  const auto rows = expected();
  REQUIRE(rows.size() > 100);
  for (const auto& row : rows) {
    INFO(row.path);
    const std::string wanted = needs_store(row) ? "accepte " : row.result + " " + row.codes;
    CHECK(answer(row) == wanted);
  }
}
