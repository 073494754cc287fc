// Copies that prove what they copied.
#pragma once

#include <optional>
#include <string>

#include "base/directory.h"
#include "lib/crypto/sha256.h"
#include "model/delivery.h"

namespace navette::channels {

// Reads a file of a remise piece by piece, and tells at its end whether it was as announced. Throws std::system_error
// when reading fails; a file that is missing or no regular one reads as empty and is faulty.
class VerifiedReader {
 public:
  VerifiedReader(const Directory& directory, const model::RemiseFile& file);
  std::size_t read(char* buffer, std::size_t size);  // 0: the end, or more bytes than announced
  // What is wrong with the source, for the operator; nothing when all of it was read and is as announced.
  std::optional<std::string> fault();

 private:
  const model::RemiseFile& file_;
  std::optional<UniqueFd> fd_;
  crypto::Sha256 digest_;
  std::uint64_t size_ = 0;
};

// Copies `file` from `source` into `target` under the same name, which must not exist there yet (mode 0640 whatever the
// umask), and checks size and SHA-256 of the very bytes it wrote. Returns nothing when they are as announced, else what
// is wrong with the source, for the operator: missing, not a regular file, other size, other content; a partial file
// may then remain in `target`. Not synced. Throws std::system_error when reading or writing fails.
std::optional<std::string> copy_verified(const Directory& source, const Directory& target,
                                         const model::RemiseFile& file);

// Reads all of `file` into `bytes`. Returns and throws as copy_verified does.
std::optional<std::string> read_verified(const Directory& source, const model::RemiseFile& file, std::string& bytes);

// Whether the file of that name in `directory` is a regular file with that size and SHA-256.
bool is_intact(const Directory& directory, const model::RemiseFile& file);

}  // namespace navette::channels
