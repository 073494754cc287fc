#include "daemon/used_spool.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <tuple>

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "model/civil_time.h"
#include "store/forgotten.h"

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

// What we may not list holds nothing.
template <typename Visit>
void each_entry(const fs::path& directory, const Visit& visit) {
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (is_ours(it->path())) visit(it->path());
  }
}

std::size_t remises_in(const fs::path& depot) {
  std::size_t count = 0;
  each_entry(depot, [&](const fs::path& lieu) { each_entry(lieu / "remises", [&](const fs::path&) { ++count; }); });
  return count;
}

bool are_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Of AR_<identifiant>_<ticket>.xml; a ticket begins with its second: 20261122T051000Z-.
constexpr std::size_t ticket_second = 16;

std::string ticket_of_accuse(const std::string& name) {
  constexpr std::string_view tail = ".xml";
  if (!name.starts_with("AR_") || !name.ends_with(tail)) return {};
  std::string ticket = name.substr(name.rfind('_') + 1);
  ticket.resize(ticket.size() - tail.size());
  const bool fits = ticket.size() > ticket_second && ticket[ticket_second] == '-' && are_digits(ticket.substr(0, 8));
  return fits ? ticket : std::string();
}

// <lieu>-<yyyymmdd>-<n>; ordered by day and number.
struct RemiseName {
  std::string day;
  std::size_t digits = 0;  // of two numbers the longer is the greater
  std::string number;
  std::string name;
  bool operator<(const RemiseName& other) const {
    return std::tie(day, digits, number) < std::tie(other.day, other.digits, other.number);
  }
};

std::optional<RemiseName> remise_name(const std::string& lieu, const std::string& name) {
  constexpr std::size_t day = 8;
  const std::string head = lieu + "-";
  if (!name.starts_with(head) || name.size() < head.size() + day + 2 || name[head.size() + day] != '-') return {};
  RemiseName out{name.substr(head.size(), day), 0, name.substr(head.size() + day + 1), name};
  if (!are_digits(out.day) || !are_digits(out.number)) return {};
  out.digits = out.number.size();
  return out;
}

// "2026-11-22T05:10:00Z" as names have it.
std::string compact(std::string iso) {
  std::erase_if(iso, [](char c) { return c == '-' || c == ':'; });
  return iso;
}

}  // namespace

std::vector<std::string> traces_of_work(const config::Config& config) {
  constexpr int deepest = 2;  // depart/<lieu>/<remise>/
  std::vector<std::string> out;
  for (const char* name : {"accuses", "rejet", "travail", "depart", "courriels"}) {
    const fs::path directory = config.spool.directory / name;
    if (const auto n = files_below(directory, deepest); n > 0)
      out.push_back(fmt::format("{} in {}", text::counted(n, "file"), directory.string()));
  }
  if (const auto n = remises_in(config.depot.directory); n > 0)
    out.push_back(fmt::format("{} in {}", text::counted(n, "remise"), config.depot.directory.string()));
  return out;
}

bool lacks_database(const config::Config& config) {
  std::error_code error;
  const auto type = fs::status(config.state.database, error).type();
  if (type == fs::file_type::not_found) return true;
  if (error) throw std::system_error(error, "look at the database " + config.state.database.string());
  return type == fs::file_type::regular && fs::file_size(config.state.database) == 0;
}

std::vector<std::string> unknown_work(const config::Config& config, store::Store& store) {
  const auto forgot = store::forgotten_until(store.connection());
  const std::string second = forgot ? compact(model::to_iso_utc(*forgot)) : "";
  const std::string day = forgot ? compact(model::to_iso(model::paris_day(*forgot))) : "";
  std::vector<std::string> out;
  const fs::path accuses = config.spool.directory / "accuses";
  each_entry(accuses, [&](const fs::path& emetteur) {
    std::vector<std::string> latest;  // all of the last second: within it tickets have no order
    each_entry(emetteur, [&](const fs::path& file) {
      std::string ticket = ticket_of_accuse(file.filename().string());
      if (ticket.empty()) return;
      const int later = latest.empty() ? 1 : ticket.compare(0, ticket_second, latest.front(), 0, ticket_second);
      if (later > 0) latest.clear();
      if (later >= 0) latest.push_back(std::move(ticket));
    });
    if (latest.empty() || (forgot && latest.front().substr(0, second.size()) <= second)) return;
    const auto unknown = std::find_if(latest.begin(), latest.end(), [&](const std::string& ticket) {
      return store.ticket_state(ticket) == store::Store::TicketState::unknown;
    });
    if (unknown != latest.end())
      out.push_back(fmt::format("the accusé of the flux {} in {}", *unknown, emetteur.string()));
  });
  each_entry(config.depot.directory, [&](const fs::path& lieu) {
    std::optional<RemiseName> latest;
    each_entry(lieu / "remises", [&](const fs::path& remise) {
      auto name = remise_name(lieu.filename().string(), remise.filename().string());
      if (name && (!latest || *latest < *name)) latest = std::move(name);
    });
    if (!latest || (forgot && latest->day <= day)) return;
    if (!store.knows_remise(latest->name))
      out.push_back(fmt::format("the remise {} in {}", latest->name, (lieu / "remises").string()));
  });
  return out;
}

void require_latest_state(const config::Config& config, store::Store& store) {
  const auto found = unknown_work(config, store);
  if (found.empty()) return;
  throw Error(fmt::format(
      "the database {} is older than what navette did here: it does not know {}. Put the latest copy of "
      "the database in its place. Only when there is none: `navette run --older-database` goes on with this "
      "one; what was taken in and delivered since it was copied is forgotten, and is delivered again if its "
      "senders send it again",
      config.state.database.string(), text::join(found, ", ")));
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
