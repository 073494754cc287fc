// The database: within reach, this account's, whole, at this program's version.
#include <cerrno>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/checks.h"
#include "cli/open_store.h"
#include "daemon/used_spool.h"
#include "lib/sqlite/connection.h"
#include "store/schema.h"

namespace navette::cli {
namespace {

namespace fs = std::filesystem;

Finding bad(std::string text) {
  return {Health::bad, "database", std::move(text)};
}

Finding missing_database(const config::Config& config) {
  const fs::path& file = config.state.database;
  const fs::path directory = file.parent_path();
  const std::string make = fmt::format("as root: install -d -o navette -g navette -m 0700 {}", directory.string());
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) {
    return bad(fmt::format("its directory {} is missing; {}", directory.string(), make));
  }
  if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    return bad(fmt::format("{} ({}) lets {} make no database; run this as navette, or {}", directory.string(),
                           owner_and_mode(directory), name_of_user(::geteuid()), make));
  }
  const auto found = daemon::traces_of_work(config);
  if (!found.empty()) {
    return bad(fmt::format("{} is missing, but navette worked here before ({}); restore the last copy", file.string(),
                           text::join(found, ", ")));
  }
  return {Health::ok, "database", file.string() + " is not there yet; the first run makes it"};
}

// Why this account cannot use what is there; nothing when it can.
std::optional<Finding> closed_database(const fs::path& file, const struct stat& status) {
  const std::string shown = fmt::format("{} ({})", file.string(), owner_and_mode(file));
  if (!S_ISREG(status.st_mode)) return bad(shown + " is no file; move it away");
  const fs::path directory = file.parent_path();
  struct stat above {};
  if (::stat(directory.c_str(), &above) != 0) throw_errno("look at " + directory.string());
  // Root may do anything: for it, what counts is the account that the directory belongs to.
  const uid_t service = ::geteuid() == 0 ? above.st_uid : ::geteuid();
  if (status.st_uid != service) {
    const std::string mend = fmt::format("as root: chown {} {}*", name_of_user(above.st_uid), file.string());
    return bad(
        fmt::format("{} is not {}'s; {}", shown, name_of_user(service),
                    ::geteuid() == 0 ? mend : fmt::format("run this as {}, or {}", name_of_user(status.st_uid), mend)));
  }
  if (::access(file.c_str(), R_OK | W_OK) != 0) {
    return bad(fmt::format("{} is closed to its owner; chmod 600 {}", shown, file.string()));
  }
  // SQLite makes its journal beside it, for readers too.
  if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    return bad(fmt::format("{} ({}) lets {} write nothing beside the database; as root: chown {} {}",
                           directory.string(), owner_and_mode(directory), name_of_user(service), name_of_user(service),
                           directory.string()));
  }
  return std::nullopt;
}

Finding content_finding(const fs::path& file) {
  sqlite::Connection db(file.string(), sqlite::Connection::Access::read_only);
  auto q = db.query("PRAGMA quick_check(1)");
  q.step();
  if (q.text(0) != "ok") {
    return bad(
        fmt::format("the database {} is damaged ({}); stop navette, keep the file aside and restore the last copy",
                    file.string(), q.text(0)));
  }
  try {
    store::require_current(db);
  } catch (const Error& e) {
    return bad(fmt::format("{}: {}", file.string(), e.what()));
  }
  return {Health::ok, "database",
          fmt::format("{} ({}) is whole and at this program's version", file.string(), owner_and_mode(file))};
}

}  // namespace

Findings check_database(const config::Config& config) {
  const fs::path& file = config.state.database;
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return {missing_database(config)};
    return {bad(fmt::format("{} cannot be reached by {}; check the directories above it, or run this as navette",
                            file.string(), name_of_user(::geteuid())))};
  }
  Findings out;
  try {
    if (auto closed = closed_database(file, status)) return {*std::move(closed)};
    out.push_back(content_finding(file));
    if (out.back().health == Health::ok) {
      const auto unknown = daemon::unknown_work(config, *open_for_reading(config));
      if (!unknown.empty()) {
        out.back() =
            bad(fmt::format("{} is older than what navette did here: it does not know {}; put the latest copy in "
                            "its place",
                            file.string(), text::join(unknown, ", ")));
      }
    }
  } catch (const std::exception& e) {
    out.push_back(bad(describe(e)));
  }
  out.push_back(space_finding(file.parent_path()));
  if ((status.st_mode & 0077U) != 0) {
    out.push_back(
        {Health::warn, "database",
         fmt::format("{} holds families' data and is open to others; chmod 600 {}", file.string(), file.string())});
  }
  return out;
}

}  // namespace navette::cli
