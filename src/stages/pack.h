// Makes remises: the acheminements due for a lieu, rendered and stored under depart/<lieu>/<remise>/; more than
// `remise_max` of them make several remises, and so do more than a mail may hold under the lieu's profile (channel
// courriel); one that is too large for a mail by itself is held with its reason.
//
// With the demandes goes a cover sheet, BORDEREAU_<remise>.pdf: the list, the delays in words, what the lieu
// undertakes.
//
// Guarantees. Rights are checked first (R1). The bytes are durable before the row that names them; sent again they are
// the same bytes. A crash leaves a directory without a row, which the next packing of that lieu replaces. A demande
// that cannot be rendered is held with its reason; the others leave. A document that several lieux get is rendered once
// a pass, as far as 16 MiB of them suffice.
#pragma once

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

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
  // Lieux that could not be packed (disk full …), each with what the system said: tried again by the next pass.
  std::vector<std::string> faults;
};

struct PackTools {
  const Spool& spool;
  store::Store& store;
  const render::Renderer& renderer;
  const model::ReferenceData& reference;
  const Clock& clock;
  unsigned workers = 1;
  std::size_t remise_max = 500;  // demandes
};

// One pass over the lieux with something due, in portions: what is packed need not wait for what is not.
class Packing {
 public:
  // `all`: also what waits for its lieu's hour (`run --now`). `progress(n)` is told of every n demandes rendered.
  Packing(const PackTools& tools, bool all, std::function<void(std::size_t)> progress, std::stop_token stop);

  // The next portion: some hundred demandes. False when nothing is left to pack, or a stop was asked for. A lieu
  // that could not be packed (disk full …) is left to the next pass.
  bool some();
  const PackReport& report() const { return report_; }
  std::size_t total() const { return total_; }  // demandes that were due at first

 private:
  bool pack_remise(store::RowId id);
  void pack_reissue(const store::DueReissue& reissue);
  void give_up(const store::DueReissue& reissue, const std::string& reason);
  bool make_remise(const store::LieuInForce& lieu, std::vector<store::DueAcheminement> acheminements,
                   store::PackOutcome outcome);
  void find_without_cover_sheet(const Directory& dir, const store::LieuInForce& lieu, const store::PackedRemise& packed,
                                std::size_t begin, std::size_t end,
                                std::vector<std::pair<std::size_t, std::string>>& found);
  void add_cover_sheet(const Directory& dir, const store::LieuInForce& lieu, store::PackOutcome& outcome,
                       store::PackedRemise& packed);
  bool compose(const Directory& dir, const store::LieuInForce& lieu, store::PackOutcome& outcome,
               std::vector<store::DueAcheminement> acheminements, const std::string& name);
  std::string take_kept(store::RowId demande);
  void keep(store::RowId demande, std::string pdf);

  PackTools tools_;
  std::function<void(std::size_t)> progress_;
  std::stop_token stop_;
  Instant due_by_;
  std::vector<store::RowId> lieux_;  // still to be packed, the next one last
  std::vector<store::DueReissue> reissues_;
  std::size_t total_ = 0;
  std::size_t rendered_ = 0;
  // Documents that further lieux wait for: the same bytes for each.
  std::map<store::RowId, std::string> kept_;  // by demande
  std::size_t kept_bytes_ = 0;
  PackReport report_;
};

// Removes directories of depart/ that no remise owns: what a crash left. Once, at start.
void sweep_depart(const Spool& spool, store::Store& store);

// The stylesheet's parameters for a demande: émetteur, and the names of the communes wanted, "13055\tMarseille" a line.
std::map<std::string, std::string> render_parameters(const std::string& emetteur,
                                                     const std::vector<std::string>& communes,
                                                     const model::ReferenceData& reference);

}  // namespace navette::stages
