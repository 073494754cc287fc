#include "channels/depot_provision.h"

#include <filesystem>
#include <string>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/error.h"
#include "unit/channels/provision_fixture.h"

using namespace navette;
using Catch::Matchers::Contains;
using channels::Account;
using channels::DepotPlan;
using channels::provision_depot;
using test::is_root;
using test::lieu;
using test::plan_for;
using test::RootOwnedDir;
using test::service;
namespace fs = std::filesystem;

namespace {

void check_is(const Directory& parent, const std::string& name, uid_t uid, gid_t gid, mode_t mode) {
  INFO(name);
  const auto status = parent.status(name);
  REQUIRE(status);
  CHECK(status->owner == uid);
  CHECK(status->group == gid);
  CHECK(status->mode == mode);
}

void check_provisioned(const fs::path& root) {
  const Directory depot = Directory::open(root);
  check_is(depot, "rpe-firminy", 0, 0, 0755);
  const Directory base = depot.open_dir("rpe-firminy");
  check_is(base, ".en-cours", 5000, 5001, 02700);
  check_is(base, "remises", 5000, 5001, 02750);
  check_is(base, "retour", 5001, 5000, 02770);
  check_is(base, "dev", 0, 0, 0755);
}

}  // namespace

TEST_CASE("a dépôt is made with its owners and modes, and made again changes nothing") {
  if (!is_root()) return;
  const RootOwnedDir dir;
  const auto root = dir.path() / "srv" / "depot";
  const mode_t before = ::umask(0077);
  const auto made = provision_depot(plan_for(root), "rpe-firminy");
  ::umask(before);
  CHECK(made.size() == 7);
  CHECK_THAT(made.front(), Contains("made") && Contains("/srv"));
  check_provisioned(root);
  check_is(Directory::open(dir.path()), "srv", 0, 0, 0755);
  CHECK(provision_depot(plan_for(root), "rpe-firminy").empty());
  CHECK(provision_depot(plan_for(dir.path() / "srv" / "." / "x" / ".." / "depot" / ""), "rpe-firminy").empty());
}

TEST_CASE("owners and modes that were changed are repaired, contents left alone") {
  if (!is_root()) return;
  const RootOwnedDir dir;
  provision_depot(plan_for(dir.path()), "rpe-firminy");
  const fs::path base = dir.path() / "rpe-firminy";
  fs::create_directory(base / "remises" / "R1");
  REQUIRE(::chown((base / "remises").c_str(), 1, 1) == 0);
  REQUIRE(::chmod((base / "retour").c_str(), 0777) == 0);
  REQUIRE(::chmod(base.c_str(), 0775) == 0);
  const auto repaired = provision_depot(plan_for(dir.path()), "rpe-firminy");
  CHECK(repaired.size() == 3);
  CHECK_THAT(repaired.front(), Contains("repaired") && Contains("775"));
  check_provisioned(dir.path());
  CHECK(fs::exists(base / "remises" / "R1"));
}

TEST_CASE("a path that sshd would refuse or that could be led elsewhere is refused, and nothing is made") {
  if (!is_root()) return;
  const RootOwnedDir dir;
  const auto root = dir.path() / "srv" / "depot";
  fs::create_directories(root);
  std::string expected;
  SECTION("a parent writable by others") {
    REQUIRE(::chmod((dir.path() / "srv").c_str(), 0777) == 0);
    expected = "chmod go-w " + (dir.path() / "srv").string();
  }
  SECTION("a parent writable by its group") {
    REQUIRE(::chmod(root.c_str(), 0775) == 0);
    expected = "writable by nobody else";
  }
  SECTION("a parent that is not root's") {
    REQUIRE(::chown(root.c_str(), 5000, 0) == 0);
    expected = "must be root's";
  }
  SECTION("a link on the way") {
    fs::rename(dir.path() / "srv", dir.path() / "real");
    fs::create_directory_symlink("real", dir.path() / "srv");
    expected = "is a link or no directory";
  }
  CHECK_THROWS_WITH(provision_depot(plan_for(root), "rpe-firminy"), Contains(expected));
  CHECK(fs::is_empty(root));
}

