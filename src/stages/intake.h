// Reads a claimed flux: validates it record by record, stages what is good, fixes the answer.
//
// Guarantees. Memory is bounded whatever the size. Nothing of a flux is routed before its well-formed end and right
// totals. A crash or a stop in the middle leaves the flux `recu`: the next reading discards what was staged and begins
// again. One bad record never blocks the others, one bad flux never blocks the next.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "flux/reader.h"
#include "model/reference_data.h"
#include "stages/spool.h"
#include "store/store.h"

namespace navette::stages {

// What the configuration says of a sender.
struct Sender {
  std::set<std::string> kinds;         // of flux it may send
  std::string caf;                     // for which it speaks; empty for none
  std::set<std::string> departements;  // in which its conventions' communes must lie; empty: anywhere
  std::string lieu{};                  // whose pickups alone it tells of; empty: any lieu's of its Caf
};
using Senders = std::map<std::string, Sender>;
// Or none.
bool serves_one_caf(const Senders& configured);

// The configured sender of that name, else the lieu of that identifiant, which sends its own acknowledgements: partners
// are not configuration. Nothing when it is neither.
std::optional<Sender> find_sender(const Senders& configured, store::Store& store, const std::string& name);

struct IntakeTools {
  const Spool& spool;
  store::Store& store;
  const flux::Schemas& schemas;
  const model::ReferenceData& reference;
  const Senders& senders;
  std::set<std::string> channels;  // kinds of channel this navette serves
  flux::Limits limits;
  const Clock& clock;
};

// Conventions are held in memory until the end of their flux; those of the whole country are some 10 MB.
constexpr std::uint64_t max_habilitations = std::uint64_t{16} << 20U;  // bytes of a flux

// What of a flux's envelope is refused whatever it holds: its size, a creation date that is still to come.
std::optional<model::Objection> check_envelope(const flux::Header& header, std::uint64_t bytes, model::Day today);

struct IntakeReport {
  std::size_t flux = 0;
  std::size_t refused_flux = 0;
  std::uint64_t records = 0;
};

// Every received flux, oldest first. `progress(n)` is told of every n records read. Throws Error, once all others are
// read, when the files of some could not be: they stay received.
IntakeReport intake(const IntakeTools& tools, const std::function<void(std::size_t)>& progress,
                    const std::stop_token& stop);

}  // namespace navette::stages
