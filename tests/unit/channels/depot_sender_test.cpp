#include "channels/depot_sender.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "unit/base/temp_dir.h"
#include "unit/channels/depot_fixture.h"

using namespace navette;
using Catch::Matchers::Contains;
using channels::DepotSender;
using model::Delivered;
using model::Outcome;
using model::Refused;
using model::Retry;
using test::TempDir;
namespace fs = std::filesystem;

namespace {

Outcome send(const test::Depot& depot, DepotSender::Missing missing = DepotSender::Missing::create_plain) {
  return DepotSender(depot.root, missing).send(depot.remise());
}

bool is_delivered(const Outcome& outcome) {
  return std::holds_alternative<Delivered>(outcome);
}

// The code of a Refused, else nothing that a test compares with.
std::string refused(const Outcome& outcome) {
  const auto* r = std::get_if<Refused>(&outcome);
  return r == nullptr ? "not refused" : r->code;
}

class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(before_); }

 private:
  mode_t before_;
};

}  // namespace

TEST_CASE("a remise arrives whole, with its modes, whatever the umask") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  const Umask umask(GENERATE(0000U, 0022U, 0027U, 0077U));
  const Outcome outcome = send(depot);
  REQUIRE(is_delivered(outcome));
  CHECK_THAT(std::get<Delivered>(outcome).facts, Contains("rpe-firminy/remises/R1") && Contains("3 files"));
  CHECK(depot.delivered_once());
  CHECK((depot.remises().status("R1")->mode & 0777U) == 0750U);
  for (const auto& file : depot.files) CHECK(depot.remises().open_dir("R1").status(file.name)->mode == 0640U);
}

TEST_CASE("a remise takes the group of the dépôt") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  REQUIRE(depot.lieu().fd() >= 0);
  if (::fchown(depot.in_progress().fd(), static_cast<uid_t>(-1), 12345) != 0) {
    WARN("not root: skipped");
    return;
  }
  REQUIRE(::fchmod(depot.in_progress().fd(), 02700) == 0);
  REQUIRE(depot.remises().fd() >= 0);
  REQUIRE(is_delivered(send(depot)));
  CHECK(depot.remises().status("R1")->group == 12345);
  CHECK(depot.remises().open_dir("R1").status("remise.xml")->group == 12345);
}

TEST_CASE("a remise sent again is delivered again, and nothing changes") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  REQUIRE(is_delivered(send(depot)));
  const auto before = depot.remises().status("R1")->inode;
  const Outcome again = send(depot);
  REQUIRE(is_delivered(again));
  CHECK_THAT(std::get<Delivered>(again).facts, Contains("already there"));
  CHECK(depot.delivered_once());
  CHECK(depot.remises().status("R1")->inode == before);
}

TEST_CASE("what a crash left is replaced") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  SECTION("an empty directory") {
    depot.in_progress().make_dir("R1");
  }
  SECTION("a part of a file") {
    write_file(depot.in_progress().make_dir("R1"), "DI_monenfant_A1.pdf", "ppp");
  }
  SECTION("files of another attempt") {
    write_file(depot.in_progress().make_dir("R1"), "DI_monenfant_B2.pdf", "bbb");
  }
  SECTION("all files, not yet renamed") {
    const Directory left = depot.in_progress().make_dir("R1");
    for (const auto& file : depot.files) write_file(left, file.name, depot.source.read(file.name));
  }
  SECTION("a file in the place of the directory") {
    write_file(depot.in_progress(), "R1", "?");
  }
  SECTION("a link in the place of the directory") {
    fs::create_directory_symlink(depot.source.path(), depot.in_progress().path() / "R1");
  }
  SECTION("the remise in place and a leftover beside it") {
    REQUIRE(is_delivered(send(depot)));
    write_file(depot.in_progress().make_dir("R1"), "DI_monenfant_A1.pdf", "ppp");
  }
  REQUIRE(depot.remises().fd() >= 0);
  CHECK(is_delivered(send(depot, DepotSender::Missing::retry)));
  CHECK(depot.delivered_once());
  CHECK(depot.source.names().size() == 3);
}

