#include "daemon/lock.h"

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/base/temp_dir.h"

using namespace navette;
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
