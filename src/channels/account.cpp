#include "channels/account.h"

#include <cerrno>

#include <grp.h>
#include <pwd.h>

#include "base/error.h"

namespace navette::channels {
namespace {

// POSIX lets "no such name" and "no more names" be told by several errno values; these are the real failures.
void throw_if_failed(const std::string& what) {
  if (errno == EIO || errno == EMFILE || errno == ENFILE || errno == ENOMEM) throw_errno(what);
}

std::string group_name(gid_t gid) {
  const group* g = ::getgrgid(gid);
  return g == nullptr ? std::to_string(gid) : std::string(g->gr_name);
}

std::vector<std::string> listed_in(gid_t gid, const std::string& except) {
  std::vector<std::string> names;
  const group* g = ::getgrgid(gid);
  if (g == nullptr) return names;
  for (char** member = g->gr_mem; *member != nullptr; ++member) {
    if (*member != except) names.emplace_back(*member);
  }
  return names;
}

std::vector<std::string> with_primary_group(gid_t gid, const std::string& except) {
  std::vector<std::string> names;
  ::setpwent();
  errno = 0;
  while (const passwd* p = ::getpwent()) {
    if (p->pw_gid == gid && p->pw_name != except) names.emplace_back(p->pw_name);
    errno = 0;
  }
  throw_if_failed("list accounts");
  ::endpwent();
  return names;
}

}  // namespace

std::optional<Account> find_account(const std::string& name) {
  errno = 0;
  const passwd* p = ::getpwnam(name.c_str());
  if (p == nullptr) {
    throw_if_failed("look up account " + name);
    return std::nullopt;
  }
  Account account{p->pw_uid, p->pw_gid, p->pw_shell, {}, {}, {}};
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
  account.listed = listed_in(account.gid, name);
  account.sharing = with_primary_group(account.gid, name);
  return account;
}

}  // namespace navette::channels
