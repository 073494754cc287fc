#include "base/atomic_file.h"

#include <system_error>
#include <type_traits>

#include <catch2/catch.hpp>

#include "unit/base/temp_dir.h"

using namespace navette;
using navette::test::TempDir;
namespace fs = std::filesystem;

TEST_CASE("without commit the name is untouched and nothing is left behind") {
  const TempDir temp;
  temp.put("file", "old");
  const Directory dir = Directory::open(temp.path());
  {
    AtomicFile file(dir, "file");
    file.write("new");
    CHECK(temp.get("file") == "old");
  }
  CHECK(temp.get("file") == "old");
  CHECK(dir.names() == std::vector<std::string>{"file"});
}

TEST_CASE("commit replaces the whole file, with the mode asked for") {
  const TempDir temp;
  temp.put("file", "a much longer former content");
  const Directory dir = Directory::open(temp.path());
  {
    AtomicFile file(dir, "file", 0600);
    file.write("n");
    file.write("ew");
    CHECK(temp.get("file") == "a much longer former content");
    file.commit();
    CHECK(temp.get("file") == "new");
  }
  CHECK(temp.get("file") == "new");
  CHECK(dir.status("file")->mode == 0600);
  CHECK(dir.names() == std::vector<std::string>{"file"});
}

TEST_CASE("what a crash left is replaced by the next writer") {
  const TempDir temp;
  temp.put(".file.tmp", "half of it, from before the power cut");
  const Directory dir = Directory::open(temp.path());
  write_file(dir, "file", "whole");
  CHECK(temp.get("file") == "whole");
  CHECK(dir.names() == std::vector<std::string>{"file"});
}

TEST_CASE("a trap in the place of the temporary leads nowhere") {
  const TempDir temp;
  temp.put("target", "precious");
  fs::create_symlink("target", temp / ".file.tmp");
  const Directory dir = Directory::open(temp.path());
  write_file(dir, "file", "whole");
  CHECK(temp.get("target") == "precious");
  CHECK(temp.get("file") == "whole");
}

TEST_CASE("a commit that fails leaves the name untouched and no temporary") {
  const TempDir temp;
  fs::create_directories(temp / "file/full");
  const Directory dir = Directory::open(temp.path());
  {
    AtomicFile file(dir, "file");
    file.write("x");
    CHECK_THROWS_AS(file.commit(), std::system_error);
  }
  CHECK(fs::is_directory(temp / "file/full"));
  CHECK(dir.names() == std::vector<std::string>{"file"});
}

// It holds on to its directory: one that ends before it is refused by the compiler.
static_assert(!std::is_constructible_v<AtomicFile, Directory, std::string>);
static_assert(std::is_constructible_v<AtomicFile, const Directory&, std::string>);
