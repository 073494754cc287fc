#include "cli/the_lieu.h"

#include "cli/output.h"
#include "flux/channel_profile.h"
#include "model/partner_profile.h"

namespace navette::cli {

store::LieuRow the_lieu(store::Store& store, const std::string& identifiant, const Clock& clock) {
  const auto row = store::find_lieu(store.connection(), identifiant, model::paris_day(clock.now()));
  if (!row) throw UsageError("no lieu " + identifiant + "; see `navette lieux list`");
  return *row;
}

std::string closed_hours(const store::LieuRow& lieu, Instant now) {
  if (lieu.canal != "sftp") return "";
  const auto window = flux::read_sftp_profile(lieu.profil).window;
  const auto opens = window ? model::next_opening(*window, now) : std::nullopt;
  return opens ? "; not now: its hours (fenetreEnvoi) begin at " + shown(opens) : "";
}

std::string lieu_filter(const Invocation& call, store::Store& store) {
  return call.has("lieu") ? the_lieu(store, call.text("lieu"), call.clock()).identifiant : std::string();
}

}  // namespace navette::cli
