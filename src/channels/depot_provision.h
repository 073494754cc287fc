// `navette lieux provision`, run as root: a lieu's dépôt, fit for an OpenSSH chroot (docs/depots.md).
//
//   <root>/ and every directory above     root:root, writable by root only, or sshd refuses the chroot
//   <root>/<lieu>/                        root:root            0755   the lieu's "/"
//   <root>/<lieu>/.en-cours/              navette:<lieu>       2700   written by navette, closed to the lieu
//   <root>/<lieu>/remises/                navette:<lieu>       2750   the lieu lists and reads
//   <root>/<lieu>/retour/                 <lieu>:navette       2770   the lieu writes, navette takes
//   <root>/<lieu>/dev/                    root:root            0755   place of the system log's socket (pickup
//   evidence)
//
// <lieu> is the lieu's identifiant, its account and that account's own primary group: group rights are what opens a
// remise to the lieu, so nobody else may have them. Setgid hands the group down to what navette, which is not a
// member of it, creates. 0755 on <lieu>/ because navette itself must open it; three fixed names are no secret.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "channels/account.h"

namespace navette::channels {

struct DepotPlan {
  std::filesystem::path root;                 // as configured; relative: to the working directory
  std::string service_account = "navette";    // the daemon runs as it
  std::string lieux_group = "navette-lieux";  // what sshd_config matches
  std::function<std::optional<Account>(const std::string&)> find_account = channels::find_account;
};

// Makes what is missing and repairs owners and modes; a second call changes nothing. Never touches what the directories
// hold. No symbolic link is followed, whatever component of the path it is. Returns one sentence a change, none when
// all was right.
//
// Throws Error telling what to do, and then has made nothing: not run as root; an identifiant that is not
// [a-z][a-z0-9-]{2,30}; a missing account (the very useradd command), a system account, one with a login shell, outside
// lieux_group, in the service's group, whose primary group is not its own, or is somebody else's too; a component of
// the path that is a link, no directory, not root's, or writable by others. Throws std::system_error for failures of
// the system.
std::vector<std::string> provision_depot(const DepotPlan& plan, const std::string& lieu);

}  // namespace navette::channels
