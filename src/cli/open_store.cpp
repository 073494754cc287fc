#include "cli/open_store.h"

#include <cerrno>

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/actor.h"
#include "cli/spool_look.h"
#include "daemon/used_spool.h"

namespace navette::cli {
namespace {

std::string owner_of(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry == nullptr ? fmt::format("uid {}", uid) : entry->pw_name;
}

// Never made beside one that is only lost, nor promised: its owner, or what lies about, tells that there was one.
std::string missing(const config::Config& config) {
  const std::string path = config.state.database.string();
  auto found = daemon::traces_of_work(config);
  if (const auto pid = spool_owner(config.spool.directory))
    found.insert(found.begin(), fmt::format("process {} runs", *pid));
  if (found.empty())
    return fmt::format("there is no database {} yet; the first `navette run` or `serve` makes it", path);
  return fmt::format(
      "the database {} is missing, but navette worked here before ({}): stop navette and restore the last copy", path,
      text::join(found, ", "));
}

// A reader of a WAL database maps its -shm file, and makes it when no other process has it: that takes the right to
// write beside the database.
std::unique_ptr<store::Store> open(const config::Config& config, store::Store::Access access) {
  const std::string path = config.state.database.string();
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) {
      throw Error(missing(config));
    }
    throw Error(
        fmt::format("cannot reach the database {}; operators' commands run as its owner: "
                    "sudo -u navette navette ...",
                    path));
  }
  try {
    return std::make_unique<store::Store>(path, operator_actor(), access);
  } catch (const std::exception&) {
    const int wanted = access == store::Store::Access::read_only ? R_OK : R_OK | W_OK;
    if (::access(path.c_str(), wanted) == 0 && ::access(config.state.database.parent_path().c_str(), W_OK) == 0) {
      throw;  // it names the file
    }
    throw Error(fmt::format("the database {0} and its directory are {1}'s; run this as {1}: sudo -u {1} navette ...",
                            path, owner_of(status.st_uid)));
  }
}

}  // namespace

std::unique_ptr<store::Store> open_for_reading(const config::Config& config) {
  return open(config, store::Store::Access::read_only);
}

std::unique_ptr<store::Store> open_for_writing(const config::Config& config) {
  return open(config, store::Store::Access::read_write);
}

void trace_reading(const config::Config& config, const std::string& action, const std::string& object, Instant now) {
  try {
    open_for_writing(config)->add_trace({action, object, {}}, now);
  } catch (const std::exception&) {
    std::throw_with_nested(Error("this names persons, so it is not shown unless a trace of it is written"));
  }
}

}  // namespace navette::cli
