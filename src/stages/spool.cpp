#include "stages/spool.h"

#include <algorithm>

namespace navette::stages {

Spool Spool::open(const std::filesystem::path& root) {
  const Directory top = Directory::create(root);
  return {top.make_dir("arrivee"), top.make_dir("travail"), top.make_dir("rejet"),
          top.make_dir("accuses"), top.make_dir("depart"),  top.make_dir("courriels")};
}

void Spool::require_in_place() const {
  for (const Directory* d : {&arrivee, &travail, &rejet, &accuses, &depart, &courriels}) {
    if (d->in_place()) continue;
    throw SpoolMovedError("the directory " + d->path().string() +
                          " was renamed, replaced or mounted over while navette worked in it: nothing more is taken in "
                          "or delivered. Put it back unless the change was meant, then start navette again (systemd "
                          "does)");
  }
}

bool is_valid_emetteur(const std::string& name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return name.size() >= 2 && name.size() <= 31 && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), fits);
}

}  // namespace navette::stages
