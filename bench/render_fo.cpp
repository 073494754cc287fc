// Renders every FO document of a directory, as `navette run` does from the stylesheet's result on, and tells what it
// took.
//   render_fo STYLESHEET DIRECTORY ROUNDS THREADS
// Prints {"documents", "cpu" and "wall" in seconds, "bytes"} of the median round; the first one warms up, and does not
// count. Measured by bench/run against Apache FOP and WeasyPrint; no part of the product.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "render/renderer.h"

namespace {

using namespace navette;

double now(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

std::uint64_t render_all(const render::Renderer& renderer, const std::vector<std::string>& documents,
                         unsigned threads) {
  std::atomic<std::size_t> next = 0;
  std::atomic<std::uint64_t> bytes = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < documents.size(); i = next++)
      bytes += renderer.render_fo(xml::Document::parse(documents[i]), documents[i]).pdf.size();
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  others.clear();
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  try {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(argv[2])) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> documents;
    for (const auto& path : paths) {
      std::ifstream file(path, std::ios::binary);
      documents.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    const int rounds = std::stoi(argv[3]);
    const auto threads = static_cast<unsigned>(std::stoul(argv[4]));
    const render::Renderer renderer(argv[1], render::Renderer::default_fonts());
    std::uint64_t bytes = render_all(renderer, documents, threads);  // fonts and words become known
    std::vector<double> walls;
    std::vector<double> cpus;
    for (int i = 1; i < rounds; ++i) {
      const double wall = now(CLOCK_MONOTONIC);
      const double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
      bytes = render_all(renderer, documents, threads);
      cpus.push_back(now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
      walls.push_back(now(CLOCK_MONOTONIC) - wall);
    }
    std::printf(R"({"documents": %zu, "cpu": %.6f, "wall": %.6f, "bytes": %llu})"
                "\n",
                documents.size(), median(cpus), median(walls), static_cast<unsigned long long>(bytes));
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
  }
  return 1;
}
