#include "daemon/used_spool.h"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"

namespace navette::daemon {
namespace {

namespace fs = std::filesystem;

bool is_ours(const fs::path& path) {
  const std::string name = path.filename().string();
  return !name.starts_with('.') && name != "README.md";
}

// Files below `root`, `depth` directories down at most.
std::size_t files_below(const fs::path& root, int depth) {
  std::size_t count = 0;
  std::error_code error;
  for (fs::directory_iterator it(root, fs::directory_options::skip_permission_denied, error), end; !error && it != end;
       it.increment(error)) {
    if (!is_ours(it->path())) continue;
    std::error_code unknown;
    if (it->symlink_status(unknown).type() != fs::file_type::directory) {
      ++count;
    } else if (depth > 0) {
      count += files_below(it->path(), depth - 1);
    }
  }
  return count;
}

// <depot>/<lieu>/remises/<remise>/
std::size_t remises_in(const fs::path& depot) {
  std::size_t count = 0;
  std::error_code error;
  for (fs::directory_iterator lieu(depot, error), end; !error && lieu != end; lieu.increment(error)) {
    std::error_code closed;
    for (fs::directory_iterator remise(lieu->path() / "remises", closed); !closed && remise != end;
         remise.increment(closed)) {
      if (is_ours(remise->path())) ++count;
    }
  }
  return count;
}

}  // namespace

std::vector<std::string> traces_of_work(const config::Config& config) {
  constexpr int deepest = 2;  // depart/<lieu>/<remise>/
  std::vector<std::string> out;
  for (const char* name : {"accuses", "rejet", "travail", "depart", "courriels"}) {
    const fs::path directory = config.spool.directory / name;
    if (const auto n = files_below(directory, deepest); n > 0)
      out.push_back(fmt::format("{} {} in {}", n, n == 1 ? "file" : "files", directory.string()));
  }
  if (const auto n = remises_in(config.depot.directory); n > 0)
    out.push_back(fmt::format("{} {} in {}", n, n == 1 ? "remise" : "remises", config.depot.directory.string()));
  return out;
}

bool lacks_database(const config::Config& config) {
  std::error_code error;
  const auto type = fs::status(config.state.database, error).type();
  if (type == fs::file_type::not_found) return true;
  if (error) throw std::system_error(error, "look at the database " + config.state.database.string());
  return type == fs::file_type::regular && fs::file_size(config.state.database) == 0;
}

void require_known_state(const config::Config& config, bool anew) {
  if (anew || !lacks_database(config)) return;
  const auto found = traces_of_work(config);
  if (found.empty()) return;
  throw Error(
      fmt::format("the database {} is missing or empty, but navette worked here before: {}. Restore the last copy of "
                  "the database. Only when there is none: `navette run --new-database` begins anew and forgets what "
                  "was taken in and delivered",
                  config.state.database.string(), text::join(found, ", ")));
}

}  // namespace navette::daemon
