#include "render/total_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace navette::render {
namespace {

constexpr double most_stretched = 0.5;      // of a blank's width, at ratio 1; with most_shrunk, TeX's proportions
constexpr double highest_ratio = 4;         // there is no hyphenation that would make up for less
constexpr double line_penalty = 10;         // for every line: few lines are better
constexpr double no_blank_penalty = 50;     // a line that ends inside a word: at a hyphen, in an address
constexpr double contrast_demerits = 3000;  // a tight line beside a loose one

// A line may end before box `box`; the best way to get there whose last line is of one fitness class.
struct Feasible {
  std::size_t box = 0;
  std::size_t from = 0;  // index of the node before
  unsigned lines = 0;
  unsigned fitness = 1;
  double demerits = 0;
};

// The paper's classes: tight, normal, loose, very loose.
unsigned fitness_of(double ratio) {
  return ratio < -0.5 ? 0 : ratio <= 0.5 ? 1 : ratio <= 1 ? 2 : 3;
}

class Fitter {
 public:
  Fitter(const std::vector<TextBox>& boxes, const Fill& fill) : boxes_(boxes), fill_(fill) {
    widths_.reserve(boxes.size() + 1);
    blanks_.reserve(boxes.size() + 1);
    widths_.push_back(0);
    blanks_.push_back(0);
    for (const TextBox& box : boxes) {
      widths_.push_back(widths_.back() + box.width + box.blank);
      blanks_.push_back(blanks_.back() + box.blank);
    }
  }

  std::optional<std::vector<std::size_t>> run() {
    nodes_.push_back({});
    active_.push_back(0);
    for (std::size_t end = 1; end <= boxes_.size(); ++end) {
      end_line_before(end);
      if (active_.empty()) return std::nullopt;
    }
    const auto worse = [this](std::size_t a, std::size_t b) { return nodes_[a].demerits < nodes_[b].demerits; };
    std::size_t node = *std::min_element(active_.begin(), active_.end(), worse);
    if (nodes_[node].lines > first_fit_lines()) return std::nullopt;
    std::vector<std::size_t> begins;
    for (node = nodes_[node].from; node != 0; node = nodes_[node].from) begins.push_back(nodes_[node].box);
    std::reverse(begins.begin(), begins.end());
    return begins;
  }

 private:
  // How far the line [begin, end) is from its natural width: 0 is perfect, -1 shrunk to the limit, 1 stretched to it.
  double ratio(std::size_t begin, std::size_t end) const {
    const double free = fill_.width - (widths_[end] - widths_[begin] - boxes_[end - 1].blank);
    const double blank = blanks_[end - 1] - blanks_[begin];
    const bool justified = fill_.ragged == 0;
    if (free < -rounding) {
      const double shrink = justified ? blank * most_shrunk : 0;
      return -free <= shrink + rounding ? std::max(-1.0, free / shrink) : -std::numeric_limits<double>::infinity();
    }
    if (free < rounding || end == boxes_.size()) return 0;  // the last line need not be full
    const double stretch = justified ? blank * most_stretched : fill_.ragged;
    return stretch > 0 ? free / stretch : std::numeric_limits<double>::infinity();
  }

  void end_line_before(std::size_t end) {
    std::array<std::optional<Feasible>, 4> best;
    const bool last = end == boxes_.size();
    const double penalty = last || boxes_[end - 1].blank > 0 ? 0 : no_blank_penalty;
    std::size_t kept = 0;
    for (const std::size_t index : active_) {
      const Feasible& node = nodes_[index];
      const double r = ratio(node.box, end);
      if (r < -1) continue;  // and further on it only gets longer
      if (!last) active_[kept++] = index;
      if (r > highest_ratio) continue;
      const double badness = line_penalty + 100 * std::abs(r * r * r) + penalty;
      const unsigned fitness = fitness_of(r);
      const bool contrast = std::max(fitness, node.fitness) - std::min(fitness, node.fitness) > 1;
      const double demerits = node.demerits + badness * badness + (contrast ? contrast_demerits : 0);
      auto& known = best[fitness];
      if (!known || demerits < known->demerits) known = Feasible{end, index, node.lines + 1, fitness, demerits};
    }
    active_.resize(kept);
    for (const auto& node : best) {
      if (!node) continue;
      active_.push_back(nodes_.size());
      nodes_.push_back(*node);
    }
  }

  unsigned first_fit_lines() const {
    unsigned lines = 1;
    std::size_t begin = 0;
    for (std::size_t end = 1; end <= boxes_.size(); ++end) {
      if (widths_[end] - widths_[begin] - boxes_[end - 1].blank <= fill_.width + rounding) continue;
      ++lines;
      begin = end - 1;
    }
    return lines;
  }

  const std::vector<TextBox>& boxes_;
  const Fill& fill_;
  std::vector<double> widths_, blanks_;  // of all boxes before
  std::vector<Feasible> nodes_;
  std::vector<std::size_t> active_;  // nodes at which the line being filled may begin
};

}  // namespace

std::optional<std::vector<std::size_t>> total_fit(const std::vector<TextBox>& boxes, const Fill& fill) {
  return Fitter(boxes, fill).run();
}

}  // namespace navette::render
