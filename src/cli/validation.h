// What intake would answer to a file, found without taking it in.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "config/config.h"
#include "flux/reader.h"
#include "model/reference_data.h"
#include "stages/intake.h"
#include "store/store.h"

namespace navette::cli {

struct RecordFault {
  std::uint64_t rank = 0;
  std::string reference;  // empty: it has no valid form
  model::Refusal refusal;
  bool duplicate = false;
};

struct Verdict {
  std::string result;  // as in the accusé: accepte, partiel, refuse, doublon
  std::optional<flux::Header> header;
  std::optional<model::Refusal> refusal;  // of the whole flux
  std::uint64_t received = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t refused = 0;
};

// Loaded once for any number of files.
class Validation {
 public:
  // Compares with the database when it can be read; with an empty one otherwise, and then says why.
  Validation(const config::Config& config, const Clock& clock);
  Validation(const Validation&) = delete;
  Validation& operator=(const Validation&) = delete;
  ~Validation();

  const std::string& without_database_because() const { return without_database_; }

  // `emetteur`: whose deposit it is; empty: the one that the file names, if the configuration knows it. `fault` is told
  // of every refused record, in order. Throws when the file cannot be read.
  Verdict check(const std::string& file, const std::string& emetteur,
                const std::function<void(const RecordFault&)>& fault);

 private:
  struct Scratch;
  config::Config config_;
  const Clock& clock_;
  flux::Schemas schemas_;
  model::ReferenceData reference_;
  stages::Senders senders_;
  std::unique_ptr<Scratch> scratch_;
  std::unique_ptr<store::Store> store_;
  std::string without_database_;
};

}  // namespace navette::cli
