// The directories of the spool, held open (DESIGN: "Spool").
#pragma once

#include <filesystem>
#include <string>

#include "base/directory.h"
#include "base/error.h"

namespace navette::stages {

// A directory of the spool was renamed, replaced or mounted over while it was held open: partners deposit and fetch at
// its path, where nobody would look any more.
class SpoolMovedError : public Error {
 public:
  using Error::Error;
};

struct Spool {
  // Creates what is missing below `root`; throws std::system_error.
  static Spool open(const std::filesystem::path& root);

  // Throws SpoolMovedError unless every path still leads to the directory that is open.
  void require_in_place() const;

  Directory arrivee;    // <emetteur>/: deposits
  Directory travail;    // <emetteur>/<ticket>: claimed
  Directory rejet;      // <emetteur>/: refused flux and fragments, accusé beside
  Directory accuses;    // <emetteur>/: for the sender to fetch
  Directory depart;     // <lieu>/<remise>/: bytes being delivered
  Directory courriels;  // e-mails, while no SMTP server is configured
};

// [a-z][a-z0-9-]{1,30}: fit to name a directory of ours.
bool is_valid_emetteur(const std::string& name);

}  // namespace navette::stages
