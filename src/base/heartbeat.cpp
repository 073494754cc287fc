#include "base/heartbeat.h"

#include <atomic>

namespace navette::heartbeat {
namespace {

std::atomic<void (*)()> listening{nullptr};

}  // namespace

void listen(void (*listener)()) {
  listening = listener;
}

void beat() {
  if (const auto listener = listening.load()) listener();
}

}  // namespace navette::heartbeat
