#include "base/directory.h"

#include <chrono>
#include <system_error>
#include <thread>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "unit/base/temp_dir.h"

using namespace navette;
using navette::test::TempDir;
namespace fs = std::filesystem;

TEST_CASE("a Directory follows no symbolic link in the last component") {
  const TempDir temp;
  temp.put("secret", "a family's data");
  fs::create_directory(temp / "real");
  fs::create_symlink("secret", temp / "link");
  fs::create_symlink("real", temp / "dirlink");
  const Directory dir = Directory::open(temp.path());

  CHECK_THROWS_AS(dir.read("link"), std::system_error);
  CHECK_THROWS_AS(dir.open_file("link", O_WRONLY), std::system_error);
  CHECK_THROWS_AS(dir.open_file("link", O_WRONLY | O_CREAT | O_TRUNC), std::system_error);
  CHECK_THROWS_AS(dir.open_dir("dirlink"), std::system_error);
  CHECK_THROWS_AS(dir.make_dir("dirlink"), std::system_error);
  CHECK_FALSE(dir.find_dir("dirlink"));
  CHECK(dir.status("link")->type == FileType::symlink);
  CHECK(temp.get("secret") == "a family's data");
}

TEST_CASE("a Directory is in its place until its path leads elsewhere") {
  const TempDir temp;
  const Directory dir = Directory::create(temp / "above" / "d");
  CHECK(dir.in_place());
  fs::rename(temp / "above", temp / "away");
  CHECK_FALSE(dir.in_place());
  fs::create_directories(temp / "above" / "d");
  CHECK_FALSE(dir.in_place());
  fs::remove_all(temp / "above");
  fs::rename(temp / "away", temp / "above");
  CHECK(dir.in_place());
}

TEST_CASE("find_dir tells a directory from everything else") {
  const TempDir temp;
  temp.put("file", "");
  fs::create_directory(temp / "sub");
  const Directory dir = Directory::open(temp.path());
  CHECK(dir.find_dir("sub"));
  CHECK_FALSE(dir.find_dir("file"));
  CHECK_FALSE(dir.find_dir("missing"));
  CHECK(dir.make_dir("sub").path() == temp / "sub");
  CHECK_THROWS_AS(dir.make_dir("file"), std::system_error);
}

TEST_CASE("create makes missing parents and is content with what exists") {
  const TempDir temp;
  Directory::create(temp / "a/b/c", 0700);
  CHECK(fs::is_directory(temp / "a/b/c"));
  CHECK_NOTHROW(Directory::create(temp / "a/b/c"));
  CHECK_NOTHROW(Directory::create(temp / "a/b/d/"));
  temp.put("file", "");
  CHECK_THROWS_AS(Directory::create(temp / "file"), std::system_error);
  CHECK_THROWS_AS(Directory::create(temp / "file/below"), std::system_error);
}

TEST_CASE("reading a FIFO, a directory or too large a file is refused and hangs nobody") {
  const TempDir temp;
  REQUIRE(::mkfifo((temp / "fifo").c_str(), 0600) == 0);
  fs::create_directory(temp / "sub");
  temp.put("large", std::string(101, 'x'));
  const Directory dir = Directory::open(temp.path());

  CHECK_THROWS_WITH(dir.read("fifo"), Catch::Contains("not a regular file"));
  CHECK_THROWS_WITH(dir.read("sub"), Catch::Contains("not a regular file"));
  CHECK_THROWS_WITH(dir.read("large", 100), Catch::Contains("larger than"));
  CHECK(dir.read("large", 101).size() == 101);
  CHECK_THROWS_AS(dir.read("missing"), std::system_error);
}

TEST_CASE("names from outside are served as they are and shown escaped") {
  const TempDir temp;
  const std::string newline = "a\n<3>forged";
  const std::string longest(255, 'n');
  for (const std::string& name : {newline, longest, std::string("caf\xE9.xml")}) temp.put(name, "x");
  const Directory dir = Directory::open(temp.path());
  for (const std::string& name : {newline, longest, std::string("caf\xE9.xml")}) CHECK(dir.read(name) == "x");
  CHECK(dir.remove(newline));
  try {
    dir.read(newline);
    FAIL("it is gone");
  } catch (const std::system_error& e) {
    CHECK(std::string(e.what()).find('\n') == std::string::npos);
  }
  CHECK_THROWS_AS(dir.status(std::string(256, 'n')), std::system_error);
}

