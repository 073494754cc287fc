// What has a state, and which state follows which event: the one place that decides it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace navette::model {

// One demande on its way to one lieu.
enum class AcheminementState {
  a_remettre,  // routed; leaves with the lieu's next remise
  retenu,      // held by an operator or because it could not be rendered
  en_remise,   // bound to a remise whose bytes are stored
  remis,       // delivered
  annule,      // the right was lost before delivery (R1, R8); the demande looks for a lieu again
  retire,      // withdrawn from the lieu; never re-routed there by itself
};
enum class AcheminementEvent { packed, delivered, failed, held, released, rights_lost, unpacked, reopened, withdrawn };
// Nothing: the event does not apply in that state, and changes nothing.
std::optional<AcheminementState> next(AcheminementState state, AcheminementEvent event);

enum class RemiseState {
  prete,       // bytes stored, to be delivered
  retenue,     // held: by an operator, refused by the channel, or undelivered for five days
  livree,      // confirmed by the channel
  dissoute,    // a right was lost before delivery: its acheminements are packed again or cancelled
  a_rappeler,  // withdrawn by an operator; what the lieu may have of it is still to be removed there
  a_detruire,  // withdrawn; what the lieu has cannot be removed from here, it must destroy it and say so
  rappelee,    // withdrawn, and the lieu has nothing of it any more
};
enum class RemiseEvent { delivered, refused, held, released, dissolved, withdrawn, not_removable, taken_back };
std::optional<RemiseState> next(RemiseState state, RemiseEvent event);

std::string to_string(AcheminementState state);
std::string to_string(RemiseState state);
AcheminementState parse_acheminement_state(const std::string& text);  // throws Error
RemiseState parse_remise_state(const std::string& text);              // throws Error

// A demande's state is derived: "retenue", "a-router", "sans-lieu", "en-cours", "remise" (every acheminement alive is
// delivered) or "retiree" (withdrawn, awaiting the Caf). `unrouted`: some commune wanted was not looked up yet.
std::string demande_state(bool held, bool unrouted, const std::vector<AcheminementState>& acheminements);

// When to try again after the `attempts`-th failure (1 …): 1 min doubled up to 1 h, spread by ±20 % with `jitter` in
// [0, 1) so that partners do not come back all at once. Nothing when `first_attempt` lies five days back: hold, and
// tell a person.
std::optional<Instant> next_attempt(Instant now, Instant first_attempt, int attempts, double jitter);
// The same for a mail that is never given up, after an attempt that may have reached its readers, the server's answer
// being lost: from the fifth on a day later, so that no mailbox fills with copies.
Instant next_copy(Instant now, int attempts, double jitter);

}  // namespace navette::model
