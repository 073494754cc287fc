// Remises: what was, or is to be, delivered to each lieu.
#include <boost/program_options/value_semantic.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "channels/courriel_sender.h"
#include "cli/act.h"
#include "cli/command.h"
#include "cli/history.h"
#include "cli/main.h"
#include "cli/open_store.h"
#include "cli/rows.h"
#include "cli/the_lieu.h"
#include "model/states.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

using store::FichierRow;
using store::LieuRow;
using store::RemiseRow;

constexpr const char* list_help =
    "Newest first. States: prete (to be delivered), retenue (held), livree, dissoute (taken apart before\n"
    "delivery: a right was lost, or a demande of it is held), a-rappeler (withdrawn, still to be\n"
    "removed at the lieu), a-detruire (withdrawn, only the lieu can destroy what it has), rappelee (withdrawn,\n"
    "the lieu has nothing of it).\n"
    "--held shows all that wait for a person: held ones, those of a held partner, those that only the lieu\n"
    "can destroy, those whose notification all refuse.\n"
    "NEXT TRY is `held` while the lieu's partner is: nothing is tried until `navette lieux retry LIEU`.\n"
    "WHY tells why the last attempt failed, or why it is held or withdrawn.\n\n"
    "Examples:\n"
    "  navette remises list --held\n"
    "  navette remises list --lieu rpe-gier --json\n";
constexpr const char* show_help =
    "Example:\n"
    "  navette remises show rpe-gier-20261122-1\n";
constexpr const char* retry_help =
    "Tried again with the next pass, instead of at its next date: the delivery, the removal of a withdrawn\n"
    "remise, or the notification of a delivered one. Its partner is tried again too, were it held. The bytes\n"
    "are the same. What an operator holds is not tried: see `remises release`. Of a mail that may have arrived\n"
    "(arrivee-incertaine) ask the lieu first, then say `remises picked-up` or `remises taken-back`.\n\n"
    "Example:\n"
    "  sudo -u navette navette remises retry rpe-gier-20261122-1\n";
constexpr const char* picked_up_help =
    "Your word that the lieu has picked it up, where nothing else proves it (a telephone call, an e-mail). Its\n"
    "pickup delay ends; the trace holds your login and the reason. Of a remise whose mail may have arrived, no\n"
    "mail server having said whether it took it (arrivee-incertaine): that the lieu has it; it is delivered\n"
    "then, since its first attempt, and nobody is notified. If the lieu has it not: `remises taken-back`.\n\n"
    "Example:\n"
    "  sudo -u navette navette remises picked-up rpe-gier-20261122-1 --why \"told by telephone\"\n";
constexpr const char* hold_help =
    "Not delivered until it is released. The lieu's other remises leave.\n\n"
    "Example:\n"
    "  sudo -u navette navette remises hold rpe-gier-20261122-1 --why \"the lieu moves its server\"\n";
constexpr const char* release_help =
    "Ends a hold, whether an operator's, the channel's refusal, five days of failed attempts (which begin\n"
    "anew) or five mails without an answer (where the lieu has one already: `remises picked-up`).\n\n"
    "Example:\n"
    "  sudo -u navette navette remises release rpe-gier-20261122-1\n";
constexpr const char* withdraw_help =
    "Takes a remise back, for one that should never have left: it is not delivered any more or, where it was,\n"
    "its files are removed from the dépôt or the partner's server by the next pass. From a mailbox nothing\n"
    "can be: ask the lieu to destroy it, then say so with `remises taken-back`. Its demandes never go to that\n"
    "lieu again: to be delivered after all, they must be sent again under a new reference. No delay of it runs\n"
    "any more. What was issued again of it is withdrawn with it. Without --apply it tells what would be done.\n\n"
    "Example:\n"
    "  sudo -u navette navette remises withdraw rpe-gier-20261122-1 --why \"sent by mistake\" --apply\n";
constexpr const char* taken_back_help =
    "Your word that the lieu has nothing of a remise: of a withdrawn one, that it destroyed the mail, or that the\n"
    "server on which it lay is no more; of one that waits for what an attempt left at the lieu's former server,\n"
    "that nothing is left there; of one whose mail may have arrived (arrivee-incertaine), that it has not: it is\n"
    "then sent again, or taken apart where a demande is held or a right was lost. The trace holds your login and\n"
    "the reason.\n\n"
    "Example:\n"
    "  sudo -u navette navette remises taken-back rpe-gier-20261122-1 --why \"destroyed, says its e-mail of today\"\n";
