#include "stages/spool.h"

#include <algorithm>

namespace navette::stages {

Spool Spool::open(const std::filesystem::path& root) {
  const Directory top = Directory::create(root);
  return {top.make_dir("arrivee"), top.make_dir("travail"), top.make_dir("rejet"),
          top.make_dir("accuses"), top.make_dir("depart"),  top.make_dir("courriels")};
}

bool is_valid_emetteur(const std::string& name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return name.size() >= 2 && name.size() <= 31 && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), fits);
}

}  // namespace navette::stages
