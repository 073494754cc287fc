// The accusé de réception, written as it comes: a flux with a million refusals takes no memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "lib/xml/writer.h"
#include "model/refusal.h"

namespace navette::flux {

struct AccuseHead {
  std::string emetteur;
  std::optional<std::string> kind;         // when it is known
  std::optional<std::string> identifiant;  // when it could be read
  std::string file_name;                   // as deposited; any bytes
  std::string sha256;                      // empty when the file could not be read
  std::string ticket;
  Instant received_at;
  Instant processed_at;
  std::string result;                     // "accepte", "partiel", "refuse" or "doublon"
  std::optional<model::Refusal> refusal;  // of the whole flux
  std::uint64_t received = 0;
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t refused = 0;
};

// Valid against accuse-1.xsd. Holds no value of the flux but well-formed references and its identifier (R9).
class AccuseWriter {
 public:
  AccuseWriter(xml::Writer::Sink sink, const AccuseHead& head);
  // In the order of the flux. `reference` may be empty.
  void refused(std::uint64_t rank, std::string_view reference, const model::Refusal& refusal);
  void duplicate(std::uint64_t rank, std::string_view reference);
  // The document is complete only after this.
  void finish();

 private:
  xml::Writer writer_;
};

}  // namespace navette::flux
