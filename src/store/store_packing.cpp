// Packing: what is due to a lieu becomes a remise.
#include <fmt/format.h>

#include "base/error.h"
#include "store/store.h"

namespace navette::store {
namespace {

using model::AcheminementEvent;

std::string kind_name(model::FileKind kind) {
  switch (kind) {
    case model::FileKind::pdf:
      return "pdf";
    case model::FileKind::xml:
      return "xml";
    case model::FileKind::cover_sheet:
      return "bordereau";
    case model::FileKind::manifest:
      return "manifeste";
  }
  return {};
}

std::vector<RowId> ids(sqlite::Query q) {
  std::vector<RowId> out;
  while (q.step()) out.push_back(q.integer(0));
  return out;
}

}  // namespace
std::vector<RowId> Store::lieux_due(Instant due_by) {
  auto q = db_.query(
      "SELECT l.id FROM lieu l WHERE l.suspendu IS NULL AND EXISTS "
      "(SELECT 1 FROM acheminement a WHERE a.lieu_id = l.id AND a.etat = 'a-remettre' AND a.du <= ?) ORDER BY l.id");
  q.bind(to_column(due_by));
  return ids(std::move(q));
}

std::string Store::lieu_name(RowId lieu) {
  auto q = db_.query("SELECT identifiant FROM lieu WHERE id = ?");
  return q.bind(lieu).step() ? q.text(0) : "";
}

std::size_t Store::due_count(Instant due_by) {
  auto q = db_.query(
      "SELECT coalesce(sum((SELECT count(*) FROM acheminement a WHERE a.lieu_id = l.id AND a.etat = 'a-remettre' AND "
      "a.du <= ?)), 0) FROM lieu l WHERE l.suspendu IS NULL");
  q.bind(to_column(due_by)).step();
  return static_cast<std::size_t>(q.integer(0));
}

std::optional<LieuInForce> Store::lieu_in_force(RowId lieu, model::Day day) {
  LieuInForce out;
  {
    auto q = db_.query(
        "SELECT l.id, l.identifiant, lv.nom, v.partenaire, c.caf, c.numero, v.version, v.id, v.delai_retrait, "
        "v.conservation, "
        "lv.canal, lv.profil FROM lieu l JOIN lieu_version lv ON lv.lieu_id = l.id JOIN version v ON v.id = "
        "lv.version_id "
        "JOIN convention c ON c.id = v.convention_id WHERE l.id = ?1 AND v.en_vigueur_du <= ?2 "
        "AND (v.en_vigueur_au IS NULL OR v.en_vigueur_au >= ?2) ORDER BY v.id DESC LIMIT 1");
    if (!q.bind(lieu, model::to_iso(day)).step()) return std::nullopt;
    out.id = q.integer(0);
    out.identifiant = q.text(1);
    out.nom = q.text(2);
    out.partenaire = q.text(3);
    out.caf = q.text(4);
    out.convention = q.text(5);
    out.version = static_cast<int>(q.integer(6));
    out.version_id = q.integer(7);
    out.pickup_days = static_cast<int>(q.integer(8));
    out.retention_months = static_cast<int>(q.integer(9));
    out.channel = channel_from(q.text(10), q.text(11));
  }
  auto q = db_.query("SELECT insee FROM lieu_commune WHERE version_id = ? AND lieu_id = ?");
  q.bind(out.version_id, lieu);
  while (q.step()) out.communes.insert(q.text(0));
  return out;
}

std::vector<DueAcheminement> Store::due_acheminements(RowId lieu, Instant due_by, std::size_t limit) {
  std::vector<DueAcheminement> out;
  {
    auto q = db_.query(
        "SELECT a.id, a.demande_id, d.emetteur, d.reference, EXISTS (SELECT 1 FROM acheminement o WHERE o.demande_id = "
        "a.demande_id AND o.etat = 'a-remettre' AND o.id <> a.id) FROM acheminement a JOIN demande d ON d.id = "
        "a.demande_id WHERE a.lieu_id = ? AND a.etat = 'a-remettre' AND a.du <= ? ORDER BY a.du, a.id LIMIT ?");
    q.bind(lieu, to_column(due_by), static_cast<std::int64_t>(limit));
    while (q.step()) out.push_back({q.integer(0), q.integer(1), q.text(2), q.text(3), {}, false, q.integer(4) != 0});
  }
  for (DueAcheminement& a : out) a.communes = communes_of(a.demande);
  return out;
}

std::optional<std::string> Store::charge(RowId demande) {
  auto q = db_.query("SELECT xml FROM charge WHERE demande_id = ?");
  if (!q.bind(demande).step()) return std::nullopt;
  return q.text(0);
}

std::string Store::next_remise_name(RowId lieu, model::Day day) {
  std::string prefix;
  {
    auto q = db_.query("SELECT identifiant FROM lieu WHERE id = ?");
    if (!q.bind(lieu).step()) throw Error("no such lieu");
    prefix = fmt::format("{}-{:04}{:02}{:02}-", q.text(0), static_cast<int>(day.year()),
                         static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  }
  auto q = db_.query("SELECT count(*) FROM remise WHERE nom > ?1 AND nom < ?1 || '~'");
  q.bind(prefix).step();
  return prefix + std::to_string(q.integer(0) + 1);
}

bool Store::apply_pack(const PackOutcome& outcome, Instant now) {
  sqlite::Transaction transaction(db_);
  const bool reissue = outcome.reissue.has_value();
  if (outcome.packed && !reissue) {
    for (const DueAcheminement& a : outcome.packed->acheminements) {
      if (acheminement_state(a.id) != model::AcheminementState::a_remettre) return false;
    }
  }
  for (const DueAcheminement& a : outcome.rights_lost) {
    set_acheminement(a.id, AcheminementEvent::rights_lost, "habilitation perdue");
    unroute(a);
    trace(now, "acheminement.annule", demande_object(a.demande), "motif=habilitation-perdue");
  }
  for (const FailedAcheminement& f : outcome.failed) {
    set_acheminement(f.id, AcheminementEvent::failed, f.reason);
    auto q = db_.query("SELECT demande_id FROM acheminement WHERE id = ?");
    q.bind(f.id).step();
    trace(now, "acheminement.retenu", demande_object(q.integer(0)), f.reason);
  }
  if (outcome.packed) {
    const PackedRemise& p = *outcome.packed;
    db_.query(
           "INSERT INTO remise (nom, lieu_id, version_id, etat, composee_le, nombre, delai_retrait, prochaine, "
           "reemise_de) VALUES (?, ?, ?, 'prete', ?, ?, ?, ?, ?)")
        .bind(p.name, p.lieu, p.version, to_column(now), static_cast<std::int64_t>(p.acheminements.size()),
              p.pickup_days)
        .bind(to_column(now), reissue ? std::optional(outcome.reissue->first_issue) : std::nullopt)
        .run();
    const RowId id = db_.last_insert_id();
    std::map<std::pair<std::string, std::string>, RowId> demandes;
    for (const DueAcheminement& a : p.acheminements) {
      demandes[{a.emetteur, a.reference}] = a.demande;
      if (reissue) continue;
      set_acheminement(a.id, AcheminementEvent::packed);
      db_.query("UPDATE acheminement SET remise_id = ?, version_id = ? WHERE id = ?").bind(id, p.version, a.id).run();
    }
    for (std::size_t i = 0; i < p.files.size(); ++i) {
      const model::RemiseFile& f = p.files[i];
      const auto of = demandes.find({f.emetteur, f.reference});
      db_.query(
             "INSERT INTO remise_fichier (remise_id, rang, nom, genre, taille, sha256, demande_id) VALUES (?, ?, ?, ?, "
             "?, ?, ?)")
          .bind(id, static_cast<std::int64_t>(i), f.name, kind_name(f.kind), static_cast<std::int64_t>(f.size),
                f.sha256)
          .bind(of == demandes.end() ? std::nullopt : std::optional(of->second))
          .run();
    }
    trace(
        now, "remise.composee", "remise:" + p.name,
        fmt::format("demandes={} manifeste={}{}", p.acheminements.size(), p.files.empty() ? "" : p.files.back().sha256,
                    reissue ? " reemise-de=" + outcome.reissue->name : ""));
  }
  if (reissue) db_.query("DELETE FROM reemission WHERE remise_id = ?").bind(outcome.reissue->first_issue).run();
  transaction.commit();
  return true;
}

}  // namespace navette::store
