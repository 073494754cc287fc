#include "base/directory.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/text.h"

namespace navette {
namespace {

Instant instant_of(const timespec& t) {
  using namespace std::chrono;
  return Instant(duration_cast<milliseconds>(seconds(t.tv_sec) + nanoseconds(t.tv_nsec)));
}

FileStatus convert(const struct stat& st) {
  FileStatus s;
  s.type = S_ISREG(st.st_mode)   ? FileType::regular
           : S_ISDIR(st.st_mode) ? FileType::directory
           : S_ISLNK(st.st_mode) ? FileType::symlink
                                 : FileType::other;
  s.size = static_cast<std::uint64_t>(st.st_size);
  s.mode = st.st_mode & 07777U;
  s.owner = st.st_uid;
  s.group = st.st_gid;
  s.inode = st.st_ino;
  s.modified = instant_of(st.st_mtim);
  s.changed = instant_of(st.st_ctim);
  return s;
}

std::string shown(const std::filesystem::path& dir, std::string_view name) {
  return text::printable((dir / std::string(name)).string());
}

}  // namespace

Directory Directory::open(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw_errno("open directory " + path.string());
  return {std::move(fd), path};
}

Directory Directory::create(const std::filesystem::path& path, mode_t mode) {
  const auto make = [&] { return fault::system_call("mkdir", [&] { return ::mkdir(path.c_str(), mode); }); };
  if (make() != 0 && errno != EEXIST) {
    if (errno != ENOENT || !path.has_parent_path()) throw_errno("make directory " + path.string());
    create(path.parent_path(), mode);
    if (make() != 0 && errno != EEXIST) throw_errno("make directory " + path.string());
  }
  return open(path);
}

Directory Directory::open_dir(const std::string& name) const {
  UniqueFd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) throw_errno("open directory " + shown(path_, name));
  return {std::move(fd), path_ / name};
}

std::optional<Directory> Directory::find_dir(const std::string& name) const {
  UniqueFd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd) return Directory(std::move(fd), path_ / name);
  if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return std::nullopt;
  throw_errno("open directory " + shown(path_, name));
}

Directory Directory::make_dir(const std::string& name, mode_t mode) const {
  if (fault::system_call("mkdir", [&] { return ::mkdirat(fd_.get(), name.c_str(), mode); }) != 0 && errno != EEXIST) {
    throw_errno("make directory " + shown(path_, name));
  }
  return open_dir(name);
}

Directory Directory::make_durable_dir(const std::string& name) const {
  if (auto there = find_dir(name)) return *std::move(there);
  Directory made = make_dir(name);
  sync();
  return made;
}

bool Directory::in_place() const {
  struct stat held {};
  struct stat there {};
  if (::fstat(fd_.get(), &held) != 0) throw_errno("stat " + path_.string());
  return ::stat(path_.c_str(), &there) == 0 && there.st_dev == held.st_dev && there.st_ino == held.st_ino;
}

UniqueFd Directory::open_file(const std::string& name, int flags, mode_t mode) const {
  const auto open = [&] { return ::openat(fd_.get(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode); };
  UniqueFd fd((flags & O_CREAT) != 0 ? fault::system_call("create", open) : open());
  if (!fd) throw_errno("open " + shown(path_, name));
  return fd;
}

std::optional<FileStatus> Directory::status(const std::string& name) const {
  struct stat st {};
  if (::fstatat(fd_.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) return convert(st);
  if (errno == ENOENT) return std::nullopt;
  throw_errno("stat " + shown(path_, name));
}

std::string Directory::read(const std::string& name, std::uint64_t limit) const {
  // O_NONBLOCK: a FIFO put in the place of a file must not hang us.
  const UniqueFd fd = open_file(name, O_RDONLY | O_NONBLOCK);
  const FileStatus st = status_of(fd.get());
  if (st.type != FileType::regular) throw Error(shown(path_, name) + " is not a regular file");
  if (st.size > limit) throw Error(shown(path_, name) + " is larger than it may be");
  // Read to its end, not to its size: a file of /proc announces none, another may have grown meanwhile.
  std::string bytes;
  std::size_t have = 0;
  while (true) {
    constexpr std::size_t more = 4096;
    bytes.resize(std::max<std::size_t>(st.size + 1, have + more));
    const std::size_t n = read_some(fd.get(), bytes.data() + have, bytes.size() - have);
    if (n == 0) break;
    have += n;
    if (have > limit) throw Error(shown(path_, name) + " is larger than it may be");
  }
  bytes.resize(have);
  return bytes;
}

void Directory::each(const std::function<bool(const std::string&, FileType)>& visit) const {
  // A fresh description: the offset of a duplicated one would be shared.
  const int fd = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw_errno("read directory " + path_.string());
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd), ::closedir);
  if (!dir) {
    ::close(fd);
    throw_errno("read directory " + path_.string());
  }
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) {
      if (errno != 0) throw_errno("read directory " + path_.string());
      return;
    }
    const std::string name = static_cast<const char*>(entry->d_name);
    if (name == "." || name == "..") continue;
    const FileType hint = entry->d_type == DT_REG   ? FileType::regular
                          : entry->d_type == DT_DIR ? FileType::directory
                          : entry->d_type == DT_LNK ? FileType::symlink
                                                    : FileType::other;
    if (!visit(name, hint)) return;
  }
}

