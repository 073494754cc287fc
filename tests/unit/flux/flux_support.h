// What the tests of flux/ share: the schemas and communes of the project, a recording handler, files from strings.
#pragma once

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>

#include "base/directory.h"
#include "base/unique_fd.h"
#include "flux/reader.h"

namespace flux_test {

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline const navette::flux::Schemas& schemas() {
  static const auto loaded = navette::flux::Schemas::load("xsd");
  return loaded;
}

inline const navette::model::ReferenceData& communes() {
  static const auto loaded = navette::model::ReferenceData::parse(slurp("data/communes.tsv"));
  return loaded;
}

inline navette::UniqueFd file_of(std::string_view bytes) {
  navette::UniqueFd fd(::memfd_create("flux", MFD_CLOEXEC));
  navette::write_all(fd.get(), bytes);
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

struct Recorder final : navette::flux::Handler {
  std::optional<navette::model::Objection> header(const navette::flux::Header& header) override {
    const bool expected = sender.empty() || header.emetteur == sender;
    return expected ? std::nullopt
                    : std::optional(navette::model::Objection{navette::model::Code::emetteur_different, "emetteur"});
  }
  void contacts(const std::vector<std::string>& list) override { courriels = list; }
  void demande(navette::flux::DemandeRecord record) override { demandes.push_back(std::move(record)); }
  void convention(navette::flux::ConventionRecord record) override { conventions.push_back(std::move(record)); }
  void pickup(navette::flux::PickupRecord record) override { pickups.push_back(std::move(record)); }
  void refused(navette::flux::RefusedRecord record) override { refusals.push_back(std::move(record)); }
  bool keep_going() override { return demandes.size() < stop_after; }

  std::string sender;
  std::size_t stop_after = 1'000'000;
  std::vector<std::string> courriels;
  std::vector<navette::flux::DemandeRecord> demandes;
  std::vector<navette::flux::ConventionRecord> conventions;
  std::vector<navette::flux::PickupRecord> pickups;
  std::vector<navette::flux::RefusedRecord> refusals;
};

inline navette::flux::Result read_bytes(std::string_view bytes, Recorder& recorder,
                                        const navette::flux::Limits& limits = {}) {
  const auto fd = file_of(bytes);
  return navette::flux::read(fd.get(), schemas(), communes(), recorder, limits);
}

// "CODE line:column path"
inline std::string text(const navette::model::Refusal& refusal) {
  return std::string(to_string(refusal.code)) + " " + std::to_string(refusal.line) + ":" +
         std::to_string(refusal.column) + " " + refusal.path;
}

}  // namespace flux_test
