// Makes remises: all acheminements due for a lieu, rendered and stored under depart/<lieu>/<remise>/.
//
// Guarantees. Rights are checked first (R1). The bytes are durable before the row that names them; sent again they are
// the same bytes. A crash leaves a directory without a row, which the next packing of that lieu replaces. A demande
// that cannot be rendered is held with its reason; the others leave.
#pragma once

#include <functional>
#include <stop_token>

#include "base/clock.h"
#include "model/reference_data.h"
#include "render/renderer.h"
#include "stages/spool.h"
#include "store/store.h"

namespace navette::stages {

struct PackReport {
  std::size_t remises = 0;
  std::size_t demandes = 0;
  std::size_t held = 0;  // could not be rendered
  std::size_t rights_lost = 0;
  std::size_t failed_lieux = 0;  // disk full …: tried again by the next pass
};

struct PackTools {
  const Spool& spool;
  store::Store& store;
  const render::Renderer& renderer;
  const model::ReferenceData& reference;
  const Clock& clock;
  unsigned workers = 1;
};

// `all`: also what waits for its lieu's hour (`run --now`). `progress(n)` is told of every n demandes rendered.
PackReport pack(const PackTools& tools, bool all, const std::function<void(std::size_t)>& progress,
                const std::stop_token& stop);

// Removes directories of depart/ that no remise owns: what a crash left. Once, at start.
void sweep_depart(const Spool& spool, store::Store& store);

// The stylesheet's parameters for a demande: émetteur, and the names of the communes wanted, "13055\tMarseille" a line.
std::map<std::string, std::string> render_parameters(const std::string& emetteur,
                                                     const std::vector<std::string>& communes,
                                                     const model::ReferenceData& reference);

}  // namespace navette::stages