std::vector<std::string> Directory::names() const {
  std::vector<std::string> out;
  each([&](const std::string& name, FileType) {
    out.push_back(name);
    return true;
  });
  std::sort(out.begin(), out.end());
  return out;
}

RenameResult Directory::rename_new(const std::string& name, const Directory& to, const std::string& new_name) const {
  const auto rename = [&] { return ::renameat2(fd_.get(), name.c_str(), to.fd(), new_name.c_str(), RENAME_NOREPLACE); };
  if (fault::system_call("rename", rename) == 0) return RenameResult::done;
  switch (errno) {
    case ENOENT:
      return RenameResult::source_missing;
    case EEXIST:
    case ENOTEMPTY:
      return RenameResult::target_exists;
    case EXDEV:
      return RenameResult::other_filesystem;
    default:
      throw_errno("rename " + shown(path_, name) + " to " + shown(to.path_, new_name));
  }
}

void Directory::rename_over(const std::string& name, const Directory& to, const std::string& new_name) const {
  const auto rename = [&] { return ::renameat(fd_.get(), name.c_str(), to.fd(), new_name.c_str()); };
  if (fault::system_call("rename", rename) != 0) {
    throw_errno("rename " + shown(path_, name) + " to " + shown(to.path_, new_name));
  }
}

bool Directory::remove(const std::string& name) const {
  const auto unlink = [&](int flags) {
    return fault::system_call("unlink", [&] { return ::unlinkat(fd_.get(), name.c_str(), flags); });
  };
  if (unlink(0) == 0) return true;
  if (errno == EISDIR && unlink(AT_REMOVEDIR) == 0) return true;
  if (errno == ENOENT) return false;
  throw_errno("remove " + shown(path_, name));
}

void Directory::remove_tree(const std::string& name) const {
  const auto st = status(name);
  if (!st) return;
  if (st->type == FileType::directory) {
    const Directory dir = open_dir(name);
    for (const std::string& inner : dir.names()) dir.remove_tree(inner);
  }
  remove(name);
}

void Directory::sync() const {
  if (fault::system_call("fsync", [&] { return ::fsync(fd_.get()); }) != 0) throw_errno("fsync " + path_.string());
}

void Directory::sync_filesystem() const {
  if (fault::system_call("syncfs", [&] { return ::syncfs(fd_.get()); }) != 0) throw_errno("syncfs " + path_.string());
}

Directory Directory::duplicate() const {
  UniqueFd fd(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 3));
  if (!fd) throw_errno("duplicate directory " + path_.string());
  return {std::move(fd), path_};
}

namespace {

ssize_t write_some(int fd, std::string_view bytes) {
  const auto write = [&](std::size_t size) { return ::write(fd, bytes.data(), size); };
  return fault::around(
      "write", fault::writes, [&] { return write(bytes.size()); },
      [&](fault::Kind kind) -> ssize_t {
        if (kind == fault::Kind::cut) static_cast<void>(write(bytes.size() / 2));
        errno = kind == fault::Kind::eio ? EIO : ENOSPC;
        return -1;
      });
}

}  // namespace

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write_some(fd, bytes);
    if (n < 0) {
      if (errno == EINTR) continue;
      throw_errno("write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::size_t read_some(int fd, char* buffer, std::size_t size) {
  while (true) {
    const ssize_t n = ::read(fd, buffer, size);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) throw_errno("read");
  }
}

FileStatus status_of(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) throw_errno("fstat");
  return convert(st);
}

void ensure_mode(int fd, unsigned mode, std::string_view shown) {
  const auto change = [&] { return ::fchmod(fd, mode); };
  if (status_of(fd).mode != mode && fault::system_call("chmod", change) != 0)
    throw_errno("chmod " + std::string(shown));
}

}  // namespace navette
