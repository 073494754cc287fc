// Partners' SFTP servers and boxes, and the mail server.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "base/parallel.h"
#include "base/text.h"
#include "channels/probe.h"
#include "cli/checks.h"
#include "cli/open_store.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "daemon/settings.h"
#include "flux/channel_profile.h"
#include "model/civil_time.h"
#include "store/listing.h"

namespace navette::cli {
namespace {

using channels::Probe;

constexpr unsigned at_a_time = 32;  // mostly waiting

Finding finding_of(const char* subject, const std::string& what, const std::string& well, const Probe& probe) {
  const std::string passed = text::join(probe.passed, ", ");
  if (probe.failed.empty()) return {Health::ok, subject, fmt::format("{} {} ({})", what, well, passed)};
  const std::string before = passed.empty() ? "" : fmt::format(" (went well: {})", passed);
  return {probe.delivers ? Health::warn : Health::bad, subject,
          fmt::format("{}, {}: {}; {}{}", what, probe.failed, probe.problem, probe.advice, before)};
}

std::string when(const store::ServedLieu& lieu, Instant now) {
  if (lieu.in_force(model::paris_day(now))) return "";
  return lieu.from ? "; from " + model::to_iso(*lieu.from) + " on" : "; not activated yet";
}

// What is wrong with what is to come is no fault yet.
Finding in_time(const store::ServedLieu& lieu, Instant now, Finding finding) {
  if (finding.health == Health::bad && !lieu.in_force(model::paris_day(now))) finding.health = Health::warn;
  return finding;
}

class PartnerCheck {
 public:
  PartnerCheck(const config::Config& config, Instant now, bool reach, const std::stop_token& stop)
      : config_(config),
        credentials_(config.credentials.directory, config.mail.credential),
        now_(now),
        reach_(reach),
        stop_(stop) {}

  Finding mail() const {
    const Probe probe = channels::probe_mail(daemon::mail_settings(config_), config_.mail.from, credentials_,
                                             config_.daemon.patience, stop_);
    return finding_of("reach", fmt::format("mail server {}:{}", config_.mail.host, config_.mail.port), "takes mails",
                      probe);
  }

  // What the lieux of one account, asked one after another, have in common.
  struct AtAccount {
    std::optional<Probe> silent;  // that of a lieu whose server did not answer: the others need not wait for it too
  };
  // `met`: as Probe::places.
  Finding partner(const store::ServedLieu& lieu, AtAccount& account, std::vector<model::Place>& met) const {
    return in_time(lieu, now_, lieu.canal == "courriel" ? box(lieu) : server(lieu, account, met));
  }

 private:
  // No mail is sent: the mail server is tried by itself.
  Finding box(const store::ServedLieu& lieu) const {
    constexpr const char* subject = "partner";
    try {
      const auto p = flux::read_courriel_profile(lieu.profil);
      const Instant needed = lieu.from ? std::max(now_, model::start_of(*lieu.from)) : now_;
      return finding_of(subject, fmt::format("{} (courriel{})", lieu.identifiant, when(lieu, now_)),
                        "has its credentials", channels::probe_credentials(p, credentials_, needed));
    } catch (const std::exception& e) {
      return {Health::bad, subject, fmt::format("{}: {}", lieu.identifiant, describe(e))};
    }
  }

  Finding server(const store::ServedLieu& lieu, AtAccount& account, std::vector<model::Place>& met) const {
    const char* subject = reach_ ? "reach" : "partner";
    try {
      const model::SftpProfile p = flux::read_sftp_profile(lieu.profil);
      const std::string what = fmt::format("{} (sftp {}:{}{})", lieu.identifiant, p.host, p.port, when(lieu, now_));
      if (!reach_)
        return finding_of(subject, what, "has its credentials", channels::probe_credentials(p, credentials_));
      Probe probe =
          account.silent ? *account.silent : channels::probe_sftp(p, credentials_, config_.daemon.patience, stop_);
      if (!probe.answered) account.silent = probe;
      met = std::move(probe.places);
      if (!probe.failed.empty() && p.window && model::next_opening(*p.window, now_))
        probe.advice += "; its <fenetreEnvoi> is closed now";
      return finding_of(subject, what, "takes deliveries", probe);
    } catch (const std::exception& e) {
      return {Health::bad, subject, fmt::format("{}: {}", lieu.identifiant, describe(e))};
    }
  }

