// A remise waiting in depart/ and a plain dépôt beside it, in a directory of the test's own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/directory.h"
#include "channels/depot_sender.h"
#include "lib/crypto/sha256.h"

namespace navette::test {

inline model::RemiseFile put_once(const Directory& dir, const std::string& name, model::FileKind kind,
                                  const std::string& bytes) {
  if (!dir.contains(name)) write_file(dir, name, bytes);
  return {name, kind, bytes.size(), crypto::sha256_hex(bytes), "", ""};
}

// `base` outlives it. The lieu is "rpe-firminy", the remise "R1". Made again on the same `base`: finds what is there.
class Depot {
 public:
  explicit Depot(const std::filesystem::path& base, const std::string& pdf = std::string(300000, 'p'))
      : root(base / "depot"), source(Directory::create(base / "depart" / "rpe-firminy" / "R1")) {
    files.push_back(put_once(source, "DI_monenfant_A1.pdf", model::FileKind::pdf, pdf));
    files.push_back(put_once(source, "DI_monenfant_A1.xml", model::FileKind::xml, "<demande/>"));
    files.push_back(put_once(source, "remise.xml", model::FileKind::manifest, "<remise>A1</remise>"));
  }

  channels::RemiseToSend remise() const { return {"R1", "rpe-firminy", source, files}; }
  Directory lieu() const { return Directory::create(root / "rpe-firminy"); }
  Directory in_progress() const { return Directory::create(root / "rpe-firminy" / ".en-cours", 0700); }
  Directory remises() const { return Directory::create(root / "rpe-firminy" / "remises"); }

  // Every file stands in remises/R1 with its bytes, and nothing else does, there or in .en-cours.
  bool delivered_once() const {
    const auto names = std::vector<std::string>{"DI_monenfant_A1.pdf", "DI_monenfant_A1.xml", "remise.xml"};
    if (remises().names() != std::vector<std::string>{"R1"} || !in_progress().names().empty()) return false;
    const Directory final = remises().open_dir("R1");
    if (final.names() != names) return false;
    for (const std::string& name : names) {
      if (final.read(name) != source.read(name)) return false;
    }
    return true;
  }
  bool shows_nothing() const { return remises().names().empty(); }

  std::filesystem::path root;
  Directory source;
  std::vector<model::RemiseFile> files;
};

}  // namespace navette::test
