#include "cli/history.h"

#include <algorithm>

#include "cli/rows.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

constexpr std::int64_t most = 50;

std::vector<store::TraceRow> history(store::Store& store, const std::string& object) {
  auto rows = store::list_traces(store.connection(), object, most);
  std::reverse(rows.begin(), rows.end());
  return rows;
}

}  // namespace

Json history_json(store::Store& store, const std::string& object) {
  return json_array(history(store, object), [](const store::TraceRow& r) {
    return Json{{"le", json_of(r.le)}, {"acteur", r.acteur}, {"action", r.action}, {"detail", json_of(r.detail)}};
  });
}

std::string history_block(store::Store& store, const std::string& object) {
  using store::TraceRow;
  const std::vector<Column<TraceRow>> columns{{"WHEN", [](const TraceRow& r) { return shown(r.le); }},
                                              {"WHAT", [](const TraceRow& r) { return r.action; }},
                                              {"WHO", [](const TraceRow& r) { return r.acteur; }},
                                              {"DETAIL", [](const TraceRow& r) { return shown(r.detail); }}};
  const auto rows = history(store, object);
  return rows.empty() ? "" : "\n" + table_of(rows, columns);
}

}  // namespace navette::cli
