#include "base/atomic_file.h"

#include <exception>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"

namespace navette {

AtomicFile::AtomicFile(const Directory& directory, std::string name, mode_t mode)
    : directory_(directory), name_(std::move(name)), temporary_("." + name_ + ".tmp") {
  directory_.remove(temporary_);
  // O_EXCL: what stands there now was put by somebody else, maybe as a trap.
  fd_ = directory_.open_file(temporary_, O_WRONLY | O_CREAT | O_EXCL, mode);
}

AtomicFile::~AtomicFile() {
  if (committed_) return;
  try {
    directory_.remove(temporary_);
  } catch (const std::exception&) {
    // Nothing more can be done in a destructor; the name is invisible to readers.
    return;
  }
}

void AtomicFile::write(std::string_view bytes) {
  write_all(fd_.get(), bytes);
}

void AtomicFile::commit() {
  if (fault::system_call("fsync", [&] { return ::fsync(fd_.get()); }) != 0)
    throw_errno("fsync " + (directory_.path() / temporary_).string());
  directory_.rename_over(temporary_, directory_, name_);
  committed_ = true;
  directory_.sync();
}

void write_file(const Directory& directory, const std::string& name, std::string_view bytes, mode_t mode) {
  AtomicFile file(directory, name, mode);
  file.write(bytes);
  file.commit();
}

}  // namespace navette
