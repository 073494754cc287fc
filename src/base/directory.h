// A directory held open: every operation is relative to it (openat and friends) and refuses to follow a symbolic link
// in the last component, so that nobody who may write beside us can lead us elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace navette {

enum class FileType { regular, directory, symlink, other };

struct FileStatus {
  FileType type = FileType::other;
  std::uint64_t size = 0;  // bytes
  mode_t mode = 0;         // permission bits
  uid_t owner = 0;
  gid_t group = 0;
  std::uint64_t inode = 0;
  Instant modified;  // mtime
  Instant changed;   // ctime: set by the kernel, the sender cannot forge it
};

enum class RenameResult { done, source_missing, target_exists, other_filesystem };

class Directory {
 public:
  // Opens an existing directory; throws std::system_error.
  static Directory open(const std::filesystem::path& path);
  // Creates `path` and its missing parents (mode before umask), then opens it.
  static Directory create(const std::filesystem::path& path, mode_t mode = 0750);

  // Sub-directories. `name` is one component.
  Directory open_dir(const std::string& name) const;
  std::optional<Directory> find_dir(const std::string& name) const;       // nothing when missing or not a directory
  Directory make_dir(const std::string& name, mode_t mode = 0750) const;  // created if missing, then opened
  // The same, its name durable: for what is to be promised of files in it, and syncs that directory alone.
  Directory make_durable_dir(const std::string& name) const;

  // Files. O_NOFOLLOW and O_CLOEXEC are added to `flags`. Throws std::system_error.
  UniqueFd open_file(const std::string& name, int flags, mode_t mode = 0640) const;
  std::optional<FileStatus> status(const std::string& name) const;  // lstat; nothing when missing
  bool contains(const std::string& name) const { return status(name).has_value(); }
  // The whole file; throws Error when larger than `limit` bytes or not a regular file.
  std::string read(const std::string& name, std::uint64_t limit = 64U << 20U) const;

  // Names of the entries, without "." and "..", sorted bytewise.
  std::vector<std::string> names() const;
  // The same without the sort and without holding all names: for large directories. `visit` returns false to stop.
  void each(const std::function<bool(const std::string& name, FileType hint)>& visit) const;

  // Atomic; never replaces. Neither directory is synced.
  RenameResult rename_new(const std::string& name, const Directory& to, const std::string& new_name) const;
  // Atomic; replaces a file. Throws on failure.
  void rename_over(const std::string& name, const Directory& to, const std::string& new_name) const;
  bool remove(const std::string& name) const;       // a file or an empty directory; false when it was missing
  void remove_tree(const std::string& name) const;  // follows no link; missing is fine

  void sync() const;             // makes the names durable
  void sync_filesystem() const;  // one barrier for all data written on this file system (syncfs): many files, one wait

  // Whether path() still leads to this directory: it was not renamed, replaced or mounted over. One stat(): cheap.
  bool in_place() const;

  int fd() const { return fd_.get(); }
  const std::filesystem::path& path() const { return path_; }  // for messages
  Directory duplicate() const;

 private:
  Directory(UniqueFd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::filesystem::path path_;
};

// Writes all of `bytes`; throws std::system_error.
void write_all(int fd, std::string_view bytes);
// Up to `size` bytes; 0 at the end. Retries on EINTR; throws std::system_error.
std::size_t read_some(int fd, char* buffer, std::size_t size);
FileStatus status_of(int fd);
// Gives the open file or directory, `shown` in an error, these permissions where it has others; throws
// std::system_error.
void ensure_mode(int fd, unsigned mode, std::string_view shown);

}  // namespace navette
