// Lines chosen for the paragraph as a whole.
#include "render/total_fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <catch2/catch.hpp>

using namespace navette::render;
using Begins = std::vector<std::size_t>;

namespace {

std::vector<TextBox> boxes(const std::vector<double>& widths, double blank = 1) {
  std::vector<TextBox> out;
  for (const double width : widths) out.push_back({width, blank});
  return out;
}

double natural(const std::vector<TextBox>& all, std::size_t begin, std::size_t end) {
  double width = -all[end - 1].blank;
  for (std::size_t i = begin; i < end; ++i) width += all[i].width + all[i].blank;
  return width;
}

// Lengths of the lines, the last one excepted.
std::vector<double> lines(const std::vector<TextBox>& all, const Begins& begins) {
  std::vector<double> out;
  std::size_t begin = 0;
  for (const std::size_t end : begins) {
    out.push_back(natural(all, begin, end));
    begin = end;
  }
  return out;
}

Begins first_fit(const std::vector<TextBox>& all, double width) {
  Begins begins;
  std::size_t begin = 0;
  for (std::size_t end = 1; end <= all.size(); ++end) {
    if (natural(all, begin, end) <= width) continue;
    begin = end - 1;
    begins.push_back(begin);
  }
  return begins;
}

}  // namespace

TEST_CASE("a ragged paragraph does not leave a hole where an earlier break avoids it") {
  // First fit: "aaa bb", "cc", "ddddd".
  CHECK(total_fit(boxes({3, 2, 2, 5}), {6, 3}) == Begins{1, 3});
}

TEST_CASE("blanks of a justified paragraph shrink by a third at most") {
  CHECK(total_fit(boxes({10, 10, 10, 30}, 3), {34, 0}) == Begins{3});  // 36 wide, two blanks give 2
  CHECK_FALSE(total_fit(boxes({10, 10, 10, 30}, 3), {33.9, 0}));       // and the line of two would have a hole
}

TEST_CASE("the last line need not be full") {
  CHECK(total_fit(boxes({4, 4, 1}), {9, 0}) == Begins{2});
  CHECK(total_fit(boxes({4}), {9, 0}) == Begins{});
}

TEST_CASE("a line that ends inside a word is worse than one that is a little shorter") {
  std::vector<TextBox> all = boxes({10, 5, 4, 15});
  all[1].blank = 0;
  CHECK(total_fit(all, {20, 30}) == Begins{3});
  CHECK(total_fit(all, {16, 30}) == Begins{1, 3});
}

TEST_CASE("what cannot be set well is left to first fit") {
  CHECK_FALSE(total_fit(boxes({4, 50, 4}), {40, 0}));  // wider than a line
  CHECK_FALSE(total_fit(boxes({4, 39, 4}), {40, 0}));  // its only blank would be a hole
}

TEST_CASE("whatever the words: no line too long, none more than first fit has, and never a worse fill") {
  std::mt19937 random(1981);
  std::uniform_real_distribution<double> letters(1, 12);
  int differ = 0;
  int none = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<double> widths(60);
    for (double& width : widths) width = letters(random);
    const auto all = boxes(widths);
    const auto chosen = total_fit(all, {50, 10});
    none += chosen ? 0 : 1;
    if (!chosen) continue;
    const auto greedy = first_fit(all, 50);
    REQUIRE(chosen->size() <= greedy.size());
    const auto cost = [&](const Begins& begins) {  // line by line what the paper minimises, contrast and ends apart
      double sum = 0;
      for (const double length : lines(all, begins)) {
        CHECK(length <= 50.001);
        sum += std::pow(10 + 100 * std::pow((50 - length) / 10, 3), 2);
      }
      return sum;
    };
    const double contrasts = 3000.0 * static_cast<double>(greedy.size());
    CHECK(cost(*chosen) <= cost(greedy) + contrasts + 0.001);
    differ += *chosen != greedy ? 1 : 0;
  }
  CHECK(none < 10);  // the others would have been longer
  CHECK(differ > 100);
}
