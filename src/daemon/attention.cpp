#include "daemon/attention.h"

#include <fmt/format.h>

#include "base/text.h"
#include "model/civil_time.h"

namespace navette::daemon {
namespace {

// More would fill the screen: where an EPCI's server fails, all its lieux are held.
constexpr std::size_t held_lieux_named = 5;

}  // namespace

std::vector<std::string> attention(const store::Counts& counts, const Events& events,
                                   const std::vector<store::Incident>& incidents) {
  std::vector<std::string> out;
  out.reserve(incidents.size());
  for (const store::Incident& i : incidents) out.push_back(i.text);
  const auto add = [&](std::uint64_t n, const char* one, const char* many, const char* what) {
    if (n > 0) out.push_back(text::counted(n, one, many) + " " + what);
  };
  const auto add_of_these = [&](std::uint64_t n, const char* one, const char* many, const char* what) {
    if (n > 0) out.push_back("of these, " + text::counted(n, one, many) + " " + what);
  };
  add(events.refused_flux, "flux", "flux", "refused whole: navette flux list --state refuse");
  add(counts.sans_lieu, "demande", "demandes", "without a lieu: navette demandes list --state sans-lieu");
  add(counts.held_demandes, "demande", "demandes", "held: navette demandes list --state retenue");
  add(events.withdrawn_demandes, "demande", "demandes",
      "lately withdrawn from every lieu: navette demandes list --state retiree");
  // All of them, whatever holds them; some are told of once more, with what is to be done.
  add(counts.held_remises, "remise waits", "remises wait", "for a person: navette remises list --held");
  add_of_these(counts.held_notifications, "notification", "notifications",
               "refused by all whom they are for: navette remises list --held");
  add_of_these(counts.destructions_waiting, "remise", "remises",
               "withdrawn, and only the lieu can destroy what it has: ask it, then navette remises taken-back");
  add(counts.remises_in_trouble, "remise", "remises",
      "could not be delivered and will be tried again: navette remises list");
  add(counts.notifications_in_trouble, "notification", "notifications", "not accepted yet: navette remises list");
  add(counts.recalls_waiting, "remise", "remises",
      "withdrawn, not removed at the lieu yet: navette remises list --state a-rappeler");
  add(counts.suspended_lieux, "lieu", "lieux", "suspended: navette lieux list");
  const auto& held = counts.held_lieux;
  for (std::size_t i = 0; i < held.size() && i < held_lieux_named; ++i) {
    out.push_back(fmt::format(
        "lieu {0} is held since {1}{2}: navette lieux show {0} tells why; once mended, navette lieux retry {0}",
        held[i].identifiant, model::to_paris_text(held[i].since),
        held[i].remises == 0 ? "" : ", " + text::counted(held[i].remises, "remise waits", "remises wait")));
  }
  if (held.size() > held_lieux_named)
    add(held.size() - held_lieux_named, "other lieu", "other lieux", "held: navette lieux list");
  return out;
}

}  // namespace navette::daemon
