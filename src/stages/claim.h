// Claims deposits: arrivee/<emetteur>/<name> becomes travail/<emetteur>/<ticket> and a row.
//
// Guarantees. A deposit is taken once it is complete: seen closed or moved in, or unchanged for `stable_after` (for
// `give_up_after` when it was seen being written, and nobody saw it closed). The rename is the claim; then the bytes
// are copied, while they are hashed, into an inode of our own: a sender who still holds the deposit open changes
// nothing any more. After a crash at any point the next scan takes up what lies in travail/ without a row; nothing is
// taken twice. One bad deposit never blocks the others, and one sender never the others: a round takes its share of
// each. What cannot be moved to travail/ (a directory of another owner; across file systems also what is no regular,
// readable file of a size allowed) is set aside where it lies. Across file systems a crash between the copy and the
// removal takes a deposit twice: the second is answered DOUBLON.
//
//   arrivee/<emetteur>/.refuse-<ticket>.<name>   set aside: answered, kept for its sender and the operator
//   travail/<emetteur>/<ticket>.<name>   renamed, not yet copied (or not a file one can copy: the row says why)
//   travail/<emetteur>/.<ticket>.tmp     being copied
//   travail/<emetteur>/<ticket>          ours
//   travail/<emetteur>/.<ticket>.refus   something is being set aside: why, its size, its name
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "stages/spool.h"
#include "store/store.h"

namespace navette::stages {

struct ClaimRules {
  std::chrono::milliseconds stable_after{5000};
  std::uint64_t max_bytes = std::uint64_t{1} << 30U;  // larger deposits are refused without being copied
  // Of one sender in one round: deposits, bytes. One deposit at least.
  std::size_t share = 1000;
  std::uint64_t share_bytes = std::uint64_t{256} << 20U;
  // What still changes so long after it was claimed is refused as unreadable.
  std::chrono::milliseconds give_up_after = std::chrono::minutes(10);
};

struct ClaimReport {
  std::size_t claimed = 0;
  std::size_t young = 0;            // deposits still changing: look again after `stable_after`
  std::size_t misplaced = 0;        // files directly in arrivee/, directories whose name is no émetteur's
  std::size_t failed = 0;           // deposits or senders' directories that the system refused us: see the log
  bool more = false;                // some sender has more than its share: read what was taken, then call again
  std::vector<std::string> faults;  // of `failed`: where and what the system said; no deposit's name (R9)
};

// What was seen of deposits; names are relative to arrivee/ ("emetteur/file").
struct SeenDeposits {
  std::set<std::string> closed;   // or moved in: complete
  std::set<std::string> written;  // and not closed since: however long its sender pauses, it is not complete
};

// One round.
ClaimReport claim(const Spool& spool, store::Store& store, const ClaimRules& rules, const SeenDeposits& seen,
                  const Clock& clock, const std::stop_token& stop);

// Dot-files and half-written names that are never looked at.
bool is_ignored(const std::string& name);

}  // namespace navette::stages
