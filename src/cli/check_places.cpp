// Directories: spool, senders, dépôts.
#include <algorithm>
#include <cerrno>
#include <optional>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/error.h"
#include "channels/account.h"
#include "channels/depot_layout.h"
#include "cli/checks.h"
#include "cli/open_store.h"
#include "cli/output.h"
#include "stages/claim.h"
#include "stages/spool.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

namespace fs = std::filesystem;

constexpr mode_t others = 0007;
constexpr mode_t others_write = 0002;

std::string name_of_group(gid_t gid) {
  const group* g = ::getgrgid(gid);
  return g == nullptr ? std::to_string(gid) : g->gr_name;
}

bool find_status(const fs::path& path, struct stat& status) {
  return ::stat(path.c_str(), &status) == 0;
}

// Where navette opens what is ours by name, it follows no link: whoever may write beside it could lead it elsewhere.
std::optional<Finding> link_finding(const std::string& subject, const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return std::nullopt;
  return Finding{Health::bad, subject, path.string() + " is a symbolic link; put a directory there"};
}

bool is_usable(const fs::path& directory) {
  return ::access(directory.c_str(), R_OK | W_OK | X_OK) == 0;
}

// An existing directory that we may read and write. `forbidden`: mode bits that it must not have, and why.
Finding target_finding(const std::string& subject, const fs::path& path, mode_t forbidden, const char* why) {
  struct stat status {};
  if (!find_status(path, status)) {
    if (errno != ENOENT) return {Health::bad, subject, path.string() + " cannot be reached; check the modes above it"};
    fs::path above = path.parent_path();
    while (!fs::exists(above) && above.has_relative_path()) above = above.parent_path();
    if (is_usable(above)) return {Health::ok, subject, path.string() + " is not there yet; the first run makes it"};
    return {Health::bad, subject,
            fmt::format("{} is missing and {} may not make it; systemd-tmpfiles --create navette.conf", path.string(),
                        name_of_user(::geteuid()))};
  }
  const std::string shown = fmt::format("{} ({})", path.string(), owner_and_mode(path));
  if (!S_ISDIR(status.st_mode)) return {Health::bad, subject, shown + " is not a directory; move it away"};
  if (!is_usable(path)) {
    return {Health::bad, subject,
            fmt::format("{} is closed to {}; check owner and mode, or run this as navette", shown,
                        name_of_user(::geteuid()))};
  }
  if ((status.st_mode & forbidden) != 0) {
    return {Health::warn, subject,
            fmt::format("{} {}; chmod o-{} {}", shown, why, forbidden == others_write ? "w" : "rwx", path.string())};
  }
  return {Health::ok, subject, shown};
}

// The same of one that must be no symbolic link.
Finding directory_finding(const std::string& subject, const fs::path& path, mode_t forbidden, const char* why) {
  if (auto link = link_finding(subject, path)) return *std::move(link);
  return target_finding(subject, path, forbidden, why);
}

Finding same_filesystem(const fs::path& a, const fs::path& b, const char* consequence) {
  struct stat sa {};
  struct stat sb {};
  if (!find_status(a, sa) || !find_status(b, sb) || sa.st_dev == sb.st_dev) return {Health::ok, {}, {}};
  return {Health::warn, "spool",
          fmt::format("{} and {} are on different file systems: {}", a.string(), b.string(), consequence)};
}

void add(Findings& findings, Finding f) {
  if (!f.subject.empty()) findings.push_back(std::move(f));
}

// Whether the account that deposits may read the accusés: as owner of their directory, or by its group, which what
// navette writes there inherits by the setgid bit. Unknown account: the mode alone can be judged.
bool lets_fetch(const struct stat& directory, const std::optional<channels::Account>& sender) {
  if (sender && (sender->uid == 0 || sender->uid == directory.st_uid)) return true;
  constexpr mode_t group_reads = S_ISGID | S_IRGRP | S_IXGRP;
  if ((directory.st_mode & group_reads) != group_reads) return false;
  if (!sender) return true;
  const std::string group = name_of_group(directory.st_gid);
  return std::find(sender->groups.begin(), sender->groups.end(), group) != sender->groups.end();
}

