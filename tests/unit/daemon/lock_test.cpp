#include "daemon/lock.h"

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/base/temp_dir.h"

using namespace navette;
using daemon::DatabaseLock;
using daemon::LockedError;
using daemon::SpoolLock;

TEST_CASE("one owner at a time; the other is told whose it is; freed when the owner goes") {
  const test::TempDir dir;
  {
    const SpoolLock lock(dir.path());
    CHECK_THROWS_WITH(SpoolLock(dir.path()), Catch::Contains(std::to_string(::getpid())));
    CHECK_THROWS_AS(SpoolLock(dir.path()), LockedError);
  }
  CHECK_NOTHROW(SpoolLock(dir.path()));
}

TEST_CASE("the lock of a process that died is free") {
  const test::TempDir dir;
  const pid_t child = ::fork();
  if (child == 0) {
    const SpoolLock lock(dir.path());
    ::_exit(0);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  CHECK(dir.get(".lock") == std::to_string(child) + "\n");
  const SpoolLock lock(dir.path());
  CHECK(dir.get(".lock") == std::to_string(::getpid()) + "\n");
}

TEST_CASE("a database has one owner, by whatever path it is named, and the others keep theirs") {
  const test::TempDir dir;
  std::filesystem::create_directory(dir / "state");
  std::filesystem::create_directory_symlink("state", dir / "link");
  {
    const DatabaseLock lock(dir / "state" / "navette.db");
    CHECK_THROWS_AS(DatabaseLock(dir / "link" / "navette.db"), LockedError);
    CHECK_THROWS_WITH(DatabaseLock(dir / "state" / "navette.db"),
                      Catch::Contains("navette.db") && Catch::Contains(std::to_string(::getpid())));
    CHECK_NOTHROW(DatabaseLock(dir / "state" / "other.db"));
  }
  CHECK_NOTHROW(DatabaseLock(dir / "state" / "navette.db"));
  CHECK_FALSE(std::filesystem::exists(dir / "state" / "navette.db"));
  CHECK_THROWS_WITH(DatabaseLock(dir / "missing" / "navette.db"), Catch::Contains("navette check"));
}