TEST_CASE("another content under the remise's name is left alone") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  SECTION("another manifest") {
    write_file(depot.remises().make_dir("R1"), "remise.xml", "<remise>B2</remise>");
  }
  SECTION("no manifest") {
    depot.remises().make_dir("R1");
  }
  SECTION("a file") {
    write_file(depot.remises(), "R1", "?");
  }
  SECTION("a link to the very files") {
    fs::create_directory_symlink(depot.source.path(), depot.remises().path() / "R1");
  }
  REQUIRE(depot.in_progress().fd() >= 0);
  CHECK(refused(send(depot)) == "remise-differente");
  CHECK(depot.remises().names() == std::vector<std::string>{"R1"});
  CHECK(depot.in_progress().names().empty());
}

TEST_CASE("a damaged source is refused and shown to nobody") {
  const TempDir dir;
  test::Depot depot(dir.path());
  const std::string pdf = "DI_monenfant_A1.pdf";
  std::string expected;
  SECTION("another content of the same size") {
    write_file(depot.source, pdf, std::string(299999, 'p') + "q");
    expected = "another content";
  }
  SECTION("cut short") {
    write_file(depot.source, pdf, std::string(299999, 'p'));
    expected = "smaller";
  }
  SECTION("longer") {
    write_file(depot.source, pdf, std::string(300001, 'p'));
    expected = "larger";
  }
  SECTION("missing") {
    depot.source.remove(pdf);
    expected = "missing";
  }
  SECTION("a link") {
    write_file(depot.source, "other", std::string(300000, 'p'));
    depot.source.remove(pdf);
    fs::create_symlink("other", depot.source.path() / pdf);
    expected = "not a regular file";
  }
  SECTION("a FIFO") {
    depot.source.remove(pdf);
    REQUIRE(::mkfifo((depot.source.path() / pdf).c_str(), 0600) == 0);
    expected = "not a regular file";
  }
  const Outcome outcome = send(depot);
  REQUIRE(refused(outcome) == "source-alteree");
  CHECK_THAT(std::get<Refused>(outcome).reason, Contains(pdf) && Contains(expected));
  CHECK(depot.shows_nothing());
  CHECK(depot.in_progress().names().empty());
}

TEST_CASE("a lieu without a dépôt is tried again, with the command that makes it") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  Directory::create(depot.root);
  const Outcome outcome = send(depot, DepotSender::Missing::retry);
  REQUIRE(std::holds_alternative<Retry>(outcome));
  CHECK_THAT(std::get<Retry>(outcome).reason,
             Contains("depot-absent") && Contains("navette lieux provision rpe-firminy"));
  depot.lieu();
  CHECK_THAT(std::get<Retry>(send(depot, DepotSender::Missing::retry)).reason, Contains("depot-incomplet"));
}

TEST_CASE("a volume that is not mounted is worth another try") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  const Outcome outcome = send(depot, DepotSender::Missing::retry);
  REQUIRE(std::holds_alternative<Retry>(outcome));
  CHECK_THAT(std::get<Retry>(outcome).reason, Contains("mounted"));
}

TEST_CASE("a name that leads elsewhere is refused") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  DepotSender sender(depot.root, DepotSender::Missing::create_plain);
  auto remise = depot.remise();
  SECTION("lieu") {
    remise.lieu = "../autre";
  }
  SECTION("remise") {
    remise.remise = "..";
  }
  SECTION("hidden remise") {
    remise.remise = ".R1";
  }
  SECTION("file") {
    remise.files.front().name = "../x.pdf";
  }
  SECTION("empty") {
    remise.remise = "";
  }
  CHECK(refused(sender.send(remise)) == "nom-invalide");
}

TEST_CASE("the manifest is last, or the remise is refused") {
  const TempDir dir;
  test::Depot depot(dir.path());
  SECTION("first") {
    std::swap(depot.files.front(), depot.files.back());
  }
  SECTION("no file") {
    depot.files.clear();
  }
  CHECK(refused(send(depot)) == "source-alteree");
}

TEST_CASE("the lieu is told where its remise is") {
  CHECK(DepotSender("/srv", DepotSender::Missing::retry).describe_place("R1") ==
        "dépôt SFTP de votre lieu d’information, dossier /remises/R1");
}

TEST_CASE("whether the lieu has a remise cannot be told while its dépôt is out of reach") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  REQUIRE(is_delivered(send(depot)));
  DepotSender sender(depot.root, DepotSender::Missing::retry);
  CHECK(sender.look(depot.remise()));
  fs::rename(depot.root, dir / "elsewhere");
  CHECK_THROWS_WITH(sender.look(depot.remise()), Contains("mounted"));
  fs::create_directory(depot.root);  // the mount point alone
  CHECK_THROWS_WITH(sender.look(depot.remise()), Contains("no dépôt"));
}
