#include "channels/returns.h"

#include <catch2/catch.hpp>

#include "unit/base/temp_dir.h"

using namespace navette;
using channels::Collected;
using channels::Collecting;
using channels::ReturnFile;

namespace {

std::vector<ReturnFile> files(std::size_t count, std::uint64_t size = 10) {
  std::vector<ReturnFile> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back({"r-" + std::to_string(100 + i) + ".xml", true, size, 7});
  return out;
}

std::vector<std::string> names(const std::vector<ReturnFile>& some) {
  std::vector<std::string> out;
  for (const ReturnFile& file : some) out.push_back(file.name);
  return out;
}

}  // namespace

TEST_CASE("of more acknowledgements than a look brings the others are left for the next, and counted") {
  const test::TempDir dir;
  const Directory arrivee = Directory::open(dir.path());
  Collecting collecting{arrivee, "rpe-un"};
  Collected collected;
  const auto choice = choose(files(130), "retour", collecting, collected);
  CHECK(choice.to_bring.size() == 100);
  CHECK(collected.left == 30);
  CHECK(collected.faults.empty());
  collecting.most = 200;
  collecting.max_bytes = 95;
  CHECK(choose(files(130), "retour", collecting, collected).to_bring.size() == 9);
}

TEST_CASE("what was brought and stays, or cannot be fetched, keeps no other acknowledgement waiting") {
  const test::TempDir dir;
  const Directory arrivee = Directory::open(dir.path());
  Collecting collecting{arrivee, "rpe-un"};
  const auto found = files(150);
  Collected first;
  for (const ReturnFile& file : choose(found, "retour", collecting, first).to_bring) {
    const bool even = file.name[4] % 2 == 0;
    (even ? collecting.marks.brought : collecting.marks.failed).insert(file.mark());
  }
  REQUIRE(collecting.marks.failed.size() == 50);

  Collected second;
  const auto choice = choose(found, "retour", collecting, second);
  REQUIRE(choice.to_bring.size() == 100);
  CHECK(names(choice.to_bring)[0] == "r-200.xml");   // the fifty that were left
  CHECK(names(choice.to_bring)[50] == "r-101.xml");  // then what failed
  CHECK(choice.to_remove.size() == 50);
  CHECK(second.marks == collecting.marks);
  CHECK(second.left == 0);

  // What is gone is forgotten; what replaced one that was brought is another.
  Collected third;
  auto replaced = ReturnFile{"r-100.xml", true, 11, 7};
  CHECK(names(choose({replaced}, "retour", collecting, third).to_bring) == std::vector<std::string>{"r-100.xml"});
  CHECK(third.marks == model::ReturnMarks{});
}
