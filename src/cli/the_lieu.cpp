#include "cli/the_lieu.h"

namespace navette::cli {

store::LieuRow the_lieu(store::Store& store, const std::string& identifiant, const Clock& clock) {
  const auto row = store::find_lieu(store.connection(), identifiant, model::paris_day(clock.now()));
  if (!row) throw UsageError("no lieu " + identifiant + "; see `navette lieux list`");
  return *row;
}

std::string lieu_filter(const Invocation& call, store::Store& store) {
  return call.has("lieu") ? the_lieu(store, call.text("lieu"), call.clock()).identifiant : std::string();
}

}  // namespace navette::cli
