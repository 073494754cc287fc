#include "store/forgotten.h"

#include "store/store.h"

namespace navette::store {

std::optional<Instant> forgotten_until(sqlite::Connection& db) {
  auto q = db.query("SELECT le FROM trace WHERE action IN (?, ?) ORDER BY seq DESC LIMIT 1");
  return q.bind(begun_anew, older_copy).step() ? std::optional(instant_from(q.integer(0))) : std::nullopt;
}

}  // namespace navette::store
