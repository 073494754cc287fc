// Any bytes as a configuration: it is read, or every fault of it is told in one clean line with a number that exists.
#include <algorithm>
#include <string>

#include "base/text.h"
#include "config/config.h"
#include "config/ini.h"
#include "fuzz/fuzz.h"

using namespace navette;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::view(data, size);
  const auto lines = 1 + std::count(bytes.begin(), bytes.end(), '\n');
  config::Problems problems;
  const config::Ini ini = config::parse_ini(bytes, problems);
  for (const auto& entry : ini.entries) require(entry.line > 0 && entry.line <= lines, "an entry has its line");
  for (const auto& problem : problems) {
    require(problem.line >= 0 && problem.line <= lines, "a fault has its line");
    require(text::printable(problem.message) == problem.message, "a message is one clean line");
  }

  const UniqueFd fd = fuzz::file_of(bytes);
  try {
    config::load("/proc/self/fd/" + std::to_string(fd.get()));
    require(problems.empty(), "a file with faults is not taken");
  } catch (const config::ConfigError& e) {
    require(!e.messages().empty(), "a refused file has a fault");
    for (const std::string& message : e.messages()) {
      require(text::printable(message) == message, "a message is one clean line");
    }
  }
  return 0;
}
