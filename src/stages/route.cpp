#include "stages/route.h"

#include "base/heartbeat.h"
#include "model/civil_time.h"
#include "model/routing.h"

namespace navette::stages {
namespace {

constexpr std::size_t demandes_at_once = 500;

using AcceptedCodes = std::map<std::string, std::vector<std::string>>;

AcceptedCodes accepted_codes(const store::UnroutedDemande& demande, const model::ReferenceData& reference) {
  AcceptedCodes out;
  for (const std::string& commune : demande.communes) out[commune] = reference.accepted_for(commune);
  return out;
}

Instant due(const model::Cadence& cadence, Instant now) {
  const auto* daily = std::get_if<model::Quotidien>(&cadence);
  return daily == nullptr ? now : model::next_paris_time(now, daily->at);
}

}  // namespace

RouteReport route(store::Store& store, const model::ReferenceData& reference, const Clock& clock,
                  const std::stop_token& stop) {
  RouteReport report;
  store.reopen_communes(model::paris_day(clock.now()));
  store.free_lieux_served_anew(clock.now());
  while (!stop.stop_requested()) {
    const auto demandes = store.unrouted(demandes_at_once);
    if (demandes.empty()) break;
    heartbeat::beat();
    const Instant now = clock.now();
    std::vector<AcceptedCodes> wanted;
    std::set<std::string> codes;
    for (const auto& demande : demandes) {
      wanted.push_back(accepted_codes(demande, reference));
      for (const auto& [commune, accepted] : wanted.back()) codes.insert(accepted.begin(), accepted.end());
    }
    const model::Coverage coverage = store.coverage(codes, model::paris_day(now));
    std::vector<store::RouteOutcome> outcomes;
    for (std::size_t i = 0; i < demandes.size(); ++i) {
      const model::Routed routed = model::route(wanted[i], coverage);
      store::RouteOutcome outcome{demandes[i].id, {}, routed.served, routed.waiting};
      for (const auto& opening : routed.lieux) {
        outcome.lieux.push_back({opening.lieu, opening.version, due(opening.cadence, now)});
      }
      report.acheminements += outcome.lieux.size();
      if (outcome.lieux.empty()) ++report.sans_lieu;
      outcomes.push_back(std::move(outcome));
    }
    store.apply_routes(outcomes, now);
    report.demandes += demandes.size();
  }
  return report;
}

}  // namespace navette::stages
