#include "store/store.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "model/civil_time.h"
#include "store/schema.h"
#include "store/shared_sql.h"

namespace navette::store {

Store::Store(const std::string& path, std::string actor, Access access)
    : db_(path,
          access == Access::read_only ? sqlite::Connection::Access::read_only : sqlite::Connection::Access::read_write),
      actor_(std::move(actor)) {
  if (access == Access::read_write) {
    migrate(db_);
  } else {
    require_current(db_);
  }
}

void Store::trace(Instant at, const std::string& action, const std::string& object, const std::string& detail) {
  append_trace(db_, at, actor_, {action, object, detail});
}

void Store::add_trace(const TraceEntry& entry, Instant now) {
  sqlite::Transaction transaction(db_);
  append_trace(db_, now, actor_, entry);
  transaction.commit();
}

std::string Store::trace_head() {
  auto q = db_.query("SELECT seq, hash FROM trace ORDER BY seq DESC LIMIT 1");
  return q.step() ? q.text(0) + ":" + q.text(1) : "";
}

std::optional<Instant> Store::last_worked() {
  auto q = db_.query("SELECT le FROM trace WHERE acteur = 'navette' OR action = ? ORDER BY seq DESC LIMIT 1");
  return q.bind(clock_trusted).step() ? std::optional(instant_from(q.integer(0))) : std::nullopt;
}

// Called after every pass: what may be many is counted as it changes, the rest has an index of its own.
Counts Store::counts() {
  const auto count = [&](const char* sql) {
    auto q = db_.query(sql);
    q.step();
    return static_cast<std::uint64_t>(q.integer(0));
  };
  const auto counter = [&](const char* name) {
    auto q = db_.query("SELECT valeur FROM compteur WHERE nom = ?");
    return q.bind(name).step() ? static_cast<std::uint64_t>(q.integer(0)) : 0;
  };
  Counts c;
  c.flux_received = count("SELECT count(*) FROM flux WHERE etat = 'recu'");
  c.unrouted = count(
      "SELECT count(DISTINCT w.demande_id) FROM demande_commune w JOIN demande d ON d.id = w.demande_id "
      "WHERE w.etat = 'nouvelle' AND d.admise = 1");
  c.sans_lieu = counter("demande.sans-lieu");
  c.waiting = counter("acheminement.a-remettre");
  c.held_acheminements = counter("acheminement.retenu");
  c.held_demandes = count("SELECT count(*) FROM demande WHERE retenue IS NOT NULL") +
                    count(
                        "SELECT count(DISTINCT a.demande_id) FROM acheminement a JOIN demande d ON d.id = a.demande_id "
                        "WHERE a.etat = 'retenu' AND d.retenue IS NULL");
  c.ready_remises = count("SELECT count(*) FROM remise WHERE etat = 'prete'");
  c.held_remises = count("SELECT count(*) FROM remise WHERE id IN " HELD_REMISES);
  c.remises_in_trouble = count("SELECT count(*) FROM remise r CROSS JOIN lieu l ON l.id = r.lieu_id WHERE " IN_TROUBLE);
  c.notifications_waiting = count("SELECT count(*) FROM notification WHERE etat = 'a-envoyer'");
  c.notifications_in_trouble =
      count("SELECT count(*) FROM notification WHERE etat = 'a-envoyer' AND tentatives > 0 AND retenue = 0");
  c.held_notifications = count("SELECT count(*) FROM notification WHERE etat = 'a-envoyer' AND retenue = 1");
  c.destructions_waiting = count("SELECT count(*) FROM remise WHERE etat = 'a-detruire'");
  c.recalls_waiting = count("SELECT count(*) FROM remise WHERE etat = 'a-rappeler'");
  c.suspended_lieux = count("SELECT count(*) FROM lieu WHERE suspendu IS NOT NULL");
  auto held = db_.query(
      "SELECT identifiant, coalesce(erreur_le, 0), (SELECT count(*) FROM remise r WHERE r.lieu_id = l.id AND "
      "r.etat IN ('prete', 'retenue')) FROM lieu l WHERE retenu = 1 ORDER BY erreur_le, identifiant");
  while (held.step()) {
    c.held_lieux.push_back({held.text(0), instant_from(held.integer(1)), static_cast<std::uint64_t>(held.integer(2))});
  }
  return c;
}

std::vector<Incident> Store::incidents() {
  std::vector<Incident> out;
  auto q = db_.query("SELECT cle, texte, depuis FROM incident ORDER BY depuis, cle");
  while (q.step()) out.push_back({q.text(0), q.text(1), instant_from(q.integer(2))});
  return out;
}

void Store::set_incidents(const std::vector<Incident>& met, Instant now) {
  std::map<std::string, std::string> wanted;
  for (const Incident& i : met) wanted[i.key] = i.text;
  std::map<std::string, std::string> known;
  for (const Incident& i : incidents()) known[i.key] = i.text;
  if (wanted == known) return;  // an idle pass writes nothing
  sqlite::Transaction transaction(db_);
  for (const auto& [key, text] : known) {
    if (!wanted.contains(key)) db_.query("DELETE FROM incident WHERE cle = ?").bind(key).run();
  }
  for (const auto& [key, text] : wanted) {
    db_.query("INSERT INTO incident VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET texte = excluded.texte")
        .bind(key, text, to_column(now))
        .run();
  }
  transaction.commit();
}

std::optional<Instant> Store::next_due(Instant now) {
  // A convention may begin or end at midnight.
  Instant next = model::start_of(model::plus_days(model::paris_day(now), 1));
  const auto consider = [&](const char* sql) {
    auto q = db_.query(sql);
    if (q.step() && !q.is_null(0)) next = std::min(next, instant_from(q.integer(0)));
  };
  consider(
      "SELECT min((SELECT min(du) FROM acheminement a WHERE a.lieu_id = l.id AND a.etat = 'a-remettre')) "
      "FROM lieu l WHERE l.suspendu IS NULL");
  consider(
      "SELECT min(max(r.prochaine, l.prochaine)) FROM remise r JOIN lieu l ON l.id = r.lieu_id "
      "WHERE r.etat = 'prete' AND l.suspendu IS NULL AND l.retenu = 0");
  consider("SELECT min(iif(" WITHDRAWN_MAIL
           ", r.prochaine, max(r.prochaine, l.prochaine))) FROM remise r JOIN lieu l ON l.id = r.lieu_id "
           "WHERE r.etat = 'a-rappeler' AND (l.retenu = 0 OR " WITHDRAWN_MAIL ")");
  consider("SELECT min(prochaine) FROM alerte WHERE acceptee_le IS NULL AND jour = (SELECT max(jour) FROM alerte)");
  consider("SELECT min(prochaine) FROM notification WHERE etat = 'a-envoyer' AND retenue = 0");
  return std::max(next, now);
}

std::int64_t to_column(Instant at) {
  return at.time_since_epoch().count();
}
Instant instant_from(std::int64_t column) {
  return Instant(std::chrono::milliseconds(column));
}

std::optional<Instant> instant_from(const std::optional<std::int64_t>& column) {
  return column ? std::optional(instant_from(*column)) : std::nullopt;
}

std::optional<std::string> to_column(const std::optional<model::Day>& day) {
  return day ? std::optional(model::to_iso(*day)) : std::nullopt;
}

std::optional<model::Day> day_from(const std::optional<std::string>& column) {
  if (!column) return std::nullopt;
  const auto day = model::parse_day(*column);
  if (!day) throw Error("the database holds a day that is none");
  return day;
}

model::Cadence cadence_from(const std::string& column) {
  if (column == "immediat") return model::Immediat{};
  const auto at = model::parse_time_of_day(column.substr(column.rfind(' ') + 1));
  if (!at) throw Error("unknown cadence in the database");
  return model::Quotidien{*at};
}

model::Channel channel_from(const std::string& kind, const std::string& profile) {
  if (kind == "depot") return model::DepotChannel{};
  if (kind == "sftp") return model::SftpChannel{profile};
  if (kind == "courriel") return model::CourrielChannel{profile};
  throw Error("unknown channel in the database");
}

std::string to_string(FluxState state) {
  switch (state) {
    case FluxState::accepte:
      return "accepte";
    case FluxState::partiel:
      return "partiel";
    case FluxState::refuse:
      return "refuse";
    case FluxState::doublon:
      return "doublon";
  }
  return {};
}

}  // namespace navette::store
