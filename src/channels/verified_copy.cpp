#include "channels/verified_copy.h"

#include <cerrno>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "lib/crypto/sha256.h"

namespace navette::channels {
namespace {

constexpr std::size_t chunk = 128U << 10U;
constexpr mode_t file_mode = 0640;

// Nothing when it is missing, a link or not a regular file. O_NONBLOCK: a FIFO in the place of a file must not hang us.
std::optional<UniqueFd> open_regular(const Directory& directory, const std::string& name) {
  try {
    UniqueFd fd = directory.open_file(name, O_RDONLY | O_NONBLOCK);
    if (status_of(fd.get()).type != FileType::regular) return std::nullopt;
    return fd;
  } catch (const std::system_error& e) {
    const int code = e.code().value();
    if (code == ENOENT || code == ELOOP || code == ENXIO) return std::nullopt;
    throw;
  }
}

// Reads to the end, or to one byte more than announced; `sink` gets every piece.
template <typename Sink>
std::optional<std::string> read_verified(int fd, const model::RemiseFile& file, Sink sink) {
  crypto::Sha256 digest;
  std::vector<char> buffer(chunk);
  std::uint64_t size = 0;
  while (const std::size_t n = read_some(fd, buffer.data(), buffer.size())) {
    size += n;
    if (size > file.size) return "is larger than announced";
    const std::string_view piece(buffer.data(), n);
    digest.update(piece);
    sink(piece);
  }
  if (size < file.size) return "is smaller than announced";
  if (digest.finish_hex() != file.sha256) return "has another content than announced";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> copy_verified(const Directory& source, const Directory& target,
                                         const model::RemiseFile& file) {
  const auto from = open_regular(source, file.name);
  if (!from) return "is missing or not a regular file";
  const UniqueFd to = target.open_file(file.name, O_WRONLY | O_CREAT | O_EXCL, file_mode);
  // Under the umask the service runs with (027) the mode is right from the start.
  if (status_of(to.get()).mode != file_mode && ::fchmod(to.get(), file_mode) != 0) throw_errno("chmod " + file.name);
  return read_verified(from->get(), file, [&](std::string_view piece) { write_all(to.get(), piece); });
}

bool is_intact(const Directory& directory, const model::RemiseFile& file) {
  const auto fd = open_regular(directory, file.name);
  return fd && !read_verified(fd->get(), file, [](std::string_view) {});
}

}  // namespace navette::channels