TEST_CASE("a link inside the dépôt is not followed") {
  if (!is_root()) return;
  const RootOwnedDir dir;
  fs::create_directory(dir.path() / "elsewhere");
  fs::create_directories(dir.path() / "depot" / "rpe-firminy");
  const std::string name = GENERATE("remises", "retour", ".en-cours", "dev");
  fs::create_directory_symlink(dir.path() / "elsewhere", dir.path() / "depot" / "rpe-firminy" / name);
  CHECK_THROWS_WITH(provision_depot(plan_for(dir.path() / "depot"), "rpe-firminy"), Contains("is a link"));
  check_is(Directory::open(dir.path()), "elsewhere", 0, 0, 0755);
}

TEST_CASE("an account that would not be confined is refused with the command that helps") {
  if (!is_root()) return;
  const RootOwnedDir dir;
  Account account = lieu;
  std::string expected;
  SECTION("outside the group that sshd matches") {
    account.groups = {"rpe-firminy"};
    expected = "usermod --append --groups navette-lieux rpe-firminy";
  }
  SECTION("a primary group shared with others") {
    account.groups = {"navette-lieux"};
    expected = "usermod --gid rpe-firminy rpe-firminy";
  }
  SECTION("a login shell") {
    account.shell = "/bin/bash";
    expected = "usermod --shell /usr/sbin/nologin rpe-firminy";
  }
  SECTION("no shell at all, which is /bin/sh") {
    account.shell = "";
    expected = "usermod --shell";
  }
  SECTION("navette's group") {
    account.groups.emplace_back("navette");
    expected = "gpasswd --delete rpe-firminy navette";
  }
  SECTION("a person listed in its group") {
    account.listed = {"alice"};
    expected = "gpasswd --delete alice rpe-firminy";
  }
  SECTION("an account whose primary group it is too") {
    account.sharing = {"bob"};
    expected = "groupadd --force bob && usermod --gid bob bob";
  }
  SECTION("a system account") {
    account.uid = GENERATE(0U, 33U, 999U, 60000U, 65534U);
    expected = "rpe-firminy is a system account of this machine (uid " + std::to_string(account.uid) + ")";
  }
  CHECK_THROWS_WITH(provision_depot(plan_for(dir.path(), account), "rpe-firminy"), Contains(expected));
  CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("a missing account is told with the command that makes it") {
  if (!is_root()) return;
  const RootOwnedDir dir;
  CHECK_THROWS_WITH(provision_depot(plan_for(dir.path()), "rpe-roche"),
                    Contains("useradd --user-group --groups navette-lieux --no-create-home") &&
                        Contains("--shell /usr/sbin/nologin --password '*' rpe-roche"));
  CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("a lieu's identifiant is an account's name or refused") {
  const std::string identifiant = GENERATE("", "ab", "Rpe", "1rpe", "-rpe", "rpe/x", "../x", "rpe x", "rpe\n", "rpe_x",
                                           "abcdefghijklmnopqrstuvwxyz-12345");
  CHECK_THROWS_WITH(provision_depot(plan_for("/run/navette-none"), identifiant), Contains("identifiant"));
}

TEST_CASE("navette's own account is no lieu's, whatever its uid") {
  if (!is_root()) return;
  const RootOwnedDir dir;
  CHECK_THROWS_WITH(provision_depot(plan_for(dir.path()), "navette"), Contains("navette is a system account"));
  CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("accounts of this machine are found with their groups") {
  const auto root = channels::find_account("root");
  REQUIRE(root);
  CHECK(root->uid == 0);
  CHECK(root->groups.front() == "root");
  CHECK_FALSE(channels::find_account("navette-no-such-account"));
}