TEST_CASE("names are sorted bytewise, without dot and dot-dot, twice alike") {
  const TempDir temp;
  for (const char* name : {"b", "a", ".hidden", "B"}) temp.put(name, "");
  const Directory dir = Directory::open(temp.path());
  const std::vector<std::string> expected{".hidden", "B", "a", "b"};
  CHECK(dir.names() == expected);
  CHECK(dir.duplicate().names() == expected);
  CHECK(dir.names() == expected);
  int seen = 0;
  dir.each([&](const std::string&, FileType) { return ++seen < 2; });
  CHECK(seen == 2);
}

TEST_CASE("status tells type, size, mode and times") {
  const TempDir temp;
  temp.put("file", "12345");
  fs::permissions(temp / "file", fs::perms(0640));
  const Directory dir = Directory::open(temp.path());
  const auto st = dir.status("file");
  REQUIRE(st);
  CHECK(st->type == FileType::regular);
  CHECK(st->size == 5);
  CHECK(st->mode == 0640);
  CHECK(st->owner == ::getuid());
  const auto age = SystemClock().now() - st->modified;
  CHECK(age < std::chrono::minutes(1));
  CHECK(age > std::chrono::minutes(-1));
  CHECK_FALSE(dir.status("missing"));
}

TEST_CASE("rename_new never replaces and says why it did nothing") {
  const TempDir temp;
  temp.put("from", "new");
  temp.put("taken", "old");
  fs::create_directories(temp / "sub/full");
  const Directory dir = Directory::open(temp.path());
  const Directory sub = dir.open_dir("sub");

  CHECK(dir.rename_new("from", dir, "taken") == RenameResult::target_exists);
  CHECK(temp.get("taken") == "old");
  CHECK(dir.rename_new("missing", sub, "x") == RenameResult::source_missing);
  CHECK(dir.rename_new("from", sub, "x") == RenameResult::done);
  CHECK(temp.get("sub/x") == "new");
  CHECK_FALSE(dir.contains("from"));
  fs::create_directory(temp / "other");
  CHECK(dir.rename_new("other", dir, "sub") == RenameResult::target_exists);
}

TEST_CASE("rename_new tells another file system") {
  const TempDir temp;
  const fs::path elsewhere = "/dev/shm";
  struct stat here {};
  struct stat there {};
  if (::stat(temp.path().c_str(), &here) != 0 || ::stat(elsewhere.c_str(), &there) != 0 ||
      here.st_dev == there.st_dev) {
    WARN("there is only one file system to try");
    return;
  }
  temp.put("file", "x");
  const Directory dir = Directory::open(temp.path());
  CHECK(dir.rename_new("file", Directory::open(elsewhere), "navette-test-never") == RenameResult::other_filesystem);
  CHECK(dir.contains("file"));
}

TEST_CASE("remove takes files, links and empty directories, and knows what was missing") {
  const TempDir temp;
  temp.put("file", "");
  fs::create_directory(temp / "empty");
  fs::create_directories(temp / "full/sub");
  fs::create_symlink("full", temp / "link");
  const Directory dir = Directory::open(temp.path());
  CHECK(dir.remove("file"));
  CHECK_FALSE(dir.remove("file"));
  CHECK(dir.remove("empty"));
  CHECK(dir.remove("link"));
  CHECK(fs::exists(temp / "full/sub"));
  CHECK_THROWS_AS(dir.remove("full"), std::system_error);
}

TEST_CASE("remove_tree follows no link out of the tree") {
  const TempDir temp;
  const TempDir other;
  other.put("precious", "x");
  fs::create_directories(temp / "tree/a/b");
  temp.put("tree/a/b/file", "x");
  fs::create_directory_symlink(other.path(), temp / "tree/a/out");
  const Directory dir = Directory::open(temp.path());
  dir.remove_tree("tree");
  CHECK_FALSE(dir.contains("tree"));
  CHECK(other.get("precious") == "x");
  CHECK_NOTHROW(dir.remove_tree("tree"));

  fs::create_directory_symlink(other.path(), temp / "link");
  dir.remove_tree("link");
  CHECK_FALSE(dir.contains("link"));
  CHECK(other.get("precious") == "x");
}

TEST_CASE("an error names the operation and the file") {
  const TempDir temp;
  CHECK_THROWS_WITH(Directory::open(temp / "missing"), Catch::Contains("open directory") && Catch::Contains("missing"));
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full);
  CHECK_THROWS_AS(write_all(full.get(), "x"), std::system_error);
  CHECK_THROWS_AS(read_some(-1, nullptr, 0), std::system_error);
}

TEST_CASE("a shortened file gives the bytes that are left") {
  const TempDir temp;
  temp.put("file", "whole");
  const Directory dir = Directory::open(temp.path());
  fs::resize_file(temp / "file", 2);
  CHECK(dir.read("file") == "wh");
  // A file of /proc announces no size: what it holds is not lost.
  CHECK_FALSE(Directory::open("/proc/self").read("status").empty());
}
