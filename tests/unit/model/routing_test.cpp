#include "model/routing.h"

#include <catch2/catch.hpp>

#include "support/times.h"

using namespace navette;
using namespace navette::model;
using test::day;

namespace {

using Codes = std::map<std::string, std::vector<std::string>>;

Opening opening(LieuId lieu, VersionId version) {
  return {lieu, version, Immediat{}};
}

std::vector<LieuId> lieux_of(const Routed& routed) {
  std::vector<LieuId> out;
  for (const auto& o : routed.lieux) out.push_back(o.lieu);
  return out;
}

Convention base() {
  Convention c;
  c.caf = "421";
  c.numero = "CLI2025_00012";
  c.annexe.signed_on = day("2025-09-15");
  c.annexe.effective_from = day("2025-10-01");
  c.annexe.partenaire = {"24420077000018", "Métropole", "1 place"};
  c.annexe.communes = {"42218"};
  c.annexe.lieux = {{"rpe-a", "Relais", "", {"42218"}, DepotChannel{}}};
  c.annexe.personnes = {{"P1", "MME", "Vuillermet", "Odette", "o@example.org", "agent", day("2025-10-01"), {}}};
  return c;
}

enum class Result { unchanged, changed, added, refused };

struct Told {
  Result result = Result::refused;
  Code code = Code::conflit;
  bool operator==(const Told&) const = default;
};

Told told(const std::vector<Convention>& known, const Convention& incoming) {
  const Amendment a = amend(known, incoming);
  if (std::holds_alternative<NewVersion>(a)) return {Result::added, {}};
  if (const auto* same = std::get_if<SameVersion>(&a)) return {same->changed ? Result::changed : Result::unchanged, {}};
  return {Result::refused, std::get<Objection>(a).code};
}

Told refused(Code code) {
  return {Result::refused, code};
}
const Told added{Result::added, {}};
const Told changed{Result::changed, {}};
const Told unchanged{Result::unchanged, {}};

}  // namespace

TEST_CASE("R1: a demande goes to the lieux of the communes where care is wanted, each lieu once") {
  const Coverage coverage{{"42218", {opening(1, 10)}}, {"42207", {opening(2, 20), opening(1, 10)}}};
  const Routed routed = route(Codes{{"42218", {"42218"}}, {"42207", {"42207"}}}, coverage);
  CHECK(lieux_of(routed) == std::vector<LieuId>{2, 1});
  CHECK(routed.lieux[1].version == 10);
  CHECK(routed.served == std::vector<std::string>{"42207", "42218"});
  CHECK(routed.waiting.empty());
}

TEST_CASE("R11: a commune that nobody covers waits, the others are served") {
  const Coverage coverage{{"42218", {opening(1, 10)}}};
  const Routed routed = route(Codes{{"42218", {"42218"}}, {"2A004", {"2A004"}}}, coverage);
  CHECK(lieux_of(routed) == std::vector<LieuId>{1});
  CHECK(routed.served == std::vector<std::string>{"42218"});
  CHECK(routed.waiting == std::vector<std::string>{"2A004"});
}

TEST_CASE("R11: without any lieu everything waits") {
  const Routed routed = route(Codes{{"42218", {"42218"}}}, {});
  CHECK(routed.lieux.empty());
  CHECK(routed.waiting == std::vector<std::string>{"42218"});
}

TEST_CASE("R1: an arrondissement is served by a lieu that lists it and by one that lists its commune") {
  const Codes wanted{{"13201", {"13201", "13055"}}};
  CHECK(lieux_of(route(wanted, {{"13055", {opening(1, 10)}}})) == std::vector<LieuId>{1});
  CHECK(lieux_of(route(wanted, {{"13201", {opening(2, 20)}}})) == std::vector<LieuId>{2});
  CHECK(lieux_of(route(wanted, {{"13055", {opening(1, 10)}}, {"13201", {opening(2, 20)}}})) ==
        std::vector<LieuId>{2, 1});
  CHECK(route(wanted, {{"13202", {opening(3, 30)}}}).waiting == std::vector<std::string>{"13201"});
}

