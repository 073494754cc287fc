#include "cli/spool_look.h"

#include <cerrno>
#include <csignal>
#include <fstream>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/directory.h"
#include "stages/claim.h"
#include "stages/spool.h"

namespace navette::cli {
namespace {

// /proc/locks tells of every flock by inode; the device is left out, since stacked file systems show another one.
bool is_locked(ino_t inode) {
  const std::string suffix = fmt::format(":{}", inode);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    if (line.find(" FLOCK ") == std::string::npos) continue;
    const auto end = line.rfind(' ', line.rfind(" 0 "));  // "… WRITE 123 08:01:456 0 EOF"
    const std::string id = line.substr(0, line.rfind(" 0 "));
    if (end != std::string::npos && id.ends_with(suffix)) return true;
  }
  return false;
}

Waiting look_at(const Directory& arrivee, const std::string& emetteur) {
  Waiting out{emetteur, 0, std::nullopt};
  try {
    const auto dir = arrivee.find_dir(emetteur);
    if (!dir) return out;
    dir->each([&](const std::string& name, FileType) {
      const auto status = stages::is_ignored(name) ? std::nullopt : dir->status(name);
      if (!status) return true;
      ++out.files;
      if (!out.oldest || status->changed < *out.oldest) out.oldest = status->changed;
      return true;
    });
  } catch (const std::system_error&) {
    return out;  // not ours to list
  }
  return out;
}

}  // namespace

std::optional<pid_t> spool_owner(const std::filesystem::path& spool) {
  const std::filesystem::path lock = spool / ".lock";
  struct stat status {};
  if (::stat(lock.c_str(), &status) != 0 || !is_locked(status.st_ino)) return std::nullopt;
  pid_t pid = 0;
  std::ifstream(lock) >> pid;
  return pid;
}

std::vector<Waiting> deposits(const std::filesystem::path& spool) {
  std::vector<Waiting> out;
  try {
    const Directory arrivee = Directory::open(spool / "arrivee");
    for (const std::string& emetteur : arrivee.names()) {
      if (!stages::is_valid_emetteur(emetteur)) continue;
      Waiting w = look_at(arrivee, emetteur);
      if (w.files > 0) out.push_back(std::move(w));
    }
  } catch (const std::system_error&) {
    return out;
  }
  return out;
}

}  // namespace navette::cli
