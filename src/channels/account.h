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
};

// From passwd and group, whatever serves them (nsswitch.conf); nothing when there is no such account. Throws
// std::system_error when they cannot be read. One thread: getpwnam.
std::optional<Account> find_account(const std::string& name);

}  // namespace navette::channels
