// What is loaded: configuration, database, schemas, stylesheets, fonts, communes.
#include <filesystem>
#include <functional>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/error.h"
#include "cli/checks.h"
#include "cli/open_store.h"
#include "daemon/engine.h"
#include "lib/xml/stylesheet.h"

namespace navette::cli {
namespace {

namespace fs = std::filesystem;

// `load` says what it found.
Finding tried(const std::string& subject, const std::string& advice, const std::function<std::string()>& load) {
  try {
    return {Health::ok, subject, load()};
  } catch (const std::exception& e) {
    return {Health::bad, subject, describe(e) + "; " + advice};
  }
}

std::string database_text(const config::Config& config) {
  const auto store = open_for_reading(config);
  auto q = store->connection().query("PRAGMA quick_check(1)");
  q.step();
  if (q.text(0) != "ok") throw Error("it is damaged (" + q.text(0) + ")");
  return fmt::format("{} ({}) is whole and at this program's version", config.state.database.string(),
                     owner_and_mode(config.state.database));
}

}  // namespace

Findings check_configuration(const config::Config& config, const std::string& file) {
  Findings out{{Health::ok, "configuration", fmt::format("{}, {} senders", file, config.emetteurs.size())}};
  if (config.emetteurs.empty()) {
    out.push_back({Health::warn, "configuration", "no sender: every flux is refused; add [emetteur.NAME] sections"});
  }
  return out;
}

Findings check_database(const config::Config& config) {
  const fs::path& file = config.state.database;
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    const fs::path directory = file.parent_path();
    if (fs::is_directory(directory)) {
      return {{Health::ok, "database", file.string() + " is not there yet; the first run makes it"}};
    }
    return {{Health::bad, "database", directory.string() + " is missing; make it, navette's own and closed to others"}};
  }
  Findings out{tried("database", "stop navette and restore the last copy, or ask for help",
                     [&] { return database_text(config); })};
  if ((status.st_mode & 0077U) != 0) {
    out.push_back(
        {Health::warn, "database",
         fmt::format("{} holds families' data and is open to others; chmod 600 {}", file.string(), file.string())});
  }
  return out;
}

Findings check_data(const config::Config& config) {
  const std::string where = "check [data] directory in the configuration, or install navette again";
  Findings out;
  out.push_back(tried("schemas", where, [&] {
    static_cast<void>(flux::Schemas::load(config.data.schemas().string()));
    return config.data.schemas().string();
  }));
  out.push_back(tried("stylesheet", where, [&] {
    std::string file = (config.data.stylesheets() / "notification.xsl").string();
    static_cast<void>(xml::Stylesheet::load(file));
    return file;
  }));
  out.push_back(tried("rendering", "check [fonts] and [data], install fonts-noto-core and fonts-dejavu-core", [&] {
    static_cast<void>(daemon::load_renderer(config));
    return fmt::format("{} with {}", (config.data.stylesheets() / "demande-fo.xsl").string(),
                       config.fonts.main.regular.string());
  }));
  out.push_back(tried("communes", where, [&] {
    const auto reference = daemon::load_reference_data(config);
    return fmt::format("{} ({} communes)", config.data.communes().string(), reference.size());
  }));
  return out;
}

}  // namespace navette::cli
