#include "model/reference_data.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"

namespace navette::model {
namespace {

constexpr std::string_view header = "code\tparente\tdept\tnom";
constexpr std::size_t columns = 4;

}  // namespace

ReferenceData ReferenceData::parse(std::string_view tsv) {
  ReferenceData data;
  std::size_t line = 0;
  while (!tsv.empty()) {
    const auto end = std::min(tsv.find('\n'), tsv.size());
    const std::string_view row = tsv.substr(0, end);
    tsv.remove_prefix(std::min(end + 1, tsv.size()));
    if (++line == 1) {
      if (row != header) throw Error("line 1: the columns of the list of communes are not the expected ones");
      continue;
    }
    const auto fields = text::split(row, '\t');
    if (fields.size() != columns || fields[0].size() != 5) {
      throw Error(fmt::format("line {}: not a commune: {} columns", line, fields.size()));
    }
    if (!data.communes_.emplace(fields[0], Commune{fields[3], fields[2], fields[1]}).second) {
      throw Error(fmt::format("line {}: the code is there already", line));
    }
    if (!fields[1].empty()) data.arrondissements_[fields[1]].push_back(fields[0]);
  }
  if (data.communes_.empty()) throw Error("the list of communes is empty");
  return data;
}

const Commune* ReferenceData::find(const std::string& insee) const {
  const auto found = communes_.find(insee);
  return found == communes_.end() ? nullptr : &found->second;
}

std::vector<std::string> ReferenceData::accepted_for(const std::string& insee) const {
  std::vector<std::string> codes{insee};
  const Commune* commune = find(insee);
  if (commune != nullptr && !commune->parent.empty()) codes.push_back(commune->parent);
  return codes;
}

std::vector<std::string> ReferenceData::arrondissements_of(const std::string& insee) const {
  const auto found = arrondissements_.find(insee);
  return found == arrondissements_.end() ? std::vector<std::string>{} : found->second;
}

}  // namespace navette::model
