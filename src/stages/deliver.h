// Delivers the remises that are due, each lieu by its channel.
//
// Guarantees. Rights are checked again right before (R1, R8): a remise that holds a demande its lieu may no longer
// have, or that an operator holds, is taken apart, nothing of it leaves. The intent is written before anything leaves,
// the outcome after; between the two a crash makes the next attempt look at the partner first (FileSender). Outcomes
// are applied every 100 or every second. A partner that stalls holds nobody but a worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "channels/file_sender.h"
#include "model/reference_data.h"
#include "stages/spool.h"
#include "store/store.h"

namespace navette::stages {

// By kind of channel: "depot".
using FileSenders = std::map<std::string, std::unique_ptr<channels::FileSender>>;

struct DeliverReport {
  std::size_t delivered = 0;
  std::size_t deferred = 0;
  std::size_t refused = 0;
  std::size_t dissolved = 0;
};

struct DeliverTools {
  const Spool& spool;
  store::Store& store;
  const FileSenders& senders;
  const model::ReferenceData& reference;
  const Clock& clock;
  unsigned workers = 1;
};

DeliverReport deliver(const DeliverTools& tools, const std::function<void()>& progress, const std::stop_token& stop);

}  // namespace navette::stages
