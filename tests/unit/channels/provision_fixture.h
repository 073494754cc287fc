// A place where `lieux provision` makes dépôts, and the accounts that it would find. Takes root.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "channels/depot_provision.h"

namespace navette::test {

// Below /run: sshd, and so provision_depot, accepts no parent that others may write, as /tmp is.
class RootOwnedDir {
 public:
  RootOwnedDir() {
    std::string name = "/run/navette-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr || ::chmod(name.c_str(), 0755) != 0) throw Error("no directory under /run");
    path_ = name;
  }
  RootOwnedDir(const RootOwnedDir&) = delete;
  RootOwnedDir& operator=(const RootOwnedDir&) = delete;
  ~RootOwnedDir() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline const channels::Account service{5000, 5000, "/usr/sbin/nologin", {"navette"}, {}, {}};
inline const channels::Account lieu{5001, 5001, "/usr/sbin/nologin", {"rpe-firminy", "navette-lieux"}, {}, {}};

inline channels::DepotPlan plan_for(const std::filesystem::path& root, const channels::Account& account = lieu) {
  channels::DepotPlan plan;
  plan.root = root;
  plan.find_account = [account](const std::string& name) -> std::optional<channels::Account> {
    if (name == "navette") return service;
    if (name == "rpe-firminy") return account;
    return std::nullopt;
  };
  return plan;
}

inline bool is_root() {
  if (::geteuid() == 0) return true;
  WARN("not root: skipped");
  return false;
}

}  // namespace navette::test
