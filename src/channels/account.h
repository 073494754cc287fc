// Accounts of this machine, as the dépôt needs to know them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace navette::channels {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;                    // primary group
  std::string shell;                // program at login
  std::vector<std::string> groups;  // names of all its groups, the primary one first
  // Who else has the rights of its primary group:
  std::vector<std::string> listed;   // named in the group's list
  std::vector<std::string> sharing;  // accounts whose primary group it is too
};

// From passwd and group, whatever serves them (nsswitch.conf); nothing when there is no such account. A directory that
// does not enumerate its accounts (sssd by default) leaves them out of `sharing`. Throws std::system_error when they
// cannot be read. One thread: getpwnam.
std::optional<Account> find_account(const std::string& name);

}  // namespace navette::channels
