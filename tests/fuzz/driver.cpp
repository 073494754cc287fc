// Runs a fuzz target without libFuzzer: first every sample as it is, then `runs` samples damaged at random, always in
// the same way. An input that takes too long ends the process, and so does memory that grows beyond a bound.
//
//   fuzz_flux RUNS SAMPLES…     files, or directories with all below them
//   fuzz_flux 1 crash-1a2b      one input, as libFuzzer leaves it
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "fuzz/fuzz.h"

namespace {

namespace fs = std::filesystem;

constexpr unsigned longest_input_seconds = 60;  // sanitizers on a busy machine; without, milliseconds
constexpr long most_memory = 1L << 20U;         // KiB of RSS; sanitizers keep what was freed for a while
constexpr std::size_t largest_input = 1U << 18U;

constexpr std::array<std::string_view, 44> pieces{"<",
                                                  ">",
                                                  "</",
                                                  "/>",
                                                  "<![CDATA[",
                                                  "]]>",
                                                  "&#0;",
                                                  "&lt;",
                                                  "&#x202E;",
                                                  "&#10;",
                                                  "&a;",
                                                  "<!DOCTYPE a [",
                                                  "<!--",
                                                  "-->",
                                                  "\xFF",
                                                  "\xC3",
                                                  "\xED\xA0\x80",
                                                  "\xF4\x90\x80\x80",
                                                  "<?x",
                                                  "?>",
                                                  "é",
                                                  "\"",
                                                  "'",
                                                  "</demande>",
                                                  "<demande>",
                                                  "<entete>",
                                                  "</totaux>",
                                                  " xml:lang='fr'",
                                                  " xmlns='x'",
                                                  " xmlns:a='urn:navette:demandes:1'",
                                                  "\r\n",
                                                  "\n\n\n",
                                                  "\0",
                                                  "\xE2\x80\xAE",
                                                  "\xE2\x80\x8D",
                                                  "\xCC\x81",
                                                  "\xD9\x85",
                                                  "\xEF\xBB\xBF",
                                                  "9999-99-99",
                                                  "24:00",
                                                  "[",
                                                  "]",
                                                  "=",
                                                  "#"};

using Samples = std::vector<std::string>;

void add(Samples& samples, const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  samples.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

Samples read_samples(char** begin, char** end) {
  std::vector<fs::path> files;
  for (char** argument = begin; argument != end; ++argument) {
    if (!fs::is_directory(*argument)) {
      files.emplace_back(*argument);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(*argument)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  Samples samples;
  for (const fs::path& file : files) add(samples, file);
  return samples;
}

void damage(std::string& bytes, const Samples& samples, std::mt19937& random) {
  const std::size_t at = random() % (bytes.size() + 1);
  const auto part_of = [&](const std::string& text) {
    return text.substr(random() % (text.size() + 1), random() % 300);
  };
  switch (random() % 6) {
    case 0:
      if (at < bytes.size()) bytes[at] = static_cast<char>(random());
      break;
    case 1:
      bytes.insert(at, pieces.at(random() % pieces.size()));
      break;
    case 2:
      bytes.erase(at, random() % 40);
      break;
    case 3:
      bytes.insert(at, part_of(bytes));
      break;
    case 4:
      bytes.insert(at, part_of(samples[random() % samples.size()]));
      break;
    default: {  // much of the same
      const std::string part = part_of(bytes);
      for (auto times = random() % 60; times > 0; --times) bytes.insert(at, part);
    }
  }
}

void run(const std::string& bytes) {
  ::alarm(longest_input_seconds);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  ::alarm(0);
}

}  // namespace

int main(int argc, char** argv) {
  const long runs = argc > 2 ? std::strtol(argv[1], nullptr, 10) : 0;
  const Samples samples = argc > 2 ? read_samples(argv + 2, argv + argc) : Samples{};
  if (runs <= 0 || samples.empty()) {
    std::fprintf(stderr, "usage: %s RUNS SAMPLES...\n", argv[0]);
    return 2;
  }
  for (const std::string& sample : samples) run(sample);
  std::mt19937 random(42);  // NOLINT(cert-msc51-cpp,cert-msc32-c): the same damage each time, on purpose
  for (long i = 0; i < runs; ++i) {
    std::string bytes = samples[random() % samples.size()];
    for (auto times = 1 + random() % 6; times > 0 && bytes.size() < largest_input; --times)
      damage(bytes, samples, random);
    run(bytes);
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  navette::fuzz::require(usage.ru_maxrss < most_memory, "memory is bounded");
  std::printf("%zu samples, %ld damaged, %ld MiB at most\n", samples.size(), runs, usage.ru_maxrss >> 10U);
  return 0;
}
