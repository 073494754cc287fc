#include "model/states.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace navette::model {
namespace {

constexpr std::array<std::pair<AcheminementState, const char*>, 6> acheminement_names = {
    {{AcheminementState::a_remettre, "a-remettre"},
     {AcheminementState::retenu, "retenu"},
     {AcheminementState::en_remise, "en-remise"},
     {AcheminementState::remis, "remis"},
     {AcheminementState::annule, "annule"},
     {AcheminementState::retire, "retire"}}};

constexpr std::array<std::pair<RemiseState, const char*>, 7> remise_names = {{{RemiseState::prete, "prete"},
                                                                              {RemiseState::retenue, "retenue"},
                                                                              {RemiseState::livree, "livree"},
                                                                              {RemiseState::dissoute, "dissoute"},
                                                                              {RemiseState::a_rappeler, "a-rappeler"},
                                                                              {RemiseState::a_detruire, "a-detruire"},
                                                                              {RemiseState::rappelee, "rappelee"}}};

template <typename Names, typename State>
std::string name_of(const Names& names, State state) {
  for (const auto& [s, name] : names) {
    if (s == state) return name;
  }
  return {};
}

template <typename Names>
auto state_of(const Names& names, const std::string& text) {
  for (const auto& [s, name] : names) {
    if (text == name) return s;
  }
  throw Error("unknown state in the database: " + text);
}

}  // namespace

std::optional<AcheminementState> next(AcheminementState state, AcheminementEvent event) {
  using S = AcheminementState;
  using E = AcheminementEvent;
  switch (event) {
    case E::packed:
      return state == S::a_remettre ? std::optional(S::en_remise) : std::nullopt;
    case E::delivered:
      return state == S::en_remise ? std::optional(S::remis) : std::nullopt;
    case E::failed:
    case E::held:
      return state == S::a_remettre ? std::optional(S::retenu) : std::nullopt;
    case E::released:
      return state == S::retenu ? std::optional(S::a_remettre) : std::nullopt;
    case E::rights_lost:
      return state == S::a_remettre || state == S::retenu || state == S::en_remise ? std::optional(S::annule)
                                                                                   : std::nullopt;
    case E::unpacked:
      return state == S::en_remise ? std::optional(S::a_remettre) : std::nullopt;
    case E::reopened:
      return state == S::annule ? std::optional(S::a_remettre) : std::nullopt;
    case E::withdrawn:
      return state == S::remis || state == S::en_remise ? std::optional(S::retire) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<RemiseState> next(RemiseState state, RemiseEvent event) {
  using S = RemiseState;
  switch (event) {
    case RemiseEvent::delivered:
      return state == S::prete ? std::optional(S::livree) : std::nullopt;
    case RemiseEvent::refused:
    case RemiseEvent::held:
      return state == S::prete ? std::optional(S::retenue) : std::nullopt;
    case RemiseEvent::released:
      return state == S::retenue ? std::optional(S::prete) : std::nullopt;
    case RemiseEvent::dissolved:
      return state == S::prete || state == S::retenue ? std::optional(S::dissoute) : std::nullopt;
    case RemiseEvent::withdrawn:
      return state == S::prete || state == S::retenue || state == S::livree ? std::optional(S::a_rappeler)
                                                                            : std::nullopt;
    case RemiseEvent::not_removable:
      return state == S::a_rappeler ? std::optional(S::a_detruire) : std::nullopt;
    case RemiseEvent::taken_back:
      return state == S::a_rappeler || state == S::a_detruire ? std::optional(S::rappelee) : std::nullopt;
  }
  return std::nullopt;
}

std::string to_string(AcheminementState state) {
  return name_of(acheminement_names, state);
}
std::string to_string(RemiseState state) {
  return name_of(remise_names, state);
}
AcheminementState parse_acheminement_state(const std::string& text) {
  return state_of(acheminement_names, text);
}
RemiseState parse_remise_state(const std::string& text) {
  return state_of(remise_names, text);
}

std::string demande_state(bool held, bool unrouted, const std::vector<AcheminementState>& acheminements) {
  const auto any = [&](AcheminementState s) {
    return std::find(acheminements.begin(), acheminements.end(), s) != acheminements.end();
  };
  using S = AcheminementState;
  if (held || any(S::retenu)) return "retenue";
  if (any(S::a_remettre) || any(S::en_remise)) return "en-cours";
  if (any(S::remis)) return "remise";
  if (any(S::retire)) return "retiree";
  return unrouted ? "a-router" : "sans-lieu";
}

std::optional<Instant> next_attempt(Instant now, Instant first_attempt, int attempts, double jitter) {
  using namespace std::chrono_literals;
  constexpr auto give_up_after = std::chrono::days(5);
  if (now - first_attempt >= give_up_after) return std::nullopt;
  std::chrono::milliseconds wait = 1min;
  for (int i = 1; i < attempts && wait < 1h; ++i) wait *= 2;
  wait = std::min<std::chrono::milliseconds>(wait, 1h);
  const double spread = 0.8 + 0.4 * jitter;
  return now + std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(wait.count()) * spread));
}

Instant next_copy(Instant now, int attempts, double jitter) {
  constexpr int soon = 4;
  return attempts > soon ? now + std::chrono::days(1) : *next_attempt(now, now, attempts, jitter);
}

}  // namespace navette::model
