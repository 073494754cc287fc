#include "daemon/inbox_watch.h"

#include <filesystem>

#include <catch2/catch.hpp>
#include <poll.h>

#include "unit/base/temp_dir.h"

using namespace navette;
using daemon::InboxWatch;
using stages::SeenDeposits;

namespace {

bool readable(const InboxWatch& watch) {
  pollfd fd{watch.fd(), POLLIN, 0};
  return ::poll(&fd, 1, 0) == 1;
}

}  // namespace

TEST_CASE("deposits closed or moved in are named; opened ones are not") {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "arrivee" / "monenfant");
  InboxWatch watch((dir / "arrivee").string());
  SeenDeposits seen;
  CHECK_FALSE(watch.take(seen));
  CHECK_FALSE(readable(watch));
  dir.put("arrivee/monenfant/a.xml", "x");
  dir.put("b.xml", "x");
  std::filesystem::rename(dir / "b.xml", dir / "arrivee" / "monenfant" / "b.xml");
  std::ofstream open(dir / "arrivee" / "monenfant" / "c.xml");
  open << "x" << std::flush;
  CHECK(readable(watch));
  CHECK(watch.take(seen));
  CHECK(seen.closed == std::set<std::string>{"monenfant/a.xml", "monenfant/b.xml"});
  CHECK(seen.written == std::set<std::string>{"monenfant/c.xml"});
  CHECK_FALSE(readable(watch));
  open << "y" << std::flush;
  CHECK_FALSE(watch.take(seen));  // no reason to look
  open.close();
  CHECK(watch.take(seen));
  CHECK(seen.closed.contains("monenfant/c.xml"));
  CHECK(seen.written.empty());
}

TEST_CASE("a sender's directory that is made later is watched too, and again when it was replaced") {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "arrivee");
  InboxWatch watch((dir / "arrivee").string());
  SeenDeposits seen;
  for (int i = 0; i < 2; ++i) {
    std::filesystem::create_directory(dir / "arrivee" / "caf-421");
    CHECK(watch.take(seen));
    dir.put("arrivee/caf-421/a.xml", "x");
    seen.closed.clear();
    CHECK(watch.take(seen));
    CHECK(seen.closed == std::set<std::string>{"caf-421/a.xml"});
    std::filesystem::remove_all(dir / "arrivee" / "caf-421");
    watch.take(seen);
  }
}

TEST_CASE("a file in arrivee/ itself and a link in the place of a sender's directory do no harm") {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "arrivee");
  std::filesystem::create_directories(dir / "elsewhere");
  std::filesystem::create_directory_symlink(dir / "elsewhere", dir / "arrivee" / "lien");
  InboxWatch watch((dir / "arrivee").string());
  SeenDeposits seen;
  dir.put("arrivee/stray.xml", "x");
  dir.put("elsewhere/a.xml", "x");
  CHECK(watch.take(seen));
  CHECK(seen.closed.empty());
}

TEST_CASE("without arrivee/ there is nothing to watch") {
  const test::TempDir dir;
  CHECK_THROWS_AS(InboxWatch((dir / "none").string()), std::system_error);
}

TEST_CASE("a move of arrivee/ itself is told, and where it lay nothing is needed") {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "arrivee" / "caf-421");
  InboxWatch watch((dir / "arrivee").string());
  SeenDeposits seen;
  std::filesystem::rename(dir / "arrivee", dir / "away");
  CHECK(readable(watch));
  CHECK(watch.take(seen));
}
