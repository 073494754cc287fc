#include "stages/conventions_intake.h"

#include <algorithm>

#include "flux/channel_profile.h"
#include "model/civil_time.h"
#include "model/routing.h"

namespace navette::stages {

using model::Code;
using model::Convention;
using model::Objection;

namespace {

std::string siren_of(const Convention& convention) {
  return convention.annexe.partenaire.siret.substr(0, 9);
}

}  // namespace

std::optional<Objection> ConventionsIntake::add(Convention convention) {
  convention.caf = sender_.caf;
  if (told_.contains(convention.numero)) return Objection{Code::reference_en_double, "numero"};
  const auto known = tools_.store.convention_versions(convention.caf, convention.numero);
  if (!created_.empty() && created_ < tools_.store.convention_told_at(convention.caf, convention.numero)) {
    return Objection{Code::flux_anterieur};
  }
  const model::Amendment amendment = model::amend(known, convention);
  if (const auto* objection = std::get_if<Objection>(&amendment)) return *objection;
  const auto* same = std::get_if<model::SameVersion>(&amendment);
  // The communes and lieux of a version never change, and they were looked at when it came: what suspends it, ends it
  // or lets a person go (R13) is taken even if a commune has been merged away since, or another convention holds a
  // lieu.
  if (same == nullptr) {
    if (auto objection = check_communes(convention)) return objection;
    if (auto objection = check_sender(convention)) return objection;
    if (auto objection = check_credentials(convention)) return objection;
    if (auto objection = check_lieux(convention)) return objection;
    if (auto objection = check_places(convention)) return objection;
    hold_lieux(convention);
  }
  told_.emplace(convention.numero, changes_.size());
  if (same != nullptr && !same->changed) {
    changes_.push_back({std::move(convention), false, created_, true, {}});
    return std::nullopt;
  }
  // A suspension lifted, or an end, changes every version: what any of them opens is looked at again.
  std::set<std::string> opened = opened_by(convention);
  for (const Convention& version : known) opened.merge(opened_by(version));
  changes_.push_back({std::move(convention), same == nullptr, created_, false, {opened.begin(), opened.end()}});
  return std::nullopt;
}

std::optional<Objection> ConventionsIntake::check_communes(const Convention& convention) const {
  const auto unknown = [&](const std::string& insee) { return tools_.reference.find(insee) == nullptr; };
  const auto& communes = convention.annexe.communes;
  const auto commune = std::find_if(communes.begin(), communes.end(), unknown);
  if (commune != communes.end()) return Objection{Code::commune_inconnue, "codeInsee", *commune};
  for (const model::Lieu& lieu : convention.annexe.lieux) {
    const auto of_lieu = std::find_if(lieu.communes.begin(), lieu.communes.end(), unknown);
    if (of_lieu != lieu.communes.end()) return Objection{Code::commune_inconnue, "codeInsee", *of_lieu};
  }
  for (const model::Etablissement& e : convention.annexe.etablissements) {
    if (unknown(e.commune)) return Objection{Code::commune_inconnue, "codeInsee", e.commune};
  }
  return std::nullopt;
}

// A Caf speaks for itself: its own communes, lieux that are no senders, channels that exist here.
std::optional<Objection> ConventionsIntake::check_sender(const Convention& convention) const {
  const auto elsewhere = [&](const std::string& insee) {
    const model::Commune* commune = tools_.reference.find(insee);
    return commune == nullptr || !sender_.departements.contains(commune->departement);
  };
  const auto& communes = convention.annexe.communes;
  if (!sender_.departements.empty()) {
    const auto commune = std::find_if(communes.begin(), communes.end(), elsewhere);
    if (commune != communes.end()) return Objection{Code::commune_hors_caf, "codeInsee", *commune};
  }
  for (const model::Lieu& lieu : convention.annexe.lieux) {
    // Its acknowledgements come in as from a sender of its name: it must not speak as another.
    if (tools_.senders.contains(lieu.identifiant)) {
      return Objection{Code::identifiant_reserve, "lieu", lieu.identifiant};
    }
    if (!tools_.channels.contains(kind_of(lieu.channel))) {
      return Objection{Code::canal_indisponible, "lieu", lieu.identifiant};
    }
  }
  return std::nullopt;
}

// No Caf has another's secrets, or those for another use, sent to a server of its choice (docs/adr/0015).
std::optional<Objection> ConventionsIntake::check_credentials(const Convention& convention) const {
  const bool alone = serves_one_caf(tools_.senders);
  for (const model::Lieu& lieu : convention.annexe.lieux) {
    for (const model::NamedCredential& named : flux::named_credentials(lieu.channel)) {
      if (fits(named) && model::belongs_to(named.name, convention.caf, alone)) continue;
      return Objection{Code::justificatif_interdit, "lieu", lieu.identifiant};
    }
  }
  return std::nullopt;
}

// A lieu belongs to one partner for ever (its dépôt holds that partner's remises) and to one convention at a time: the
// next one may follow on the day after the former's end.
std::optional<Objection> ConventionsIntake::check_lieux(const Convention& convention) const {
  const std::string siren = siren_of(convention);
  const auto term = model::term(convention);
  const auto taken = [&](const std::optional<model::Interval>& by_other) {
    return term && by_other && term->overlaps(*by_other);
  };
  for (const model::Lieu& lieu : convention.annexe.lieux) {
    const Objection objection{Code::lieu_rattache_ailleurs, "lieu", lieu.identifiant};
    const auto [begin, end] = held_.equal_range(lieu.identifiant);
    const bool held =
        std::any_of(begin, end, [&](const auto& h) { return h.second.siren != siren || taken(h.second.during); });
    if (held) return objection;
    const auto owner = tools_.store.lieu_owner(lieu.identifiant, convention.numero);
    if (!owner) continue;
    if (owner->caf != convention.caf || owner->siren != siren) return objection;
    const bool kept = std::any_of(owner->tenures.begin(), owner->tenures.end(),
                                  [&](const store::Store::Tenure& t) { return taken(as_told(t)); });
    if (kept) return objection;
  }
  return std::nullopt;
}

// Two lieux with one directory would lose each other's files (model::places). Within one convention
// flux::check_convention looks.
std::optional<Objection> ConventionsIntake::check_places(const Convention& convention) {
  for (const model::Lieu& lieu : convention.annexe.lieux) {
    for (const model::Place& place : flux::places(lieu.channel)) {
      if (is_taken(place, lieu.identifiant, convention)) {
        return Objection{Code::repertoire_partage, "lieu", lieu.identifiant};
      }
    }
  }
  return std::nullopt;
}

bool ConventionsIntake::is_taken(const model::Place& place, const std::string& lieu, const Convention& convention) {
  if (!known_places_) {
    known_places_.emplace();
    for (const store::Store::SftpLieu& known : tools_.store.sftp_lieux()) {
      for (model::Place& of_known : flux::places(known.channel)) {
        std::string user = of_known.user;
        known_places_->emplace(std::move(user), KnownPlace{std::move(of_known), known.lieu, known.caf, known.tenure});
      }
    }
    for (const store::Store::SftpLieu& using_it : tools_.store.sftp_lieux_with_remises(tools_.clock.now())) {
      for (model::Place& of_used : flux::places(using_it.channel)) {
        std::string user = of_used.user;
        used_places_.emplace(std::move(user), HeldPlace{std::move(of_used), using_it.lieu, std::nullopt});
      }
    }
  }
  const auto term = model::term(convention);
  const auto taken = [&](const std::optional<model::Interval>& by_other) {
    return term && by_other && term->overlaps(*by_other);
  };
  const auto [held, held_end] = held_places_.equal_range(place.user);
  const bool in_flux = std::any_of(held, held_end, [&](const auto& h) {
    return h.second.lieu != lieu && collide(h.second.place, place) && taken(h.second.during);
  });
  if (in_flux) return true;
  // Looked for and removed by name: what a lieu's former directory still holds is not handed to another.
  const auto [used, used_end] = used_places_.equal_range(place.user);
  if (std::any_of(used, used_end,
                  [&](const auto& u) { return u.second.lieu != lieu && collide(u.second.place, place); }))
    return true;
  const auto [known, known_end] = known_places_->equal_range(place.user);
  return std::any_of(known, known_end, [&](const auto& k) {
    const KnownPlace& other = k.second;
    if (other.lieu == lieu || !collide(other.place, place)) return false;
    const bool ours = other.caf == convention.caf;
    const bool former = ours && other.tenure.convention == convention.numero;  // a version that this one replaces
    return !former && taken(ours ? as_told(other.tenure) : other.tenure.during);
  });
}

void ConventionsIntake::hold_lieux(const Convention& convention) {
  const auto term = model::term(convention);
  for (const model::Lieu& lieu : convention.annexe.lieux) {
    held_.emplace(lieu.identifiant, Holding{siren_of(convention), term});
    for (model::Place& place : flux::places(lieu.channel)) {
      std::string user = place.user;
      held_places_.emplace(std::move(user), HeldPlace{std::move(place), lieu.identifiant, term});
    }
  }
}

// What the store knows, shortened by what this flux told before: an end, an avenant.
std::optional<model::Interval> ConventionsIntake::as_told(const store::Store::Tenure& tenure) const {
  model::Interval during = tenure.during;
  const auto told = told_.find(tenure.convention);
  if (told == told_.end()) return during;
  const auto end_by = [&](model::Day last) { during.to = during.to ? std::min(*during.to, last) : last; };
  const Convention& now = changes_[told->second].convention;
  if (now.termination) end_by(now.termination->last_day);
  const auto replaced_on = now.version > tenure.version ? model::starts_on(now) : std::nullopt;
  if (replaced_on) end_by(model::plus_days(*replaced_on, -1));
  if (during.to && *during.to < during.from) return std::nullopt;
  return during;
}

std::set<std::string> ConventionsIntake::opened_by(const Convention& convention) const {
  std::set<std::string> codes;
  for (const model::Lieu& lieu : convention.annexe.lieux) {
    for (const std::string& insee : lieu.communes) {
      codes.insert(insee);
      const auto inner = tools_.reference.arrondissements_of(insee);
      codes.insert(inner.begin(), inner.end());
    }
  }
  return codes;
}

}  // namespace navette::stages
