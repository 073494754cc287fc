#include "channels/account.h"

#include <cerrno>

#include <grp.h>
#include <pwd.h>

#include "base/error.h"

namespace navette::channels {
namespace {

std::string group_name(gid_t gid) {
  const group* g = ::getgrgid(gid);
  return g == nullptr ? std::to_string(gid) : std::string(g->gr_name);
}

}  // namespace

std::optional<Account> find_account(const std::string& name) {
  errno = 0;
  const passwd* p = ::getpwnam(name.c_str());
  if (p == nullptr) {
    // POSIX lets "no such name" be told by several errno values; these are the real failures.
    if (errno == EIO || errno == EMFILE || errno == ENFILE || errno == ENOMEM) throw_errno("look up account " + name);
    return std::nullopt;
  }
  Account account{p->pw_uid, p->pw_gid, p->pw_shell, {}};
  int count = 32;
  std::vector<gid_t> ids(static_cast<std::size_t>(count));
  if (::getgrouplist(name.c_str(), account.gid, ids.data(), &count) < 0) {
    ids.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(name.c_str(), account.gid, ids.data(), &count) < 0) throw_errno("list groups of " + name);
  }
  ids.resize(static_cast<std::size_t>(count));
  account.groups.push_back(group_name(account.gid));
  for (const gid_t id : ids) {
    if (id != account.gid) account.groups.push_back(group_name(id));
  }
  return account;
}

}  // namespace navette::channels