TEST_CASE("R12: a convention begins with version 1") {
  Convention c = base();
  CHECK(told({}, c) == added);
  for (const int version : {0, 2, 7}) {
    c.version = version;
    CHECK(told({}, c) == refused(Code::version_non_consecutive));
  }
}

TEST_CASE("R12: the next version is an avenant, any other is not consecutive") {
  Convention c = base();
  c.annexe.communes.push_back("42207");
  c.version = 2;
  CHECK(told({base()}, c) == added);
  c.version = 3;
  CHECK(told({base()}, c) == refused(Code::version_non_consecutive));
  Convention second = base();
  second.version = 2;
  CHECK(told({base(), second}, base()) == refused(Code::version_non_consecutive));
  CHECK(told({base(), second}, c) == added);
}

TEST_CASE("the same convention again changes nothing") {
  CHECK(told({base()}, base()) == unchanged);
}

TEST_CASE("R12: what was signed changes by avenant only, field by field") {
  struct Change {
    const char* name;
    const char* element;
    std::string value;
    void (*change)(Convention&);
  };
  const std::vector<Change> changes = {
      {"signature", "dateSignature", "", [](Convention& c) { c.annexe.signed_on = day("2025-09-16"); }},
      {"effect", "dateEffet", "", [](Convention& c) { c.annexe.effective_from = day("2025-10-02"); }},
      {"establishment's SIRET", "partenaire", "", [](Convention& c) { c.annexe.partenaire.siret = "24420077000026"; }},
      {"partner's name", "partenaire", "", [](Convention& c) { c.annexe.partenaire.nom = "Autre"; }},
      {"partner's address", "partenaire", "", [](Convention& c) { c.annexe.partenaire.adresse = "2 place"; }},
      {"communes", "codeInsee", "42207", [](Convention& c) { c.annexe.communes.push_back("42207"); }},
      {"lieu added", "lieu", "rpe-b",
       [](Convention& c) {
         c.annexe.lieux.push_back({"rpe-b", "", "", {}, DepotChannel{}});
       }},
      {"lieu's communes", "lieu", "rpe-a", [](Convention& c) { c.annexe.lieux[0].communes.clear(); }},
      {"lieu's channel", "lieu", "rpe-a", [](Convention& c) { c.annexe.lieux[0].channel = SftpChannel{"<sftp/>"}; }},
      {"establishments", "etablissement", "", [](Convention& c) { c.annexe.etablissements.push_back({}); }},
      {"pickup delay", "delaiRetrait", "", [](Convention& c) { c.annexe.pickup_days = 5; }},
      {"retention", "conservation", "", [](Convention& c) { c.annexe.retention_months = 3; }},
      {"cadence", "cadence", "", [](Convention& c) { c.annexe.cadence = Immediat{}; }},
      {"person added", "personnes", "", [](Convention& c) { c.annexe.personnes.push_back(c.annexe.personnes[0]); }},
      {"person removed", "personnes", "", [](Convention& c) { c.annexe.personnes.clear(); }},
      {"person's e-mail", "personne", "P1", [](Convention& c) { c.annexe.personnes[0].courriel = "x@example.org"; }},
      {"person's role", "personne", "P1", [](Convention& c) { c.annexe.personnes[0].role = "directeur"; }},
      {"person's first day", "personne", "P1", [](Convention& c) { c.annexe.personnes[0].from = day("2025-11-01"); }}};
  for (const auto& [name, element, value, change] : changes) {
    INFO(name);
    Convention c = base();
    change(c);
    CHECK(std::get<Objection>(amend({base()}, c)) == Objection{Code::avenant_requis, element, value});
    c.version = 2;
    if (name != std::string("effect")) CHECK(told({base()}, c) == added);
  }
}

TEST_CASE("R13: a departure needs no avenant; it may come earlier, never later, never be undone") {
  Convention gone = base();
  gone.annexe.personnes[0].to = day("2026-06-30");
  CHECK(told({base()}, gone) == changed);
  CHECK(told({gone}, gone) == unchanged);
  CHECK(told({gone}, base()) == refused(Code::avenant_requis));
  Convention earlier = gone;
  earlier.annexe.personnes[0].to = day("2026-06-29");
  CHECK(told({gone}, earlier) == changed);
  CHECK(told({earlier}, gone) == refused(Code::avenant_requis));
}