  const config::Config& config_;
  channels::Credentials credentials_;
  Instant now_;
  bool reach_;
  const std::stop_token& stop_;
};

struct Placed {
  std::string lieu;
  model::Place place;
};

// Those of its profile and, where its server was asked, those that the server has them for.
std::vector<Placed> placed(const store::ServedLieu& lieu, const std::vector<model::Place>& met) {
  std::vector<Placed> out;
  if (lieu.canal != "sftp") return out;
  try {
    for (model::Place& place : model::places(flux::read_sftp_profile(lieu.profil)))
      out.push_back({lieu.identifiant, std::move(place)});
  } catch (const Error&) {  // a damaged profile is PartnerCheck's finding
  }
  for (const model::Place& place : met) out.push_back({lieu.identifiant, place});
  return out;
}

// Conventions from before this was refused (REPERTOIRE_PARTAGE), and directories of two names at the server.
Findings shared_places(const std::vector<Placed>& all) {
  std::multimap<std::string_view, const Placed*> by_user;
  std::map<std::string, std::set<std::string>> shared;  // by directory: lieux
  for (const Placed& one : all) {
    const auto [begin, end] = by_user.equal_range(one.place.user);
    for (auto other = begin; other != end; ++other) {
      if (one.lieu != other->second->lieu && collide(one.place, other->second->place))
        shared[one.place.directory].insert({one.lieu, other->second->lieu});
    }
    by_user.emplace(one.place.user, &one);
  }
  Findings out;
  std::set<std::set<std::string>> told;
  for (const auto& [directory, lieux] : shared) {
    if (!told.insert(lieux).second) continue;  // the same directory's other name
    out.push_back({Health::bad, "partner",
                   fmt::format("{} share the directory {}: what is fetched or taken back for one goes from the other; "
                               "give each its own <repertoire> and <repertoireRetour>, or, if only remises lie there, "
                               "say <creationRepertoire>true</creationRepertoire>",
                               text::join({lieux.begin(), lieux.end()}, ", "), directory)});
  }
  return out;
}

// Conventions from before this was refused (JUSTIFICATIF_INTERDIT), or from before another Caf came.
Findings foreign_credentials(const config::Config& config, const std::vector<store::ServedLieu>& lieux, Instant now) {
  const bool alone = stages::serves_one_caf(daemon::senders_of(config));
  Findings out;
  std::set<std::pair<std::string, std::string>> told;  // by the first version that names it
  for (const store::ServedLieu& lieu : lieux) {
    try {
      const auto named = lieu.canal == "sftp" ? model::named_credentials(flux::read_sftp_profile(lieu.profil))
                                              : model::named_credentials(flux::read_courriel_profile(lieu.profil));
      for (const model::NamedCredential& one : named) {
        if (model::belongs_to(one.name, lieu.caf, alone) || !told.emplace(lieu.identifiant, one.name).second) continue;
        const std::string time = when(lieu, now);
        const Finding finding{
            Health::bad, "partner",
            fmt::format("{}{} names the credential {}, which is not Caf {}'s; give it one of its own: caf-{}-…",
                        lieu.identifiant, time.empty() ? "" : " (" + time.substr(2) + ")", one.name, lieu.caf,
                        lieu.caf)};
        out.push_back(in_time(lieu, now, finding));
      }
    } catch (const Error&) {  // a damaged profile is PartnerCheck's finding
    }
  }
  return out;
}

// Those of today, and those to come: a partner is best tried before. A database that cannot be read is
// check_database's finding.
std::vector<store::ServedLieu> partners_lieux(const config::Config& config, Instant now) {
  try {
    if (!std::filesystem::exists(config.state.database)) return {};
    return store::lieux_served_elsewhere(open_for_reading(config)->connection(), model::paris_day(now));
  } catch (const std::exception&) {
    return {};
  }
}

// Partners let in few connections at a time, deliveries keep to <connexions>: lieux of one account are tried one after
// another.
std::vector<std::vector<std::size_t>> by_account(const std::vector<store::ServedLieu>& lieux) {
  std::map<std::string, std::vector<std::size_t>> accounts;
  for (std::size_t i = 0; i < lieux.size(); ++i) {
    std::string account = lieux[i].identifiant;  // of its own, where it has no server
    for (const Placed& one : placed(lieux[i], {})) account = one.place.user + "@" + one.place.server;
    accounts[account].push_back(i);
  }
  std::vector<std::vector<std::size_t>> out;
  out.reserve(accounts.size());
  for (auto& [account, members] : accounts) out.push_back(std::move(members));
  return out;
}

}  // namespace

Findings check_partners(const config::Config& config, const Clock& clock, bool reach, const std::stop_token& stop) {
  const Instant now = clock.now();
  const auto lieux = partners_lieux(config, now);
  const PartnerCheck check(config, now, reach, stop);
  Findings out(lieux.size(), Finding{Health::warn, "reach", "not tried: stopped"});
  std::vector<std::vector<model::Place>> met(lieux.size());
  const auto accounts = by_account(lieux);
  ProgressBar bar(reach && stderr_is_terminal());
  std::atomic<std::size_t> done = 0;
  parallel_for(accounts.size(), at_a_time, [&](std::size_t a) {
    PartnerCheck::AtAccount account;
    for (const std::size_t i : accounts[a]) {
      if (stop.stop_requested()) return;
      out[i] = check.partner(lieux[i], account, met[i]);
      bar.update("reach", ++done, lieux.size());
    }
  });
  if (reach && !config.mail.host.empty() && !stop.stop_requested()) out.insert(out.begin(), check.mail());
  std::vector<Placed> all;
  for (std::size_t i = 0; i < lieux.size(); ++i) {
    if (!lieux[i].in_force(model::paris_day(now))) continue;  // what another holds until then is no fault
    auto of_lieu = placed(lieux[i], met[i]);
    std::move(of_lieu.begin(), of_lieu.end(), std::back_inserter(all));
  }
  Findings shared = shared_places(all);
  std::move(shared.begin(), shared.end(), std::back_inserter(out));
  Findings foreign = foreign_credentials(config, lieux, now);
  std::move(foreign.begin(), foreign.end(), std::back_inserter(out));
  return out;
}

}  // namespace navette::cli
