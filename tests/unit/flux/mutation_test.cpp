// Samples damaged at random (always the same way): whatever comes in, there is an answer with a place, fragments can be
// read, and what is accepted is canonical.
#include <algorithm>
#include <array>
#include <filesystem>
#include <random>

#include <catch2/catch.hpp>

#include "flux/demande_document.h"
#include "flux_support.h"

using namespace flux_test;

namespace {

constexpr std::array<std::string_view, 18> pieces{
    "<",    "</",  "<![CDATA[", "]]>", "&#0;", "&lt;",       "<!DOCTYPE a [", "<!--",           "-->",
    "\xFF", "<?x", "é",         "\"",  "'",    "</demande>", "<demande>",     " xml:lang='fr'", " xmlns='x'"};

std::vector<std::string> samples() {
  std::vector<std::string> out;
  for (const char* directory : {"tests/data/demandes", "tests/data/habilitations"}) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      auto bytes = slurp(entry.path().string());
      if (!bytes.empty()) out.push_back(std::move(bytes));
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

void damage(std::string& bytes, std::mt19937& random) {
  const std::size_t at = random() % (bytes.size() + 1);
  switch (random() % 4) {
    case 0:
      if (at < bytes.size()) bytes[at] = static_cast<char>(random());
      break;
    case 1:
      bytes.insert(at, pieces.at(random() % pieces.size()));
      break;
    case 2:
      bytes.erase(at, random() % 40);
      break;
    default:
      bytes.insert(at, bytes.substr(random() % (bytes.size() + 1), random() % 300));
  }
}

void check_answer(const std::string& bytes) {
  Recorder recorder;
  read_bytes(bytes, recorder);
  for (const auto& refused : recorder.refusals) {
    REQUIRE(refused.refusal.line > 0);
    REQUIRE_FALSE(refused.refusal.path.empty());
    REQUIRE_NOTHROW(navette::xml::Document::parse(refused.fragment));
  }
  for (const auto& accepted : recorder.demandes) {
    const auto fd = file_of(accepted.xml);
    const auto again = navette::flux::find_demande(fd.get(), schemas(), communes(), "");
    REQUIRE(again);
    REQUIRE(again->xml == accepted.xml);
  }
}

}  // namespace

TEST_CASE("damaged flux always get an answer") {
  const auto seeds = samples();
  REQUIRE(seeds.size() > 50);
  std::mt19937 random(42);  // NOLINT(cert-msc51-cpp,cert-msc32-c): the same damage each time, on purpose
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes = seeds[random() % seeds.size()];
    for (auto times = 1 + random() % 6; times > 0; --times) damage(bytes, random);
    check_answer(bytes);
  }
}