constexpr const char* reissue_help =
    "Makes the same demandes available to the lieu again, for files that it lost or that were damaged (R15):\n"
    "packed with the next pass as a remise of its own, with its own notification and pickup delay. Possible\n"
    "while the retention of the first issue runs, counted from transmission, and with a convention in force.\n\n"
    "Example:\n"
    "  sudo -u navette navette remises reissue rpe-gier-20261122-1 --why \"the town lost its disk\"\n";

constexpr const char* states = "prete, retenue, livree, dissoute, a-rappeler, a-detruire or rappelee";

void list_remises_options(boost::program_options::options_description& o) {
  using boost::program_options::value;
  o.add_options()("state", value<std::string>()->value_name("STATE"), states)("held", "those that wait for a person")(
      "lieu", value<std::string>()->value_name("LIEU"), "of this lieu alone");
  list_options(o);
}

std::string why_of(const RemiseRow& r) {
  if (!r.reemission.empty()) return "to be issued again: " + r.reemission;
  if (!r.rappel.empty()) return r.motif.empty() ? r.rappel : r.rappel + "; " + r.motif;
  return !r.motif.empty() ? r.motif : r.notification_motif;
}

Json remise_json(const RemiseRow& r) {
  return {{"remise", r.nom},
          {"lieu", r.lieu},
          {"convention", r.convention},
          {"version", r.version},
          {"etat", r.etat},
          {"demandes", r.nombre},
          {"reemise_de", json_or_null(r.reemise_de)},
          {"rappel", json_or_null(r.rappel)},
          {"rappelee_le", json_of(r.rappelee_le)},
          {"rappel_faits", json_or_null(r.rappel_faits)},
          {"composee_le", json_of(r.composee_le)},
          {"tentatives", r.tentatives},
          {"en_cours", r.en_cours},
          {"prochain_essai", json_of(r.prochaine)},
          {"partenaire_retenu_depuis", json_of(r.partenaire_retenu)},
          {"motif", json_or_null(r.motif)},
          {"livree_le", json_of(r.livree_le)},
          {"faits", json_or_null(r.faits)},
          {"notification", json_of(r.notification)},
          {"notification_tentatives", r.notification_tentatives},
          {"notification_retenue", r.notification_retenue},
          {"notification_motif", json_or_null(r.notification_motif)},
          {"notifiee_le", json_of(r.notifiee_le)},
          {"notification_joints", json_or_null(r.joints)},
          {"notification_non_joints", json_or_null(r.non_joints)},
          {"reemission_demandee", json_or_null(r.reemission)},
          {"destinataires", r.destinataires},
          {"retrait_avant", json_of(r.retrait_avant)},
          {"retiree_le", json_of(r.retiree_le)},
          {"retrait_preuve", json_or_null(r.retrait_preuve)},
          {"retrait_personne", json_or_null(r.retrait_personne)}};
}

std::string next_try(const RemiseRow& r, Instant now) {
  if (r.partenaire_retenu) return "held";
  return r.lieu_suspendu ? "suspended" : shown_next(r.prochaine, now);
}

// With what ends the wait.
std::string next_try_in_full(const RemiseRow& r, Instant now) {
  if (r.partenaire_retenu) {
    return fmt::format("its partner is held since {}: once mended, navette lieux retry {}", shown(r.partenaire_retenu),
                       r.lieu);
  }
  if (r.lieu_suspendu) return "its lieu is suspended: navette lieux resume " + r.lieu;
  if (!r.prochaine) return "";
  const bool waits = r.partenaire_en_echec && (r.etat == "prete" || r.etat == "a-rappeler") && *r.prochaine > now;
  if (!waits) return shown_next(r.prochaine, now);
  const bool ours = r.motif.starts_with("serveur-messagerie: ");
  return fmt::format("{}, since {} failed; at once: navette lieux retry {}", shown_next(r.prochaine, now),
                     ours ? "our own mail server" : "its partner", r.lieu);
}

// What an act asks for and the next pass does not do; empty: it does.
std::string not_now(const RemiseRow& r, Instant now) {
  if (r.etat != "prete" && r.etat != "a-rappeler") return "";
  if (r.prochaine && *r.prochaine <= now) return "";
  return "; not now: " + next_try_in_full(r, now);
}

