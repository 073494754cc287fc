// Full, read-only and forbidden file systems, and SIGKILL at every step of a delivery.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "unit/base/temp_dir.h"
#include "unit/channels/depot_fixture.h"

using namespace navette;
using channels::DepotSender;
using model::Delivered;
using model::Refused;
using model::Retry;
using test::TempDir;
namespace fs = std::filesystem;

namespace {

constexpr int no_private_mounts = 200;

// Runs `body` in a child whose mounts nobody else sees; its result is the child's exit status. No assertion inside.
int in_private_mounts(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int flags = CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER);
    if (::unshare(flags) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      ::_exit(no_private_mounts);
    }
    ::_exit(body());
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

bool mount_tmpfs(const fs::path& at, const char* options, unsigned long flags = 0) {
  return ::mount("tmpfs", at.c_str(), "tmpfs", flags, options) == 0;
}

model::Outcome send(const test::Depot& depot) {
  return DepotSender(depot.root, DepotSender::Missing::create_plain).send(depot.remise());
}

// Kills this program at the n-th call of `syscall` during one delivery under `base`; false when it ended before. Only
// calls on files and directories of the dépôt count: sanitizers write to pipes of their own.
bool killed_at(const std::string& syscall, int n, const test::Depot& depot, const fs::path& base) {
  const fs::path lieu = depot.root / "rpe-firminy";
  std::string paths;
  for (const char* directory : {"remises", ".en-cours", ".en-cours/R1", ".en-cours/R1/leftover"}) {
    paths += fmt::format(" -P '{}'", (lieu / directory).string());
  }
  for (const auto& file : depot.files) paths += fmt::format(" -P '{}'", (lieu / ".en-cours/R1" / file.name).string());
  const std::string command = fmt::format(
      "NAVETTE_TEST_BASE='{}' ASAN_OPTIONS=detect_leaks=0 strace -qq -o /dev/null {} -e trace={} "
      "-e inject={}:signal=KILL:when={} '{}' 'one delivery for another test' >/dev/null 2>&1",
      base.string(), paths, syscall, syscall, n, fs::read_symlink("/proc/self/exe").string());
  const int status = std::system(command.c_str());
  if (status == 0) return false;
  if (WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGKILL)) return true;
  throw Error(fmt::format("the delivery under strace ended with status {}", status));
}

}  // namespace

TEST_CASE("a full disk is worth another try, shows nothing, and heals") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  Directory::create(depot.root);
  const int result = in_private_mounts([&] {
    if (!mount_tmpfs(depot.root, "size=128k")) return 1;
    if (!std::holds_alternative<Retry>(send(depot))) return 2;
    if (!depot.shows_nothing() || !depot.in_progress().names().empty()) return 3;
    if (!mount_tmpfs(depot.root, "size=4m", MS_REMOUNT)) return 4;
    if (!std::holds_alternative<Delivered>(send(depot))) return 5;
    return depot.delivered_once() ? 0 : 6;
  });
  if (result == no_private_mounts) {
    WARN("no private mounts here: skipped");
    return;
  }
  CHECK(result == 0);
}

TEST_CASE("a read-only disk is worth another try") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  Directory::create(depot.root);
  const int result = in_private_mounts([&] {
    if (!mount_tmpfs(depot.root, "size=4m")) return 1;
    if (!depot.shows_nothing() || !depot.in_progress().names().empty()) return 2;
    if (!mount_tmpfs(depot.root, "size=4m", MS_REMOUNT | MS_RDONLY)) return 3;
    return std::holds_alternative<Retry>(send(depot)) ? 0 : 4;
  });
  if (result == no_private_mounts) {
    WARN("no private mounts here: skipped");
    return;
  }
  CHECK(result == 0);
}

TEST_CASE("directories on two file systems are refused") {
  const TempDir dir;
  const test::Depot depot(dir.path());
  const fs::path remises = depot.remises().path();
  const int result = in_private_mounts([&] {
    if (!mount_tmpfs(remises, "size=4m")) return 1;
    const auto outcome = send(depot);
    const auto* refused = std::get_if<Refused>(&outcome);
    if (refused == nullptr || refused->code != "depot-incomplet") return 2;
    return depot.in_progress().names().empty() ? 0 : 3;
  });
  if (result == no_private_mounts) {
    WARN("no private mounts here: skipped");
    return;
  }
  CHECK(result == 0);
}

TEST_CASE("a missing right is refused") {
  if (::geteuid() != 0) {
    WARN("not root: skipped");
    return;
  }
  const TempDir dir;
  const test::Depot depot(dir.path());
  depot.lieu();
  const int result = in_private_mounts([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
    const auto outcome = send(depot);
    const auto* refused = std::get_if<Refused>(&outcome);
    return refused != nullptr && refused->code == "droits-locaux" ? 0 : 2;
  });
  CHECK(result == 0);
}

TEST_CASE("killed at any step, the lieu sees all or nothing, and the next attempt delivers once") {
  if (std::system("strace -qq -o /dev/null true 2>/dev/null") != 0) {
    WARN("no strace here: skipped");
    return;
  }
  int kills = 0;
  for (const char* syscall : {"mkdirat", "fchmod", "write", "syncfs", "renameat2", "fsync", "unlinkat"}) {
    for (int n = 1;; ++n) {
      INFO(syscall << " " << n);
      const TempDir dir;
      const test::Depot depot(dir.path());
      REQUIRE(depot.shows_nothing());
      depot.in_progress().make_dir("R1").make_dir("leftover");
      const bool killed = killed_at(syscall, n, depot, dir.path());
      if (killed) ++kills;
      INFO("kills so far: " << kills);
      if (!depot.shows_nothing()) {
        for (const auto& file : depot.files) {
          REQUIRE(depot.remises().open_dir("R1").read(file.name) == depot.source.read(file.name));
        }
      }
      REQUIRE(std::holds_alternative<Delivered>(send(depot)));
      REQUIRE(depot.delivered_once());
      if (!killed) break;
      REQUIRE(n < 100);
    }
  }
  // rmdir of leftovers, mkdir, three files, barrier, rename, sync of remises/.
  CHECK(kills >= 10);
}

TEST_CASE("one delivery for another test", "[.]") {
  const char* base = std::getenv("NAVETTE_TEST_BASE");
  REQUIRE(base != nullptr);
  const test::Depot depot(base);
  REQUIRE(std::holds_alternative<Delivered>(send(depot)));
}
