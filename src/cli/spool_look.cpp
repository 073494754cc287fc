#include "cli/spool_look.h"

#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <map>

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

// Counts the entries of <place>/<emetteur>/ that `counts` says are deposits.
void count(const Directory& place, Waiting& waiting, const std::function<bool(const std::string&)>& counts) {
  try {
    const auto dir = place.find_dir(waiting.emetteur);
    if (!dir) return;
    dir->each([&](const std::string& name, FileType) {
      const auto status = counts(name) ? dir->status(name) : std::nullopt;
      if (!status) return true;
      ++waiting.files;
      if (!waiting.oldest || status->changed < *waiting.oldest) waiting.oldest = status->changed;
      return true;
    });
  } catch (const std::system_error&) {
    return;  // not ours to list
  }
}

// Of an entry of travail/<emetteur>/: <ticket>.<name> as it was claimed, or only <ticket>, our copy. A claimed file and
// its copy are one deposit.
bool is_unrecorded_claim(const std::string& entry, store::Store& store) {
  const auto dot = entry.find('.');
  if (dot == 0 || dot == std::string::npos) return false;
  return store.ticket_state(entry.substr(0, dot)) == store::Store::TicketState::unknown;
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

std::vector<Waiting> deposits(const std::filesystem::path& spool, store::Store& store) {
  std::map<std::string, Waiting> found;
  const auto look = [&](const char* place, const std::function<bool(const std::string&)>& counts) {
    try {
      const Directory directory = Directory::open(spool / place);
      for (const std::string& emetteur : directory.names()) {
        if (!stages::is_valid_emetteur(emetteur)) continue;
        Waiting& waiting = found.try_emplace(emetteur, Waiting{emetteur, 0, std::nullopt}).first->second;
        count(directory, waiting, counts);
      }
    } catch (const std::system_error&) {
      return;
    }
  };
  look("arrivee", [](const std::string& name) { return !stages::is_ignored(name); });
  look("travail", [&](const std::string& entry) { return is_unrecorded_claim(entry, store); });
  std::vector<Waiting> out;
  for (auto& [emetteur, waiting] : found) {
    if (waiting.files > 0) out.push_back(std::move(waiting));
  }
  return out;
}

}  // namespace navette::cli