RemiseRow the_remise(store::Store& store, const std::string& name) {
  const auto row = store::find_remise(store.connection(), name);
  if (!row) throw UsageError("no remise " + name + "; see `navette remises list`");
  return *row;
}

int list(const Invocation& call) {
  const std::string state =
      one_of(call, "state", {"prete", "retenue", "livree", "dissoute", "a-rappeler", "a-detruire", "rappelee"});
  const bool held = call.has("held");
  if (held && !state.empty()) throw UsageError("give --held or --state, not both");
  const auto store = open_for_reading(call.config());
  const Instant now = call.clock().now();
  const std::vector<Column<RemiseRow>> columns{
      {"REMISE", [](const RemiseRow& r) { return r.nom; }},
      {"LIEU", [](const RemiseRow& r) { return r.lieu; }},
      {"STATE", [](const RemiseRow& r) { return r.etat; }},
      {"DEMANDES", [](const RemiseRow& r) { return std::to_string(r.nombre); }, Align::right},
      {"TRIES", [](const RemiseRow& r) { return std::to_string(r.tentatives); }, Align::right},
      {"NEXT TRY", [now](const RemiseRow& r) { return next_try(r, now); }},
      {"DELIVERED", [](const RemiseRow& r) { return shown(r.livree_le); }},
      {"NOTIFIED", [](const RemiseRow& r) { return shown(r.notifiee_le); }},
      {"PICKUP BY", [](const RemiseRow& r) { return shown(r.retrait_avant); }},
      {"PICKED UP", [](const RemiseRow& r) { return shown(r.retiree_le); }},
      {"WHY", why_of}};
  show_list(call, store::list_remises(store->connection(), {state, lieu_filter(call, *store), held}, probe_limit(call)),
            columns, remise_json);
  return exit_done;
}

std::string notified(const RemiseRow& r) {
  if (!r.notification) return "";
  const std::string refused = r.non_joints.empty() ? "" : "; not reached: " + r.non_joints;
  if (r.notifiee_le)
    return fmt::format("{} to {}{}", shown(r.notifiee_le), counted(r.destinataires, "person"), refused);
  if (r.notification_retenue) return "held; with better addresses, or: navette remises retry " + r.nom + refused;
  return (r.joints.empty() ? "not yet" : "accepted for " + r.joints + ", not yet for all") + refused;
}

void print_remise(store::Store& store, const RemiseRow& r, const std::vector<FichierRow>& files, Instant now) {
  const std::string personne = r.retrait_personne.empty() ? "" : ", by person " + r.retrait_personne;
  const std::string picked_up =
      r.retiree_le ? fmt::format("{}, evidence: {}{}", shown(r.retiree_le), r.retrait_preuve, personne) : "";
  print(facts({{"Remise", r.nom},
               {"Lieu", r.lieu},
               {"Convention", fmt::format("{}, version {}", r.convention, r.version)},
               {"State", r.etat},
               {"Why", why_of(r)},
               {"Packed", fmt::format("{}, {}", shown(r.composee_le), counted(r.nombre, "demande"))},
               {"Tries", std::to_string(r.tentatives)},
               {"Next try", next_try_in_full(r, now)},
               {"Delivered", r.livree_le ? shown(r.livree_le) : ""},
               {"How", r.faits},
               {"Withdrawn", r.rappelee_le ? fmt::format("{}: {}", shown(r.rappelee_le), r.rappel_faits) : ""},
               {"Issues again", r.reemise_de},
               {"Notified", notified(r)},
               {"Pickup by", r.retrait_avant ? shown(r.retrait_avant) + " at 24:00" : ""},
               {"Picked up", picked_up}}));
  const std::vector<Column<FichierRow>> columns{
      {"FILE", [](const FichierRow& f) { return f.nom; }},
      {"SIZE", [](const FichierRow& f) { return shown_bytes(f.taille); }, Align::right},
      {"DEMANDE", [](const FichierRow& f) { return f.demande; }},
      {"SHA-256", [](const FichierRow& f) { return f.sha256; }}};
  print("\n" + table_of(files, columns) + history_block(store, "remise:" + r.nom));
}

