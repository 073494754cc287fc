// A file that appears whole and durable, or not at all.
#pragma once

#include <string>
#include <string_view>

#include "base/directory.h"

namespace navette {

// Written under `.<name>.tmp` in the same directory; commit() syncs it, renames it over `name` and syncs the directory.
// Destroyed without commit(): the temporary is removed and `name` is untouched. After a crash a temporary may remain:
// dot names are invisible to every reader and the next writer of the same name replaces it.
class AtomicFile {
 public:
  // `directory` must outlive the file.
  AtomicFile(const Directory& directory, std::string name, mode_t mode = 0640);
  AtomicFile(Directory&& directory, std::string name, mode_t mode = 0640) = delete;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::string_view bytes);
  void commit();
  int fd() const { return fd_.get(); }

 private:
  const Directory& directory_;
  std::string name_;
  std::string temporary_;
  UniqueFd fd_;
  bool committed_ = false;
};

void write_file(const Directory& directory, const std::string& name, std::string_view bytes, mode_t mode = 0640);

}  // namespace navette
