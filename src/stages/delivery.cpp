#include "stages/delivery.h"

#include <fmt/format.h>

#include "base/error.h"
#include "stages/claim.h"

namespace navette::stages {

channels::Collecting collecting_for(const std::string& lieu, const DeliverTools& tools) {
  channels::Collecting collecting{tools.spool.arrivee, lieu};
  collecting.stable_after = tools.stable_after;
  collecting.is_ignored = is_ignored;
  return collecting;
}

Delivery::Result Delivery::run(const DeliverTools& tools, const std::stop_token& stop) const {
  if (stop.stop_requested()) return NotBegun{};
  try {
    if (look) return look_there(tools);
    if (!sender) return model::Refused{"canal-indisponible", "this navette does not serve the lieu's channel"};
    if (anothers && remise.recall) {
      return model::Refused{
          "rappel-impossible",
          "its directory is another lieu's now, whose files may have the same names: have the partner "
          "remove what is left of it"};
    }
    if (anothers) {
      return model::Retry{
          "what an attempt may have left lies in a directory that is another lieu's now: have the partner "
          "remove it, then navette remises taken-back",
          std::nullopt};
    }
    if (remise.recall) return take_back(tools.spool);
    return deliver(tools.spool);
  } catch (const channels::NothingSent&) {
    return NotBegun{};
  } catch (const channels::SentInPart& e) {
    return Unknown{e.arrived()};
  } catch (const Interrupted&) {
    return Unknown{};
  } catch (const channels::CannotTell& e) {
    return e.why();
  } catch (const std::exception& e) {
    if (look) return Looked{{}, {}, false, describe(e)};
    // Our own spool, or whether the lieu has it cannot be told: later, and nothing leaves meanwhile.
    return model::Retry{model::with_code("erreur-systeme", describe(e)), std::nullopt};
  }
}

// No byte of it is needed, and none may be left here.
model::Outcome Delivery::take_back(const Spool& spool) const {
  return sender->withdraw({remise.name,
                           remise.lieu_identifiant,
                           spool.depart,
                           remise.files,
                           remise.arrived,
                           {},
                           nothing_there(),
                           remise.untouched});
}

Delivery::Result Delivery::deliver(const Spool& spool) const {
  const auto of_lieu = spool.depart.find_dir(remise.lieu_identifiant);
  const auto stored = of_lieu ? of_lieu->find_dir(remise.name) : std::nullopt;
  if (!stored) {
    model::Retry retry{
        model::with_code(
            "erreur-systeme",
            fmt::format("{} is not there: put it back from a copy; or have the remise made anew: navette demandes "
                        "hold one of its demandes, remises retry, run, then demandes release",
                        (spool.depart.path() / remise.lieu_identifiant / remise.name).string())),
        std::nullopt};
    retry.left_nothing = true;
    return retry;
  }
  const Directory& source = *stored;
  const channels::RemiseToSend to_send{remise.name,    remise.lieu_identifiant, source,         remise.files,
                                       remise.arrived, remise.reissue_of,       nothing_there()};
  if (!take_apart && !remise.moved) return sender->send(to_send);
  // A crash may have come between the delivery and its row: then the lieu has the remise, whatever was lost since.
  // Cancelling it would deliver its demandes twice, or deny what happened.
  if (auto found = sender->look(to_send)) return std::move(*found);
  sender->forget(to_send);
  if (!take_apart) return Cleared{};
  return TakenApart{};
}

Delivery::Looked Delivery::look_there(const DeliverTools& tools) const {
  std::vector<channels::RemiseThere> there;
  for (const store::AwaitedRemise& r : awaited) there.push_back({r.name, look->identifiant, r.documents});
  Looked looked;
  for (const std::size_t i : sender->picked_up(there)) looked.gone.push_back(awaited.at(i).id);
  if (tools.senders.contains(look->identifiant)) {
    looked.failure =
        "nothing is fetched for a lieu that bears a sender's name; rename [emetteur." + look->identifiant + "]";
    return looked;
  }
  try {
    auto collecting = collecting_for(look->identifiant, tools);
    collecting.marks = marks;
    looked.collected = sender->collect(collecting);
    looked.failure = looked.collected.failure;
    looked.saw = true;
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& e) {  // what was seen counts all the same
    looked.failure = describe(e);
  }
  return looked;
}

namespace {

// A former place's fault concerns neither the lieu's present one nor its other remises.
model::Outcome at_former_place(model::Outcome outcome) {
  if (scope_of(outcome) == model::Scope::remise) return outcome;
  std::string why;
  if (const auto* refused = std::get_if<model::Refused>(&outcome)) why = refused->code + ": " + refused->reason;
  if (const auto* retry = std::get_if<model::Retry>(&outcome)) why = retry->reason;
  return model::Retry{why +
                          "; what lies at the lieu's former server is to be removed first: once nothing is left there, "
                          "navette remises taken-back",
                      std::nullopt};
}

}  // namespace

// A partner that refuses one while it takes another is not held for it: its server may let in fewer than its profile
// says. When it refuses what comes alone, it is.
model::Outcome Delivery::judged(model::Outcome outcome) const {
  if (remise.moved) return at_former_place(std::move(outcome));
  auto* refused = std::get_if<model::Refused>(&outcome);
  if (refused == nullptr || refused->scope == model::Scope::remise || !served(refused->scope)) return outcome;
  return model::Retry{refused->code + ": " + refused->reason, std::nullopt, refused->scope, std::move(refused->arrived),
                      refused->left_nothing};
}

}  // namespace navette::stages