int show(const Invocation& call) {
  const auto store = open_for_reading(call.config());
  const RemiseRow r = the_remise(*store, call.argument());
  const auto files = store::list_fichiers(store->connection(), r.id);
  if (!call.json()) {
    print_remise(*store, r, files, call.clock().now());
    return exit_done;
  }
  Json j = remise_json(r);
  j["fichiers"] = json_array(files, [](const FichierRow& f) {
    return Json{{"nom", f.nom},
                {"genre", f.genre},
                {"octets", f.taille},
                {"sha256", f.sha256},
                {"demande", json_or_null(f.demande)}};
  });
  j["historique"] = history_json(*store, "remise:" + r.nom);
  print_json(j);
  return exit_done;
}

// What may still arrive of a remise that is to be kept from leaving.
std::string under_way(const RemiseRow& r) {
  return r.en_cours && r.etat == "retenue"
             ? "; an attempt is under way, or was cut short: what it delivers stays delivered"
             : "";
}

int change(const Invocation& call, const char* done,
           void (*act)(store::Store&, const std::string&, const Invocation&)) {
  const auto store = open_for_writing(call.config());
  const std::string name = the_remise(*store, call.argument()).nom;
  act(*store, name, call);
  const RemiseRow after = the_remise(*store, name);
  const Instant now = call.clock().now();
  const bool leaves = after.etat == "prete" || after.etat == "a-rappeler";
  const std::string hours = leaves ? closed_hours(the_lieu(*store, after.lieu, call.clock()), now) : "";
  tell(call,
       fmt::format("remise {} {}; state: {}{}{}{}", name, done, after.etat, under_way(after), not_now(after, now),
                   hours),
       remise_json(after));
  return exit_done;
}

int retry(const Invocation& call) {
  return change(call, "to be tried again", [](store::Store& s, const std::string& name, const Invocation& c) {
    s.retry_remise(name, c.clock().now());
  });
}

int hold(const Invocation& call) {
  static_cast<void>(required_why(call));
  return change(call, "held", [](store::Store& s, const std::string& name, const Invocation& c) {
    s.hold_remise(name, required_why(c), c.clock().now());
  });
}

int release(const Invocation& call) {
  return change(call, "released", [](store::Store& s, const std::string& name, const Invocation& c) {
    s.release_remise(name, c.clock().now());
  });
}

// The remise, and every other issue of the same demandes: they are withdrawn together.
std::vector<RemiseRow> withdrawable(store::Store& store, const RemiseRow& remise) {
  const std::string first = remise.reemise_de.empty() ? remise.nom : remise.reemise_de;
  std::vector<RemiseRow> out;
  for (RemiseRow& r : store::list_remises(store.connection(), {"", remise.lieu}, store::no_limit)) {
    const bool same = r.nom == first || r.reemise_de == first;
    if (same && model::next(model::parse_remise_state(r.etat), model::RemiseEvent::withdrawn))
      out.push_back(std::move(r));
  }
  return out;
}

std::string effect_of_withdrawal(const RemiseRow& r, const LieuRow& lieu) {
  if (!r.partie) return "nothing of it has left; it is not delivered any more";
  if (r.livree_le && channels::CourrielSender::wrote(r.faits)) {
    return "a mail cannot be taken back: ask the lieu to destroy what it has, then navette remises taken-back (" +
           r.faits + ")";
  }
  if (!r.livree_le && r.par_courriel) {
    return "a mail of it that may have left cannot be taken back: if there is one, the remise is then shown as "
           "a-detruire; ask "
           "the lieu to destroy it, then navette remises taken-back";
  }
  const std::string when =
      lieu.retenu ? fmt::format(", once its partner is tried again, which is held since {}: navette lieux retry {}",
                                shown(lieu.retenu), r.lieu)
      : r.partenaire_en_echec ? ", once its partner answers again, which failed at the last try"
                              : "";
  const std::string taken =
      r.retiree_le ? fmt::format(
                         "; the lieu picked it up on {}: ask it to destroy what it has, then navette remises "
                         "taken-back",
                         shown(r.retiree_le))
                   : "";
  return (r.livree_le ? fmt::format("its files are removed where they lie ({})", r.faits)
                      : "what failed attempts may have left at the lieu is removed") +
         when + taken;
}

