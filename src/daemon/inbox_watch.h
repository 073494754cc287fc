// inotify on arrivee/ and the senders' directories below it: a hint that makes `serve` quick. The scan decides; a lost
// event only costs the wait until the next one.
#pragma once

#include <map>
#include <string>

#include "base/unique_fd.h"
#include "stages/claim.h"

namespace navette::daemon {

class InboxWatch {
 public:
  // Throws std::system_error.
  explicit InboxWatch(std::string arrivee);

  int fd() const { return fd_.get(); }  // readable when something happened
  // Takes all events that wait, into `seen`; true when a scan should follow: something was closed or moved in.
  bool take(stages::SeenDeposits& seen);

 private:
  void watch_senders();

  std::string arrivee_;
  UniqueFd fd_;
  int root_ = -1;
  std::map<int, std::string> senders_;  // by watch descriptor
};

}  // namespace navette::daemon
