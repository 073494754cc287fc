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

}  // namespace

VerifiedReader::VerifiedReader(const Directory& directory, const model::RemiseFile& file)
    : file_(file), fd_(open_regular(directory, file.name)) {}

std::size_t VerifiedReader::read(char* buffer, std::size_t size) {
  if (!fd_ || size_ > file_.size) return 0;
  const std::size_t n = read_some(fd_->get(), buffer, size);
  digest_.update({buffer, n});
  size_ += n;
  return n;
}

std::optional<std::string> VerifiedReader::fault() {
  if (!fd_) return "is missing or not a regular file";
  char more = 0;
  if (size_ == file_.size) read(&more, 1);
  if (size_ > file_.size) return "is larger than announced";
  if (size_ < file_.size) return "is smaller than announced";
  if (digest_.finish_hex() != file_.sha256) return "has another content than announced";
  return std::nullopt;
}

std::optional<std::string> copy_verified(const Directory& source, const Directory& target,
                                         const model::RemiseFile& file) {
  VerifiedReader reader(source, file);
  const UniqueFd to = target.open_file(file.name, O_WRONLY | O_CREAT | O_EXCL, file_mode);
  // Under the umask the service runs with (027) the mode is right from the start.
  ensure_mode(to.get(), file_mode, file.name);
  std::vector<char> buffer(chunk);
  while (const std::size_t n = reader.read(buffer.data(), buffer.size())) write_all(to.get(), {buffer.data(), n});
  return reader.fault();
}

std::optional<std::string> read_verified(const Directory& source, const model::RemiseFile& file, std::string& bytes) {
  VerifiedReader reader(source, file);
  std::vector<char> buffer(chunk);
  while (const std::size_t n = reader.read(buffer.data(), buffer.size())) bytes.append(buffer.data(), n);
  return reader.fault();
}

bool is_intact(const Directory& directory, const model::RemiseFile& file) {
  VerifiedReader reader(directory, file);
  std::vector<char> buffer(chunk);
  while (reader.read(buffer.data(), buffer.size()) > 0) continue;
  return !reader.fault();
}

}  // namespace navette::channels