// accuses/<emetteur>/. `deposits`: the status of its arrivee/<emetteur>/, whose owner is the account that deposits. An
// empty finding: nothing to say.
Finding accuses_finding(const config::Config& config, const std::string& name, const struct stat& deposits) {
  const fs::path path = config.spool.directory / "accuses" / name;
  struct stat spool {};
  struct stat status {};
  if (!find_status(config.spool.directory, spool)) return {};
  const bool exists = find_status(path, status);
  // Where navette deposits itself (a demonstration), what it makes is right.
  if (!exists && deposits.st_uid == spool.st_uid) return {};

  const std::string login = name_of_user(deposits.st_uid);
  const auto sender = channels::find_account(login);
  const std::string advice = fmt::format("as root: install -d -o {} -g {} -m 2750 {}", name_of_user(spool.st_uid),
                                         sender ? sender->groups.front() : "SENDER", path.string());
  if (!exists) {
    return {Health::warn, "sender",
            fmt::format("{} is missing, and {} could not read the one that navette makes; {}", path.string(), login,
                        advice)};
  }
  Finding f = directory_finding("sender", path, others, "is open to others");
  if (f.health == Health::ok && !lets_fetch(status, sender)) {
    f = {Health::warn, "sender", fmt::format("{} keeps its accusés from {}; {}", f.text, login, advice)};
  }
  return f;
}

// What is made at the first deposit or refusal: looked at once it is there.
Finding private_finding(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  return directory_finding("sender", path, others, "holds families' data and is open to others");
}

// Lieux send acknowledgements without being configured.
bool is_lieu(const config::Config& config, const std::string& name) {
  return fs::exists(config.state.database) && open_for_reading(config)->knows_lieu(name);
}

// What lies in arrivee/ and is nobody's.
void check_strangers(const config::Config& config, const fs::path& arrivee, Findings& out) {
  const Directory directory = Directory::open(arrivee);
  for (const std::string& name : directory.names()) {
    if (stages::is_ignored(name) || name == "README.md" || config.emetteurs.count(name) > 0) continue;
    if (!stages::is_valid_emetteur(name) || !directory.find_dir(name)) {
      out.push_back(
          {Health::warn, "sender",
           fmt::format("{}/{} is no sender's directory: never read; move it to one", arrivee.string(), name)});
    } else if (!is_lieu(config, name)) {
      out.push_back({Health::warn, "sender",
                     fmt::format("{0}/{1} is not configured: what lies there is refused (EMETTEUR_INCONNU); add "
                                 "[emetteur.{1}] or remove it",
                                 arrivee.string(), name)});
    }
  }
}

// An empty finding: there is none.
Finding sftp_log_finding(const fs::path& file) {
  if (file.empty()) return {};
  if (!fs::exists(file)) {
    return {Health::warn, "depot",
            fmt::format("{} is not there: no reading is seen as a pickup; see \"Journal\" in docs/depots.md",
                        file.string())};
  }
  if (::access(file.c_str(), R_OK) != 0) {
    return {Health::bad, "depot",
            fmt::format("{} ({}) is closed to {}; let its group read it", file.string(), owner_and_mode(file),
                        name_of_user(::geteuid()))};
  }
  return {Health::ok, "depot", fmt::format("{} ({})", file.string(), owner_and_mode(file))};
}

Finding depot_finding(const config::Config& config, const store::LieuRow& lieu, bool reach) {
  const fs::path base = config.depot.directory / lieu.identifiant;
  const fs::path in_progress = base / channels::depot::in_progress;
  const fs::path remises = base / channels::depot::remises;
  struct stat a {};
  struct stat b {};
  for (const fs::path& place : {config.spool.directory / "depart" / lieu.identifiant, base, in_progress, remises}) {
    if (auto link = link_finding("depot", place)) return *std::move(link);
  }
  if (!find_status(base, a)) {
    if (config.depot.create) return {Health::ok, "depot", base.string() + " is made at the first remise"};
    return {Health::bad, "depot", fmt::format("{0} has none; as root: navette lieux provision {0}", lieu.identifiant)};
  }
  if (!find_status(in_progress, a) || !find_status(remises, b) || !S_ISDIR(a.st_mode) || !S_ISDIR(b.st_mode)) {
    return {Health::bad, "depot",
            fmt::format("{0} is not complete; as root: navette lieux provision {1}", base.string(), lieu.identifiant)};
  }
  if (!reach) return {Health::ok, "depot", fmt::format("{} ({})", base.string(), owner_and_mode(base))};
  if (a.st_dev != b.st_dev) {
    return {Health::bad, "reach",
            fmt::format("{} and {} are on different file systems: nothing can be delivered", in_progress.string(),
                        remises.string())};
  }
  if (!is_usable(in_progress) || !is_usable(remises)) {
    return {Health::bad, "reach",
            fmt::format("{} is closed to {}; as root: navette lieux provision {}", base.string(),
                        name_of_user(::geteuid()), lieu.identifiant)};
  }
  return {Health::ok, "reach", fmt::format("{} takes deliveries", base.string())};
}

}  // namespace

