// The manifest of a remise (remise-1.xsd).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/delivery.h"

namespace navette::flux {

struct ManifestHead {
  std::string remise;
  std::string lieu;
  std::string convention;  // number
  int version = 1;
  int pickup_days = 0;  // R5
  std::size_t demandes = 0;
};

// The same bytes for the same arguments: no date, files in the order given; a file of the kind `manifest` is left out.
std::string write_manifest(const ManifestHead& head, const std::vector<model::RemiseFile>& files);

}  // namespace navette::flux
