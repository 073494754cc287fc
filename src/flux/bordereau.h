// The cover sheet of a remise as XML (bordereau-1.xsd), of which the stylesheet makes BORDEREAU_<remise>.pdf.
#pragma once

#include <string>
#include <vector>

#include "lib/xml/document.h"
#include "lib/xml/writer.h"

namespace navette::flux {

struct BordereauHead {
  std::string remise;
  std::string reissue_of;  // remise; empty for a first issue (R15)
  std::string composed;    // day, ISO 8601
  std::string lieu;
  std::string lieu_name;
  std::string partenaire;
  std::string convention;  // number
  int version = 1;
  int pickup_days = 0;       // R5
  int retention_months = 0;  // R6
};

// Head, demandes one by one, finish(). What a demande's XML says goes from its document into this one, and nowhere else
// (R9).
class Bordereau {
 public:
  explicit Bordereau(const BordereauHead& head);
  // `demande`: as delivered; `communes`: names of those where care is wanted.
  void add(const xml::Document& demande, const std::string& emetteur, const std::vector<std::string>& communes);
  std::string finish();

 private:
  std::string bytes_;
  xml::Writer writer_{[this](std::string_view piece) { bytes_ += piece; }};
};

}  // namespace navette::flux
