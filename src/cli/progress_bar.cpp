#include "cli/progress_bar.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <unistd.h>

namespace navette::cli {

using namespace std::chrono_literals;

// How much is still to come is not known while a flux is read: a moving mark and a count tell that it goes on.
void ProgressBar::update(const std::string& stage, std::size_t done, std::size_t total) {
  if (!visible_) return;
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (stage != stage_) {
    stage_ = stage;
    stage_began_ = now;
  } else if (now - last_ < 100ms && total == total_) {
    return;
  }
  total_ = total;
  last_ = now;
  constexpr std::array marks{"[=     ]", "[ =    ]", "[  =   ]", "[   =  ]", "[    = ]", "[     =]"};
  constexpr std::size_t steps = 6;
  const std::size_t full = total > 0 ? std::min(done, total) * steps / total : 0;
  const std::string bar = "[" + std::string(full, '=') + std::string(steps - full, ' ') + "]";
  std::string line = fmt::format("{} {}", total > 0 ? bar : marks.at(frame_++ % marks.size()), stage);
  const double seconds = std::chrono::duration<double>(now - stage_began_).count();
  if (total > 0) {
    line += fmt::format(" {} of {} ({} %)", done, total, std::min(done, total) * 100 / total);
  } else if (done > 0) {
    line += fmt::format(" {}", done);
  }
  if (done > 0 && seconds > 1) line += fmt::format(" ({:.0f}/s)", static_cast<double>(done) / seconds);
  draw(line);
}

void ProgressBar::clear() {
  const std::lock_guard lock(mutex_);
  if (drawn_) draw("");
  drawn_ = false;
}

// The cursor goes back to the beginning of the line: a log line in between overwrites the bar.
void ProgressBar::draw(const std::string& line) {
  const std::string bytes = "\r\x1b[K" + line + "\r";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, bytes.data(), bytes.size());
  drawn_ = true;
}

}  // namespace navette::cli
