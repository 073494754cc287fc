// What `run` does right now, on standard error when it is a terminal; else nothing.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

namespace navette::cli {

class ProgressBar {
 public:
  explicit ProgressBar(bool visible) : visible_(visible) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() { clear(); }

  // Any thread; draws ten times a second at most, and whenever the total changes.
  // `total` 0: how much is still to come is not known.
  void update(const std::string& stage, std::size_t done, std::size_t total);
  void clear();

 private:
  void draw(const std::string& line);

  bool visible_;
  bool drawn_ = false;
  std::size_t frame_ = 0;
  std::string stage_;
  std::size_t total_ = 0;
  std::chrono::steady_clock::time_point last_;
  std::chrono::steady_clock::time_point stage_began_;
  std::mutex mutex_;
};

}  // namespace navette::cli