int withdraw(const Invocation& call) {
  const std::string why = required_why(call);
  if (call.has("apply")) {
    return change(call, "withdrawn", [](store::Store& s, const std::string& name, const Invocation& c) {
      s.withdraw_remise(name, required_why(c), c.clock().now());
    });
  }
  const auto store = open_for_reading(call.config());
  const RemiseRow remise = the_remise(*store, call.argument());
  const LieuRow lieu = the_lieu(*store, remise.lieu, call.clock());
  const auto issues = withdrawable(*store, remise);
  if (issues.empty())
    throw Error(fmt::format("the remise {} cannot be withdrawn: its state is {}", remise.nom, remise.etat));
  if (call.json()) {
    print_json(json_array(issues, [&](const RemiseRow& r) {
      Json j = remise_json(r);
      j["effet"] = effect_of_withdrawal(r, lieu);
      return j;
    }));
    return exit_done;
  }
  for (const RemiseRow& r : issues) {
    print(text::printable(fmt::format("remise {} ({}, {} for {}): {}", r.nom, r.etat, counted(r.nombre, "demande"),
                                      r.lieu, effect_of_withdrawal(r, lieu))) +
          "\n");
  }
  print(
      "Its demandes never go to that lieu again, unless they are sent again under a new reference. Nothing is done "
      "yet: "
      "add --apply to do it.\n");
  return exit_done;
}

// What keeps a new issue from leaving with the next pass.
std::string reissue_waits(const LieuRow& lieu, Instant now) {
  if (lieu.suspendu) return "once its lieu is resumed: navette lieux resume " + lieu.identifiant;
  if (lieu.retenu) {
    return "with the next pass, and leaves once its partner is tried again, which is held: navette lieux retry " +
           lieu.identifiant;
  }
  return "with the next pass" + closed_hours(lieu, now);
}

int reissue(const Invocation& call) {
  const std::string why = required_why(call);
  const auto store = open_for_writing(call.config());
  const RemiseRow before = the_remise(*store, call.argument());
  const Instant now = call.clock().now();
  store->reissue_remise(before.nom, why, now);
  const RemiseRow after = the_remise(*store, before.nom);
  tell(call,
       fmt::format("remise {} to be issued again {}; state: {}", after.nom,
                   reissue_waits(the_lieu(*store, after.lieu, call.clock()), now), after.etat),
       remise_json(after));
  return exit_done;
}

void withdraw_options(boost::program_options::options_description& o) {
  reasoned_act_options(o);
  o.add_options()("apply", "do it; else it is only told what would be done");
}

int picked_up(const Invocation& call) {
  static_cast<void>(required_why(call));
  return change(call, "picked up", [](store::Store& s, const std::string& name, const Invocation& c) {
    const Directory depart = Directory::open(c.config().spool.directory / "depart");
    const bool in_doubt = channels::CourrielSender::in_doubt(depart, the_remise(s, name).lieu, name);
    s.confirm_pickup(name, required_why(c), c.clock().now(), in_doubt);
  });
}

int taken_back(const Invocation& call) {
  static_cast<void>(required_why(call));
  return change(call, "known not to be at the lieu", [](store::Store& s, const std::string& name, const Invocation& c) {
    s.confirm_taken_back(name, required_why(c), c.clock().now());
  });
}

}  // namespace

Commands remises_commands() {
  return {
      {"remises list", "", "remises: state, tries, dates", list_help, 0, 0, list_remises_options, list},
      {"remises show", "REMISE", "one remise: files, demandes, history", show_help, 1, 1, json_option, show},
      {"remises retry", "REMISE", "tries it again with the next pass", retry_help, 1, 1, json_option, retry},
      {"remises hold", "REMISE", "keeps it from leaving (--why)", hold_help, 1, 1, reasoned_act_options, hold},
      {"remises release", "REMISE", "ends a hold", release_help, 1, 1, json_option, release},
      {"remises withdraw", "REMISE", "takes it back (--why, --apply)", withdraw_help, 1, 1, withdraw_options, withdraw},
      {"remises taken-back", "REMISE", "your word that the lieu has nothing of it (--why)", taken_back_help, 1, 1,
       reasoned_act_options, taken_back},
      {"remises reissue", "REMISE", "makes its content available again (--why)", reissue_help, 1, 1,
       reasoned_act_options, reissue},
      {"remises picked-up", "REMISE", "your word that the lieu has it (--why)", picked_up_help, 1, 1,
       reasoned_act_options, picked_up}};
}

}  // namespace navette::cli
