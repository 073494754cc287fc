#include "channels/depot_provision.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/error.h"
#include "base/fault.h"
#include "channels/depot_layout.h"

namespace navette::channels {
namespace {

constexpr uid_t root_uid = 0;
constexpr gid_t root_gid = 0;
constexpr mode_t written_by_others = 0022;

struct Owner {
  uid_t uid;
  gid_t gid;
};

// [a-z][a-z0-9-]{2,30}: also the account's name, so useradd's rules hold too.
bool is_identifiant(const std::string& s) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (s.size() < 3 || s.size() > 31 || !is_lower(s.front())) return false;
  return std::all_of(s.begin(), s.end(), [&](char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '-'; });
}

bool is_member(const Account& account, const std::string& group) {
  return std::find(account.groups.begin(), account.groups.end(), group) != account.groups.end();
}

// Debian Policy 9.2.2: the system's own below 1000 and from 60000 to 65535 (nobody is 65534).
bool is_system_uid(uid_t uid) {
  return uid < 1000 || (uid >= 60000 && uid <= 65535);
}

// A shell that lets nobody in.
bool is_closed(const std::string& shell) {
  const std::string program = shell.substr(shell.rfind('/') + 1);
  return program == "nologin" || program == "false";
}

// Whoever else has the rights of the lieu's group reads its remises.
void check_alone_in_group(const std::string& lieu, const Account& account) {
  if (!account.listed.empty()) {
    throw Error(
        fmt::format("{0} is in the group {1}, which is the lieu's alone: it could read its remises; "
                    "gpasswd --delete {0} {1}",
                    account.listed.front(), lieu));
  }
  if (!account.sharing.empty()) {
    throw Error(
        fmt::format("{0} has the lieu's own group {1} as its primary group: it could read its remises; "
                    "groupadd --force {0} && usermod --gid {0} {0}",
                    account.sharing.front(), lieu));
  }
}

Account lieu_account(const DepotPlan& plan, const std::string& lieu) {
  const auto found = plan.find_account(lieu);
  // -p '*': no password ever matches, yet the account is not "locked", which sshd would refuse without PAM.
  if (!found) {
    throw Error(
        fmt::format("there is no account {0}; make it, then run this again:\n"
                    "  groupadd --force --system {1}\n"
                    "  useradd --user-group --groups {1} --no-create-home --home-dir / --shell /usr/sbin/nologin "
                    "--password '*' {0}",
                    lieu, plan.lieux_group));
  }
  if (lieu == plan.service_account || is_system_uid(found->uid)) {
    throw Error(
        fmt::format("{} is a system account of this machine (uid {}), never a lieu's; the Caf gives the lieu another "
                    "identifiant",
                    lieu, found->uid));
  }
  if (!is_member(*found, plan.lieux_group)) {
    throw Error(
        fmt::format("the account {0} is not in the group {1}, so sshd would not confine it; if it is the lieu's: "
                    "usermod --append --groups {1} {0}",
                    lieu, plan.lieux_group));
  }
  if (found->groups.front() != lieu) {
    throw Error(
        fmt::format("the primary group of {0} is {1}, not its own: others could read its remises; groupadd {0}, "
                    "then usermod --gid {0} {0}",
                    lieu, found->groups.front()));
  }
  check_alone_in_group(lieu, *found);
  if (!is_closed(found->shell)) {
    throw Error(
        fmt::format("the account {0} has the shell {1}; usermod --shell /usr/sbin/nologin {0}", lieu, found->shell));
  }
  return *found;
}

Account service_account(const DepotPlan& plan, const std::string& lieu, const Account& lieu_account) {
  const auto found = plan.find_account(plan.service_account);
  if (!found) throw Error(fmt::format("there is no account {}: is navette installed?", plan.service_account));
  if (is_member(lieu_account, found->groups.front())) {
    throw Error(fmt::format("the account {0} is in the group {1}, which is navette's; gpasswd --delete {0} {1}", lieu,
                            found->groups.front()));
  }
  return *found;
}

// Opens `name` and gives it owner and mode; `made` gets a sentence when something changed.
Directory ensure(const Directory& parent, const std::string& name, Owner owner, mode_t mode,
                 std::vector<std::string>& made) {
  const std::string shown = (parent.path() / name).string();
  // 0700 until the owner is right: nobody is let in by a mode meant for another.
  const auto make = [&] { return ::mkdirat(parent.fd(), name.c_str(), 0700); };
  const bool is_new = fault::system_call("mkdir", make) == 0;
  if (!is_new && errno != EEXIST) throw_errno("make directory " + shown);
  auto dir = parent.find_dir(name);
  if (!dir) throw Error(shown + " is a link or no directory; look at it and move it away");
  const FileStatus before = status_of(dir->fd());
  const bool moved = before.owner != owner.uid || before.group != owner.gid;
  const auto give = [&] { return ::fchown(dir->fd(), owner.uid, owner.gid); };
  if (moved && fault::system_call("chown", give) != 0) throw_errno("chown " + shown);
  ensure_mode(dir->fd(), mode, shown);  // after chown, which clears setgid
  if (is_new) {
    parent.sync();
    made.push_back(fmt::format("made {} ({}:{} {:o})", shown, owner.uid, owner.gid, mode));
  } else if (moved || before.mode != mode) {
    made.push_back(fmt::format("repaired {} ({}:{} {:o}, was {}:{} {:o})", shown, owner.uid, owner.gid, mode,
                               before.owner, before.group, before.mode));
  }
  return std::move(*dir);
}

// What sshd asks of every component of a ChrootDirectory.
void check_safe(const Directory& dir) {
  const FileStatus status = status_of(dir.fd());
  if (status.owner != root_uid || (status.mode & written_by_others) != 0) {
    throw Error(
        fmt::format("{0} must be root's and writable by nobody else, or sshd refuses the dépôts below it; "
                    "chown root {0}; chmod go-w {0}",
                    dir.path().string()));
  }
}

struct OpenedPath {
  Directory dir;
  std::vector<std::string> missing;  // components below it, not there yet
};

// From "/" down, one component after another.
OpenedPath open_safely(const std::filesystem::path& root) {
  OpenedPath result{Directory::open("/"), {}};
  auto& [dir, missing] = result;
  check_safe(dir);
  for (const auto& component : std::filesystem::absolute(root).lexically_normal().relative_path()) {
    if (component.empty()) continue;  // a trailing slash
    const std::string name = component.string();
    if (!missing.empty() || !dir.contains(name)) {
      missing.push_back(name);
      continue;
    }
    auto next = dir.find_dir(name);
    if (!next)
      throw Error(fmt::format("{} is a link or no directory; configure the real path", (dir.path() / name).string()));
    dir = std::move(*next);
    check_safe(dir);
  }
  return result;
}

}  // namespace

std::vector<std::string> provision_depot(const DepotPlan& plan, const std::string& lieu) {
  if (!is_identifiant(lieu)) throw Error("a lieu's identifiant is a-z, then 2 to 30 of a-z 0-9 -: it names an account");
  if (::geteuid() != root_uid) throw Error("making a dépôt takes root: owners and modes are what keeps lieux apart");
  const Account account = lieu_account(plan, lieu);
  const Account service = service_account(plan, lieu, account);

  std::vector<std::string> made;
  auto [dir, missing] = open_safely(plan.root);
  const Owner root{root_uid, root_gid};
  for (const std::string& name : missing) dir = ensure(dir, name, root, 0755, made);
  const Directory base = ensure(dir, lieu, root, 0755, made);
  ensure(base, depot::in_progress, {service.uid, account.gid}, 02700, made);
  ensure(base, depot::remises, {service.uid, account.gid}, 02750, made);
  ensure(base, depot::returns, {account.uid, service.gid}, 02770, made);
  ensure(base, depot::log_sockets, root, 0755, made);
  return made;
}

}  // namespace navette::channels