TEST_CASE(
    "R13: while an avenant waits for its day, a person departs from the version in force, and nothing else changes") {
  Convention second = base();
  second.version = 2;
  second.annexe.effective_from = day("2026-12-20");
  second.annexe.personnes.clear();
  Convention gone = base();
  gone.annexe.personnes[0].to = day("2026-11-19");
  CHECK(told({base(), second}, gone) == changed);
  CHECK(told({gone, second}, gone) == refused(Code::version_non_consecutive));
  Convention more = gone;
  more.annexe.pickup_days = 5;
  CHECK(told({base(), second}, more) == refused(Code::version_non_consecutive));
  Convention suspended = gone;
  suspended.suspension = Suspension{day("2026-11-19"), "travaux"};
  CHECK(told({base(), second}, suspended) == refused(Code::version_non_consecutive));
}

TEST_CASE("an activation may be recorded once, and neither moves nor goes") {
  Convention active = base();
  active.activated_on = day("2025-10-01");
  CHECK(told({base()}, active) == changed);
  CHECK(told({active}, active) == unchanged);
  CHECK(told({active}, base()) == refused(Code::dates_incoherentes));
  Convention moved = active;
  moved.activated_on = day("2025-10-02");
  CHECK(told({active}, moved) == refused(Code::dates_incoherentes));
}

TEST_CASE("a suspension comes, moves and is lifted without avenant") {
  Convention suspended = base();
  suspended.suspension = Suspension{day("2026-01-01"), "travaux"};
  Convention moved = base();
  moved.suspension = Suspension{day("2026-02-01"), "travaux"};
  CHECK(told({base()}, suspended) == changed);
  CHECK(told({suspended}, moved) == changed);
  CHECK(told({suspended}, base()) == changed);
}

TEST_CASE("R8: an end once recorded stays as it is") {
  Convention ended = base();
  ended.termination = Termination{TerminationCause::manquement, day("2026-05-01"), day("2026-06-30")};
  CHECK(told({base()}, ended) == changed);
  CHECK(told({ended}, ended) == unchanged);
  CHECK(told({ended}, base()) == refused(Code::convention_terminee));
  Convention later = ended;
  later.termination->last_day = day("2026-12-31");
  CHECK(told({ended}, later) == refused(Code::convention_terminee));
}

TEST_CASE("R12: an avenant of an ended convention must take effect before the end and keep it") {
  Convention ended = base();
  ended.termination = Termination{TerminationCause::manquement, day("2026-05-01"), day("2026-06-30")};
  Convention avenant = ended;
  avenant.version = 2;
  avenant.annexe.effective_from = day("2026-06-30");
  CHECK(told({ended}, avenant) == added);
  avenant.annexe.effective_from = day("2026-07-01");
  CHECK(told({ended}, avenant) == refused(Code::convention_terminee));
  avenant.annexe.effective_from = day("2026-06-01");
  avenant.termination.reset();
  CHECK(told({ended}, avenant) == refused(Code::convention_terminee));
}

TEST_CASE("R12: an avenant cannot take effect before the version it replaces") {
  Convention avenant = base();
  avenant.version = 2;
  avenant.annexe.effective_from = day("2025-09-30");
  CHECK(told({base()}, avenant) == refused(Code::dates_incoherentes));
  avenant.annexe.effective_from = day("2025-10-01");
  CHECK(told({base()}, avenant) == added);
}

TEST_CASE("another partner or another kind under the same number is a conflict, even as an avenant") {
  for (const int version : {1, 2}) {
    Convention other = base();
    other.version = version;
    other.annexe.partenaire.siret = "20006588600018";
    CHECK(told({base()}, other) == refused(Code::conflit));
    other = base();
    other.version = version;
    other.kind = ConventionKind::structures;
    CHECK(told({base()}, other) == refused(Code::conflit));
  }
}
