// Reads a flux record by record in bounded memory, whatever its size. Every record is judged on its own; the envelope,
// the totals and the limits judge the whole. Nothing that is told about a refusal holds a value of the file (R9).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flux/schemas.h"
#include "model/convention.h"
#include "model/demande.h"
#include "model/pickup.h"
#include "model/reference_data.h"
#include "model/refusal.h"

namespace navette::flux {

struct Header {
  std::string kind;  // name of the root: "demandes", "habilitations", "retrait"
  std::string emetteur;
  std::string identifiant;
  std::string created;  // dateCreation and heureCreation, 2026-11-20T05:00:00: of two flux, which is the later
};

// A record as it stands in the parser's tree, for as long as its handler is called.
class RecordSource {
 public:
  RecordSource(xml::Node record, const KindSchema& kind) : record_(record), kind_(&kind) {}
  // At the element that the objection names; at the record itself when it has no such element.
  model::Refusal refusal(const model::Objection& objection) const;

 private:
  xml::Node record_;
  const KindSchema* kind_;
};

struct DemandeRecord {
  std::uint64_t rank = 0;  // from 1
  model::Demande demande;
  model::Refusal position;  // of the whole record
  RecordSource source;
  std::string xml;  // canonical (flux/canonical.h): a document of its own, the same bytes for the same content
};

struct ConventionRecord {
  std::uint64_t rank = 0;
  model::Convention convention;
  RecordSource source;
  std::string xml;
};

struct PickupRecord {
  std::uint64_t rank = 0;
  model::Pickup pickup;
  RecordSource source;
  std::string xml;
};

struct RefusedRecord {
  std::uint64_t rank = 0;
  std::string reference;  // number of the convention, name of the remise; empty when it is not of the right form
  model::Refusal refusal;
  std::string fragment;  // the record as XML
};

// Called in the order of the file, on the caller's thread.
class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;

  // An objection refuses the whole flux (sender, kind, identity, date); its element is a child of the entête.
  virtual std::optional<model::Objection> header(const Header& header) = 0;
  virtual void contacts(const std::vector<std::string>& /*courriels*/) {}
  // Records are given away, to be moved from.
  // NOLINTNEXTLINE(performance-unnecessary-value-param)
  virtual void demande(DemandeRecord /*record*/) {}
  // NOLINTNEXTLINE(performance-unnecessary-value-param)
  virtual void convention(ConventionRecord /*record*/) {}
  // NOLINTNEXTLINE(performance-unnecessary-value-param)
  virtual void pickup(PickupRecord /*record*/) {}
  virtual void refused(RefusedRecord record) = 0;
  // False stops the reading after the current record.
  virtual bool keep_going() { return true; }
};

struct Result {
  std::optional<model::Refusal> refusal;  // of the whole flux
  bool interrupted = false;               // keep_going() said no
  std::optional<Header> header;           // when it was valid
  std::uint64_t records = 0;              // seen, refused ones included
};

struct Limits {
  std::size_t depth = 32;
  std::size_t text = std::size_t{64} << 10U;  // bytes of one text, of one element's attributes
  std::size_t record = 0;                     // bytes of one record; 0: the kind's own (1 MiB for a demande)
};

// Reads `fd` from where it stands to its end. Whatever the file holds, the result says it; throws std::system_error
// when reading fails, and what a handler throws.
Result read(int fd, const Schemas& schemas, const model::ReferenceData& reference_data, Handler& handler,
            const Limits& limits = {});

}  // namespace navette::flux
