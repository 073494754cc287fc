#include "model/convention.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace navette::model {
namespace {

bool all_digits(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The first anniversary of the signature that leaves three months after `received` (R12).
Day first_anniversary_with_notice(Day signed_on, Day received) {
  for (int years = 1;; ++years) {
    const Day anniversary = plus_months(signed_on, 12 * years);
    if (received <= plus_months(anniversary, -3)) return anniversary;
  }
}

}  // namespace

const char* kind_of(const Channel& channel) {
  if (std::holds_alternative<DepotChannel>(channel)) return "depot";
  return std::holds_alternative<SftpChannel>(channel) ? "sftp" : "courriel";
}

std::string to_string(const Cadence& cadence) {
  if (const auto* daily = std::get_if<Quotidien>(&cadence)) {
    return fmt::format("quotidien {:02}:{:02}", daily->at.count() / 60, daily->at.count() % 60);
  }
  return "immediat";
}

std::optional<Day> starts_on(const Convention& version) {
  if (!version.activated_on) return std::nullopt;
  return std::max({version.annexe.signed_on, *version.activated_on, version.annexe.effective_from});
}

std::optional<Interval> in_force(const Convention& version, const std::optional<Day>& replaced_on) {
  const auto start = starts_on(version);
  if (!start) return std::nullopt;
  Interval interval{*start, std::nullopt};
  const auto end_by = [&](Day last) { interval.to = interval.to ? std::min(*interval.to, last) : last; };
  if (version.termination) end_by(version.termination->last_day);
  if (version.suspension) end_by(plus_days(version.suspension->from, -1));
  if (replaced_on) end_by(plus_days(*replaced_on, -1));
  if (interval.to && *interval.to < interval.from) return std::nullopt;
  return interval;
}

std::optional<Interval> term(const Convention& version) {
  Interval interval{version.annexe.effective_from, std::nullopt};
  if (version.termination) interval.to = version.termination->last_day;
  if (interval.to && *interval.to < interval.from) return std::nullopt;
  return interval;
}

std::vector<Personne> habilitated(const std::vector<Personne>& personnes, Day day) {
  std::vector<Personne> out;
  std::copy_if(personnes.begin(), personnes.end(), std::back_inserter(out),
               [&](const Personne& p) { return p.from <= day && (!p.to || day <= *p.to); });
  return out;
}

std::string to_string(ConventionKind kind) {
  switch (kind) {
    case ConventionKind::lieu_information:
      return "lieu-information";
    case ConventionKind::structures:
      return "structures";
    case ConventionKind::mon_compte_partenaire:
      return "mon-compte-partenaire";
  }
  return {};
}

std::optional<ConventionKind> parse_convention_kind(const std::string& text) {
  for (const auto kind :
       {ConventionKind::lieu_information, ConventionKind::structures, ConventionKind::mon_compte_partenaire}) {
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

std::string to_string(TerminationCause cause) {
  switch (cause) {
    case TerminationCause::denonciation:
      return "denonciation";
    case TerminationCause::manquement:
      return "manquement";
    case TerminationCause::commun_accord:
      return "commun-accord";
  }
  return {};
}

std::optional<TerminationCause> parse_termination_cause(const std::string& text) {
  for (const auto cause :
       {TerminationCause::denonciation, TerminationCause::manquement, TerminationCause::commun_accord}) {
    if (to_string(cause) == text) return cause;
  }
  return std::nullopt;
}

bool is_valid_siret(const std::string& siret) {
  if (siret.size() != 14 || !all_digits(siret)) return false;
  // La Poste's offices; its head office has a Luhn key as everybody has.
  if (siret.starts_with("356000000") && siret != "35600000000048") {
    return std::accumulate(siret.begin(), siret.end(), 0, [](int sum, char c) { return sum + (c - '0'); }) % 5 == 0;
  }
  int sum = 0;
  for (std::size_t i = 0; i < siret.size(); ++i) {
    const int digit = siret[i] - '0';
    const int weighted = i % 2 == 0 ? 2 * digit : digit;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10 == 0;
}

bool has_sufficient_notice(ConventionKind kind, Day signed_on, const Termination& end) {
  if (end.last_day < end.received_on) return false;
  if (kind == ConventionKind::mon_compte_partenaire) {
    if (end.cause == TerminationCause::commun_accord) return true;
    const int months = end.cause == TerminationCause::denonciation ? 3 : 1;
    return end.last_day >= plus_months(end.received_on, months);
  }
  if (end.cause != TerminationCause::denonciation) return true;
  return end.last_day >= plus_days(first_anniversary_with_notice(signed_on, end.received_on), -1);
}

}  // namespace navette::model
