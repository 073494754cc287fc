#include "stages/pack.h"

#include <algorithm>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/text.h"
#include "channels/courriel_message.h"
#include "flux/bordereau.h"
#include "flux/channel_profile.h"
#include "flux/manifest.h"
#include "lib/crypto/sha256.h"
#include "model/civil_time.h"
#include "stages/rights.h"

namespace navette::stages {
namespace {

constexpr std::size_t chunk = 64;                         // demandes whose XML is in memory at one time
constexpr std::size_t max_kept = std::size_t{16} << 20U;  // bytes of documents that further lieux wait for
constexpr std::size_t portion = 500;  // demandes rendered before others get their turn: about a second

model::RemiseFile store_file(const Directory& dir, std::string name, model::FileKind kind, std::string_view bytes,
                             const store::DueAcheminement* of) {
  const UniqueFd fd = dir.open_file(name, O_WRONLY | O_CREAT | O_EXCL, 0640);
  write_all(fd.get(), bytes);
  return {std::move(name),        kind, bytes.size(), crypto::sha256_hex(bytes), of ? of->emetteur : "",
          of ? of->reference : ""};
}

std::string stem_of(const store::DueAcheminement& a) {
  return "DI_" + a.emetteur + "_" + a.reference;
}

// References that differ in case alone are two files here and one on many servers: what would be the second of a remise
// is left to the next one.
void leave_namesakes(std::vector<store::DueAcheminement>& acheminements) {
  std::set<std::string> names;
  std::erase_if(acheminements,
                [&](const store::DueAcheminement& a) { return !names.insert(text::lower(stem_of(a))).second; });
}

// Of a lieu whose remises leave as mails; nothing for all others.
std::optional<model::CourrielProfile> mail_profile(const model::Channel& channel) {
  const auto* courriel = std::get_if<model::CourrielChannel>(&channel);
  if (courriel == nullptr) return std::nullopt;
  const auto profile = flux::read_courriel_profile(courriel->xml);
  return profile.protection == model::Protection::none ? std::nullopt : std::optional(profile);
}

// Whatever is done to make a mail of them, base64 is the least.
bool is_surely_too_much(const model::CourrielProfile& profile, const std::vector<model::RemiseFile>& files) {
  std::uint64_t bytes = 0;
  for (const model::RemiseFile& f : files) bytes += f.size;
  return bytes / 3 * 4 > profile.largest_message;
}

std::vector<std::string> commune_names(const std::vector<std::string>& codes, const model::ReferenceData& reference) {
  std::vector<std::string> names;
  for (const std::string& code : codes) {
    const model::Commune* commune = reference.find(code);
    names.push_back(commune == nullptr ? code : commune->nom);
  }
  return names;
}

constexpr std::size_t most_without_cover_sheet = 10;  // of one remise

// It cannot be rendered.
class NoCoverSheet : public Error {
 public:
  using Error::Error;
};

std::string render_cover_sheet(const PackTools& tools, const std::string& bordereau) {
  try {
    return tools.renderer.render(bordereau, {}).pdf;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw NoCoverSheet(describe(e));
  }
}

// Of demandes `begin` to `end` of it. Their text is read again from the files just written: of a large remise it is not
// all in memory at one time.
std::string cover_sheet_of(const PackTools& tools, const Directory& dir, const store::LieuInForce& lieu,
                           const std::string& reissue_of, const store::PackedRemise& packed, std::size_t begin,
                           std::size_t end) {
  constexpr std::uint64_t largest = std::uint64_t{16} << 20U;
  flux::Bordereau bordereau({packed.name, reissue_of, model::to_iso(model::paris_day(tools.clock.now())),
                             lieu.identifiant, lieu.nom, lieu.partenaire, lieu.convention, lieu.version,
                             lieu.pickup_days, lieu.retention_months});
  for (std::size_t i = begin; i < end; ++i) {
    const store::DueAcheminement& a = packed.acheminements[i];
    bordereau.add(xml::Document::parse(dir.read(stem_of(a) + ".xml", largest)), a.emetteur,
                  commune_names(a.communes, tools.reference));
  }
  return render_cover_sheet(tools, bordereau.finish());
}

void add_manifest(const Directory& dir, const store::LieuInForce& lieu, store::PackedRemise& packed) {
  const std::string manifest = flux::write_manifest(
      {packed.name, lieu.identifiant, lieu.convention, lieu.version, lieu.pickup_days, packed.acheminements.size()},
      packed.files);
  packed.files.push_back(store_file(dir, "manifeste.xml", model::FileKind::manifest, manifest, nullptr));
}

// Takes out manifest and cover sheet, and the last demandes until `count` are left.
void cut_to(std::size_t count, const Directory& dir, store::PackedRemise& packed) {
  constexpr std::size_t files_of_a_demande = 2;
  for (std::size_t i = count * files_of_a_demande; i < packed.files.size(); ++i) dir.remove(packed.files[i].name);
  packed.files.resize(count * files_of_a_demande);
  packed.acheminements.resize(count);
}

// Before cover sheet and manifest are there: each demande has two files.
void take_out(std::size_t index, const Directory& dir, store::PackedRemise& packed) {
  const auto at = packed.files.begin() + static_cast<std::ptrdiff_t>(2 * index);
  for (auto file = at; file != at + 2; ++file) dir.remove(file->name);
  packed.files.erase(at, at + 2);
  packed.acheminements.erase(packed.acheminements.begin() + static_cast<std::ptrdiff_t>(index));
}

// Leaves to the lieu's next remise what a mail under its profile has no room for. Nothing is left, and `failed` says
// why, when there is no room for the first demande alone. Greedy: the mail holds as many as it can.
void fit_mail(const model::CourrielProfile& profile, const Directory& dir, const std::function<void()>& conclude,
              store::PackedRemise& packed, std::vector<store::FailedAcheminement>& failed) {
  while (!packed.acheminements.empty()) {
    const std::uint64_t most = profile.largest_message;
    const std::uint64_t bytes = channels::largest_courriel(profile, packed.name, packed.files, dir);
    if (bytes <= most) return;
    const std::size_t count = packed.acheminements.size();
    if (count == 1) {
      failed.push_back(
          {packed.acheminements.front().id,
           fmt::format(
               "taille-depassee: its mail could have {} bytes, <tailleMaximale> of the lieu's profile allows {}", bytes,
               most)});
      cut_to(0, dir, packed);
      return;
    }
    cut_to(std::clamp<std::size_t>(count * most / bytes, 1, count - 1), dir, packed);
    conclude();
  }
}

struct Rendered {
  std::vector<model::RemiseFile> files;  // PDF and XML; none when it failed
  std::string failure;
  std::string pdf;
};

// A document that cannot be rendered is an outcome.
Rendered render(const PackTools& tools, const store::DueAcheminement& a, const std::string& xml) {
  render::Renderer::Result result;
  try {
    result = tools.renderer.render(xml, render_parameters(a.emetteur, a.communes, tools.reference));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return {{}, describe(e), {}};
  }
  if (result.substituted_glyphs > 0) {
    log::notice("render.substituted",
                {{"emetteur", a.emetteur}, {"reference", a.reference}, {"glyphs", result.substituted_glyphs}});
  }
  return {{}, {}, std::move(result.pdf)};
}

// `made`: the document, when another lieu's remise has it too. A failure of the disk is thrown.
Rendered make_files(const PackTools& tools, const Directory& dir, const store::DueAcheminement& a,
                    const std::string& xml, std::string made) {
  Rendered out = made.empty() ? render(tools, a, xml) : Rendered{{}, {}, std::move(made)};
  if (!out.failure.empty()) return out;
  const std::string stem = stem_of(a);
  out.files.push_back(store_file(dir, stem + ".pdf", model::FileKind::pdf, out.pdf, &a));
  out.files.push_back(store_file(dir, stem + ".xml", model::FileKind::xml, xml, &a));
  return out;
}

}  // namespace

Packing::Packing(const PackTools& tools, bool all, std::function<void(std::size_t)> progress, std::stop_token stop)
    : tools_(tools),
      progress_(std::move(progress)),
      stop_(std::move(stop)),
      due_by_(all ? Instant::max() : tools.clock.now()),
      lieux_(tools.store.lieux_due(due_by_)),
      reissues_(tools.store.reissues_due()) {
  std::reverse(lieux_.begin(), lieux_.end());
  if (!lieux_.empty()) total_ = tools.store.due_count(due_by_);
}

bool Packing::some() {
  rendered_ = 0;
  const auto failed = [&](store::RowId id, const std::exception& e) {
    const std::string lieu = tools_.store.lieu_name(id);
    log::error("pack.failed", {{"lieu", lieu}, {"error", describe(e)}});
    report_.faults.push_back(fmt::format("the remise of {} could not be packed: {}", lieu, describe(e)));
  };
  for (; !reissues_.empty() && rendered_ < portion && !stop_.stop_requested(); reissues_.pop_back()) {
    try {
      pack_reissue(reissues_.back());
    } catch (const std::exception& e) {
      failed(reissues_.back().lieu, e);
    }
  }
  while (!lieux_.empty() && rendered_ < portion && !stop_.stop_requested()) {
    bool more = false;
    try {
      more = pack_remise(lieux_.back());
    } catch (const std::exception& e) {
      failed(lieux_.back(), e);
    }
    if (!more) lieux_.pop_back();
  }
  return (!lieux_.empty() || !reissues_.empty()) && !stop_.stop_requested();
}

// False when nothing of that lieu's is due any more, or a stop was asked for.
bool Packing::pack_remise(store::RowId id) {
  const Instant now = tools_.clock.now();
  const auto lieu = tools_.store.lieu_in_force(id, model::paris_day(now));
  Rights rights =
      sort_by_rights(tools_.store.due_acheminements(id, due_by_, tools_.remise_max), lieu, tools_.reference);
  if (rights.kept.empty() && rights.lost.empty()) return false;
  leave_namesakes(rights.kept);
  store::PackOutcome outcome;
  outcome.rights_lost = std::move(rights.lost);
  report_.rights_lost += outcome.rights_lost.size();
  if (rights.kept.empty()) {
    tools_.store.apply_pack(outcome, now);
    return true;
  }
  return make_remise(*lieu, std::move(rights.kept), std::move(outcome));
}

// The demandes of a remise that the lieu has, once more: those whose data and rights it still has (R15, R8).
void Packing::pack_reissue(const store::DueReissue& reissue) {
  const Instant now = tools_.clock.now();
  const auto lieu = tools_.store.lieu_in_force(reissue.lieu, model::paris_day(now));
  Rights rights = sort_by_rights(tools_.store.reissuable(reissue.first_issue), lieu, tools_.reference);
  if (rights.kept.empty()) {
    give_up(reissue, "no convention in force opens the lieu to any of its demandes any more (R8)");
    return;
  }
  store::PackOutcome outcome;
  outcome.reissue = reissue;
  make_remise(*lieu, std::move(rights.kept), std::move(outcome));
}

void Packing::give_up(const store::DueReissue& reissue, const std::string& reason) {
  tools_.store.give_up_reissue(reissue, reason, tools_.clock.now());
  log::error("reissue.refused", {{"remise", reissue.name}, {"reason", reason}});
  report_.faults.push_back(fmt::format("the remise {} cannot be issued again: {}", reissue.name, reason));
}

// False when a stop was asked for.
bool Packing::make_remise(const store::LieuInForce& lieu, std::vector<store::DueAcheminement> acheminements,
                          store::PackOutcome outcome) {
  const Instant now = tools_.clock.now();
  const std::size_t wanted = acheminements.size();
  const std::string name = tools_.store.next_remise_name(lieu.id, model::paris_day(now));
  const std::string temporary = "." + name + ".tmp";
  const Directory depart = tools_.spool.depart.make_dir(lieu.identifiant);
  depart.remove_tree(temporary);
  depart.remove_tree(name);  // a crash came between the rename and the row: nobody knows it
  bool complete = false;
  try {
    complete = compose(depart.make_dir(temporary), lieu, outcome, std::move(acheminements), name);
  } catch (...) {
    depart.remove_tree(temporary);
    throw;
  }
  // The lieu is to have again what it had: a remise that lacks a part of it would pass for the whole.
  const std::size_t made = complete ? outcome.packed->acheminements.size() : 0;
  const bool lacks = outcome.reissue && made < wanted;
  if (!complete || lacks) depart.remove_tree(temporary);
  if (!complete && stop_.stop_requested()) return false;
  if (lacks) {
    give_up(*outcome.reissue,
            fmt::format(
                "only {} of its {} demandes can be made and fit in the lieu's largest message; amend <tailleMaximale> "
                "of its channel, or look at the journal for what could not be made",
                made, wanted));
    return true;
  }
  if (complete) {
    depart.rename_over(temporary, depart, name);
    depart.sync();
    tools_.spool.depart.sync();
  }
  if (!tools_.store.apply_pack(outcome, now)) {
    depart.remove_tree(name);
    log::notice("pack.again", {{"remise", name}, {"reason", "an operator held a demande meanwhile"}});
    return true;
  }
  report_.held += outcome.failed.size();
  if (!outcome.packed) return true;
  ++report_.remises;
  report_.demandes += outcome.packed->acheminements.size();
  log::info("remise.packed",
            {{"remise", name}, {"lieu", lieu.identifiant}, {"demandes", outcome.packed->acheminements.size()}});
  return true;
}

// Those of `packed` between `begin` and `end` that no cover sheet can be made of, even alone. Looks no further once
// there are more than most_without_cover_sheet.
void Packing::find_without_cover_sheet(const Directory& dir, const store::LieuInForce& lieu,
                                       const store::PackedRemise& packed, std::size_t begin, std::size_t end,
                                       std::vector<std::pair<std::size_t, std::string>>& found) {
  if (found.size() > most_without_cover_sheet || begin == end) return;
  std::string why;
  try {
    static_cast<void>(cover_sheet_of(tools_, dir, lieu, "", packed, begin, end));
    return;
  } catch (const NoCoverSheet& e) {
    why = e.what();
  }
  if (end - begin == 1) {
    found.emplace_back(begin, std::move(why));
    return;
  }
  const std::size_t middle = begin + (end - begin) / 2;
  find_without_cover_sheet(dir, lieu, packed, begin, middle, found);
  find_without_cover_sheet(dir, lieu, packed, middle, end, found);
}

// A few demandes that no cover sheet can be made of are held, and hold no other; where there is none for all together,
// half of them leave first. One that fails for each is the stylesheet's fault, and holds nobody; so is one that fails
// for a remise that the lieu is to have again whole.
void Packing::add_cover_sheet(const Directory& dir, const store::LieuInForce& lieu, store::PackOutcome& outcome,
                              store::PackedRemise& packed) {
  while (!packed.acheminements.empty()) {
    const std::string reissue_of = outcome.reissue ? outcome.reissue->name : "";
    const std::size_t count = packed.acheminements.size();
    try {
      const std::string pdf = cover_sheet_of(tools_, dir, lieu, reissue_of, packed, 0, count);
      packed.files.push_back(
          store_file(dir, "BORDEREAU_" + packed.name + ".pdf", model::FileKind::cover_sheet, pdf, nullptr));
      return;
    } catch (const NoCoverSheet&) {
      if (outcome.reissue || count == 1) throw;
      std::vector<std::pair<std::size_t, std::string>> without;
      find_without_cover_sheet(dir, lieu, packed, 0, count / 2, without);
      find_without_cover_sheet(dir, lieu, packed, count / 2, count, without);
      if (without.size() > most_without_cover_sheet || without.size() == count) throw;
      if (without.empty()) cut_to(count / 2, dir, packed);
      std::reverse(without.begin(), without.end());
      for (const auto& [index, why] : without) {
        const store::DueAcheminement& a = packed.acheminements[index];
        log::error("render.failed", {{"emetteur", a.emetteur}, {"reference", a.reference}, {"error", why}});
        outcome.failed.push_back({a.id, model::with_code("rendu-impossible", "of its remise's cover sheet: " + why)});
        take_out(index, dir, packed);
      }
    }
  }
}

// False when nothing could be rendered, or a stop was asked for: then `outcome.packed` stays empty.
bool Packing::compose(const Directory& dir, const store::LieuInForce& lieu, store::PackOutcome& outcome,
                      std::vector<store::DueAcheminement> acheminements, const std::string& name) {
  store::PackedRemise packed{name, lieu.id, lieu.version_id, lieu.pickup_days, {}, {}};
  const auto mail = mail_profile(lieu.channel);
  for (std::size_t begin = 0; begin < acheminements.size(); begin += chunk) {
    if (stop_.stop_requested()) return false;
    if (mail && is_surely_too_much(*mail, packed.files)) break;
    const std::size_t count = std::min(chunk, acheminements.size() - begin);
    std::vector<std::optional<std::string>> xml;
    std::vector<std::string> made;
    for (std::size_t i = 0; i < count; ++i) {
      const store::RowId demande = acheminements[begin + i].demande;
      xml.push_back(tools_.store.charge(demande));
      made.push_back(take_kept(demande));
    }
    std::vector<Rendered> rendered(count, Rendered{{}, "its data were destroyed", {}});
    parallel_for(count, tools_.workers, [&](std::size_t i) {
      if (xml[i]) rendered[i] = make_files(tools_, dir, acheminements[begin + i], *xml[i], std::move(made[i]));
    });
    for (std::size_t i = 0; i < count; ++i) {
      auto& a = acheminements[begin + i];
      if (!rendered[i].failure.empty()) {
        log::error("render.failed",
                   {{"emetteur", a.emetteur}, {"reference", a.reference}, {"error", rendered[i].failure}});
        outcome.failed.push_back({a.id, model::with_code("rendu-impossible", rendered[i].failure)});
        continue;
      }
      if (a.others_wait) keep(a.demande, std::move(rendered[i].pdf));
      std::move(rendered[i].files.begin(), rendered[i].files.end(), std::back_inserter(packed.files));
      packed.acheminements.push_back(std::move(a));
    }
    rendered_ += count;
    if (progress_) progress_(count);
  }
  if (packed.acheminements.empty()) return false;
  const auto conclude = [&] {
    add_cover_sheet(dir, lieu, outcome, packed);
    if (!packed.acheminements.empty()) add_manifest(dir, lieu, packed);
  };
  conclude();
  if (mail) fit_mail(*mail, dir, conclude, packed, outcome.failed);
  if (packed.acheminements.empty()) return false;
  dir.sync_filesystem();
  outcome.packed = std::move(packed);
  return true;
}

// Empty when it is to be rendered.
std::string Packing::take_kept(store::RowId demande) {
  const auto kept = kept_.find(demande);
  if (kept == kept_.end()) return {};
  std::string pdf = std::move(kept->second);
  kept_.erase(kept);
  kept_bytes_ -= pdf.size();
  return pdf;
}

void Packing::keep(store::RowId demande, std::string pdf) {
  if (kept_bytes_ + pdf.size() > max_kept || kept_.contains(demande)) return;
  kept_bytes_ += pdf.size();
  kept_[demande] = std::move(pdf);
}

void sweep_depart(const Spool& spool, store::Store& store) {
  for (const std::string& lieu : spool.depart.names()) {
    const auto dir = spool.depart.find_dir(lieu);
    if (!dir) continue;
    for (const std::string& remise : dir->names()) {
      if (store.knows_remise(remise)) continue;
      log::notice("depart.swept", {{"lieu", lieu}, {"remise", remise}});
      dir->remove_tree(remise);
    }
  }
}

std::map<std::string, std::string> render_parameters(const std::string& emetteur,
                                                     const std::vector<std::string>& communes,
                                                     const model::ReferenceData& reference) {
  std::string names;
  for (const std::string& code : communes) {
    const model::Commune* commune = reference.find(code);
    if (commune != nullptr) names += code + "\t" + commune->nom + "\n";
  }
  return {{"emetteur", emetteur}, {"communes", names}};
}

}  // namespace navette::stages
