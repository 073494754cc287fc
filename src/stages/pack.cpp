#include "stages/pack.h"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/parallel.h"
#include "flux/manifest.h"
#include "lib/crypto/sha256.h"
#include "model/civil_time.h"
#include "stages/rights.h"

namespace navette::stages {
namespace {

// Demandes whose XML is in memory at one time.
constexpr std::size_t chunk = 64;

model::RemiseFile store_file(const Directory& dir, std::string name, model::FileKind kind, std::string_view bytes,
                             const store::DueAcheminement* of) {
  const UniqueFd fd = dir.open_file(name, O_WRONLY | O_CREAT | O_EXCL, 0640);
  write_all(fd.get(), bytes);
  return {std::move(name),        kind, bytes.size(), crypto::sha256_hex(bytes), of ? of->emetteur : "",
          of ? of->reference : ""};
}

struct Rendered {
  std::vector<model::RemiseFile> files;  // PDF and XML; none when it failed
  std::string failure;
};

class Packer {
 public:
  Packer(const PackTools& tools, const std::function<void(std::size_t)>& progress, const std::stop_token& stop)
      : tools_(tools), progress_(progress), stop_(stop) {}

  PackReport run(bool all) {
    const Instant now = tools_.clock.now();
    for (const store::RowId lieu : all ? tools_.store.lieux_waiting() : tools_.store.lieux_due(now)) {
      if (stop_.stop_requested()) break;
      try {
        pack_lieu(lieu, all ? Instant::max() : now);
      } catch (const std::exception& e) {
        ++report_.failed_lieux;
        log::error("pack.failed", {{"lieu_id", lieu}, {"error", describe(e)}});
      }
    }
    return report_;
  }

 private:
  void pack_lieu(store::RowId id, Instant due_by);
  bool compose(const Directory& dir, const store::LieuInForce& lieu, store::PackOutcome& outcome,
               std::vector<store::DueAcheminement> acheminements, const std::string& name);
  Rendered render(const Directory& dir, const store::DueAcheminement& a, const std::string& xml) const;

  const PackTools& tools_;
  const std::function<void(std::size_t)>& progress_;
  const std::stop_token& stop_;
  PackReport report_;
};

void Packer::pack_lieu(store::RowId id, Instant due_by) {
  const Instant now = tools_.clock.now();
  const auto lieu = tools_.store.lieu_in_force(id, model::paris_day(now));
  Rights rights = sort_by_rights(tools_.store.due_acheminements(id, due_by), lieu, tools_.reference);
  store::PackOutcome outcome;
  outcome.rights_lost = std::move(rights.lost);
  report_.rights_lost += outcome.rights_lost.size();
  if (rights.kept.empty()) {
    tools_.store.apply_pack(outcome, now);
    return;
  }
  const std::string name = tools_.store.next_remise_name(id, model::paris_day(now));
  const std::string temporary = "." + name + ".tmp";
  const Directory depart = tools_.spool.depart.make_dir(lieu->identifiant);
  depart.remove_tree(temporary);
  depart.remove_tree(name);  // a crash came between the rename and the row: nobody knows it
  bool complete = false;
  try {
    complete = compose(depart.make_dir(temporary), *lieu, outcome, std::move(rights.kept), name);
  } catch (...) {
    depart.remove_tree(temporary);
    throw;
  }
  if (!complete) {
    depart.remove_tree(temporary);
    if (stop_.stop_requested()) return;
  } else {
    depart.rename_over(temporary, depart, name);
    depart.sync();
    tools_.spool.depart.sync();
  }
  if (!tools_.store.apply_pack(outcome, now)) {
    depart.remove_tree(name);
    log::notice("pack.again", {{"remise", name}, {"reason", "an operator held a demande meanwhile"}});
    return;
  }
  report_.held += outcome.failed.size();
  if (!outcome.packed) return;
  ++report_.remises;
  report_.demandes += outcome.packed->acheminements.size();
  log::info("remise.packed",
            {{"remise", name}, {"lieu", lieu->identifiant}, {"demandes", outcome.packed->acheminements.size()}});
}

// False when nothing could be rendered, or a stop was asked for: then `outcome.packed` stays empty.
bool Packer::compose(const Directory& dir, const store::LieuInForce& lieu, store::PackOutcome& outcome,
                     std::vector<store::DueAcheminement> acheminements, const std::string& name) {
  store::PackedRemise packed{name, lieu.id, lieu.version_id, lieu.pickup_days, {}, {}};
  for (std::size_t begin = 0; begin < acheminements.size(); begin += chunk) {
    if (stop_.stop_requested()) return false;
    const std::size_t count = std::min(chunk, acheminements.size() - begin);
    std::vector<std::optional<std::string>> xml;
    for (std::size_t i = 0; i < count; ++i) xml.push_back(tools_.store.charge(acheminements[begin + i].demande));
    std::vector<Rendered> rendered(count, Rendered{{}, "its data were destroyed"});
    parallel_for(count, tools_.workers, [&](std::size_t i) {
      if (xml[i]) rendered[i] = render(dir, acheminements[begin + i], *xml[i]);
    });
    for (std::size_t i = 0; i < count; ++i) {
      auto& a = acheminements[begin + i];
      if (!rendered[i].failure.empty()) {
        log::error("render.failed",
                   {{"emetteur", a.emetteur}, {"reference", a.reference}, {"error", rendered[i].failure}});
        outcome.failed.push_back({a.id, "rendering failed: " + rendered[i].failure});
        continue;
      }
      std::move(rendered[i].files.begin(), rendered[i].files.end(), std::back_inserter(packed.files));
      packed.acheminements.push_back(std::move(a));
    }
    if (progress_) progress_(count);
  }
  if (packed.acheminements.empty()) return false;
  const std::string manifest = flux::write_manifest(
      {name, lieu.identifiant, lieu.convention, lieu.version, lieu.pickup_days, packed.acheminements.size()},
      packed.files);
  packed.files.push_back(store_file(dir, "manifeste.xml", model::FileKind::manifest, manifest, nullptr));
  dir.sync_filesystem();
  outcome.packed = std::move(packed);
  return true;
}

// A failure of the disk is thrown; a document that cannot be rendered is an outcome.
Rendered Packer::render(const Directory& dir, const store::DueAcheminement& a, const std::string& xml) const {
  const std::string stem = "DI_" + a.emetteur + "_" + a.reference;
  render::Renderer::Result result;
  try {
    const auto document = xml::Document::parse(xml);
    result = tools_.renderer.render(document, render_parameters(a.emetteur, a.communes, tools_.reference));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return {{}, describe(e)};
  }
  if (result.substituted_glyphs > 0) {
    log::notice("render.substituted",
                {{"emetteur", a.emetteur}, {"reference", a.reference}, {"glyphs", result.substituted_glyphs}});
  }
  Rendered out;
  out.files.push_back(store_file(dir, stem + ".pdf", model::FileKind::pdf, result.pdf, &a));
  out.files.push_back(store_file(dir, stem + ".xml", model::FileKind::xml, xml, &a));
  return out;
}

}  // namespace

PackReport pack(const PackTools& tools, bool all, const std::function<void(std::size_t)>& progress,
                const std::stop_token& stop) {
  return Packer(tools, progress, stop).run(all);
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