Finding space_finding(const fs::path& path) {
  constexpr std::uint64_t least = std::uint64_t{1} << 30U;
  struct statvfs space {};
  if (::statvfs(path.c_str(), &space) != 0) return {Health::ok, "space", path.string() + " is not there yet"};
  const std::uint64_t free = std::uint64_t{space.f_bavail} * space.f_frsize;
  const std::string text = fmt::format("{} free on {}", shown_bytes(free), path.string());
  if (free < least) return {Health::warn, "space", text + "; make room: a pass that finds none defers its work"};
  return {Health::ok, "space", text};
}

std::string name_of_user(uid_t uid) {
  const passwd* p = ::getpwuid(uid);
  return p == nullptr ? std::to_string(uid) : p->pw_name;
}

std::string owner_and_mode(const fs::path& path) {
  struct stat status {};
  if (!find_status(path, status)) return {};
  return fmt::format("{}:{} {:04o}", name_of_user(status.st_uid), name_of_group(status.st_gid),
                     status.st_mode & 07777U);
}

Findings check_spool(const config::Config& config) {
  const fs::path& root = config.spool.directory;
  Findings out;
  out.push_back(target_finding("spool", root, others_write, "may be written by anybody"));
  for (const char* name : {"arrivee", "accuses"}) {
    out.push_back(directory_finding("spool", root / name, others_write, "may be written by anybody"));
  }
  // Families' data: nobody else.
  for (const char* name : {"travail", "rejet", "depart", "courriels"}) {
    out.push_back(directory_finding("spool", root / name, others, "holds families' data and is open to others"));
  }
  add(out, same_filesystem(root / "arrivee", root / "travail", "each deposit is copied instead of renamed"));
  out.push_back(space_finding(root));
  struct stat status {};
  if (::geteuid() == 0 && find_status(root, status) && status.st_uid != 0) {
    out.push_back({Health::warn, "spool",
                   fmt::format("looked at as root, who may do anything; for {0}'s own view: sudo -u {0} navette check",
                               name_of_user(status.st_uid))});
  }
  return out;
}

Findings check_senders(const config::Config& config) {
  const fs::path arrivee = config.spool.directory / "arrivee";
  Findings out;
  for (const auto& [name, emetteur] : config.emetteurs) {
    struct stat status {};
    if (!find_status(arrivee / name, status)) {
      out.push_back({Health::warn, "sender",
                     fmt::format("{0} has no directory; as root: install -d -o SENDER -g navette -m 2770 {1}", name,
                                 (arrivee / name).string())});
      continue;
    }
    Finding f = directory_finding("sender", arrivee / name, others_write, "may be written by anybody");
    // The sticky bit leaves each file to its owner and the directory's.
    const bool may_take = (status.st_mode & S_IWGRP) != 0 && (status.st_mode & S_ISVTX) == 0;
    if (f.health == Health::ok && !may_take && status.st_uid != ::geteuid()) {
      f = {Health::warn, "sender", f.text + " lets navette take nothing away; chmod 2770 " + (arrivee / name).string()};
    }
    out.push_back(std::move(f));
    add(out, accuses_finding(config, name, status));
    for (const char* place : {"travail", "rejet"}) add(out, private_finding(config.spool.directory / place / name));
  }
  try {
    if (fs::exists(arrivee)) check_strangers(config, arrivee, out);
  } catch (const std::exception& e) {
    out.push_back({Health::bad, "sender", describe(e)});
  }
  return out;
}

Findings check_depots(const config::Config& config, const Clock& clock, bool reach) {
  Findings out;
  const fs::path& root = config.depot.directory;
  struct stat status {};
  if (find_status(root, status)) {
    out.push_back({Health::ok, "depot", fmt::format("{} ({})", root.string(), owner_and_mode(root))});
    out.push_back(space_finding(root));
  } else if (config.depot.create) {
    out.push_back({Health::ok, "depot", root.string() + " is not there yet; the first remise makes it"});
  } else {
    out.push_back({Health::bad, "depot",
                   root.string() + " is not there: is its volume mounted? navette lieux provision makes it"});
  }
  add(out, sftp_log_finding(config.depot.sftp_log));
  try {
    if (!fs::exists(config.state.database)) return out;
    const auto store = open_for_reading(config);
    const auto today = model::paris_day(clock.now());
    for (const auto& lieu : store::list_lieux(store->connection(), today, store::no_limit)) {
      if (lieu.depot && lieu.en_vigueur) out.push_back(depot_finding(config, lieu, reach));
    }
  } catch (const std::exception& e) {
    out.push_back({Health::bad, "depot", "the lieux are not known: " + describe(e)});
  }
  return out;
}

}  // namespace navette::cli
