// Judges one record: schema, then what a schema cannot check, then its canonical form.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "flux/reader.h"
#include "flux/schemas.h"
#include "lib/xml/record_parser.h"
#include "lib/xml/schema.h"

namespace navette::flux {

struct Verdict {
  std::variant<RefusedRecord, DemandeRecord, ConventionRecord, PickupRecord> record;
  std::uint64_t inner = 0;  // elements that the totals count besides the records
};

model::Code code_of(xml::Fault fault);
// The place of an element, with a code.
model::Refusal refusal_at(model::Code code, xml::Node at, const KindSchema& kind);

// One a thread; the references must outlive it.
class RecordJudge {
 public:
  RecordJudge(const KindSchema& kind, const model::ReferenceData& reference_data, std::string emetteur)
      : kind_(kind), reference_data_(reference_data), emetteur_(std::move(emetteur)), validator_(kind.schema) {}

  Verdict judge(const xml::Record& record, std::uint64_t rank);
  Verdict judge(xml::Node record, std::uint64_t rank);

 private:
  Verdict refuse(xml::Node record, std::uint64_t rank, model::Refusal refusal) const;
  Verdict judge_demande(xml::Node record, std::uint64_t rank) const;
  Verdict judge_convention(xml::Node record, std::uint64_t rank) const;
  Verdict judge_pickup(xml::Node record, std::uint64_t rank) const;

  const KindSchema& kind_;
  const model::ReferenceData& reference_data_;
  std::string emetteur_;
  xml::Validator validator_;
};

}  // namespace navette::flux
