#include "channels/depot_sender.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/error.h"
#include "channels/depot_layout.h"
#include "channels/io_outcome.h"
#include "channels/verified_copy.h"

namespace navette::channels {
namespace {

using model::Delivered;
using model::Outcome;
using model::Refused;
using model::Retry;

constexpr mode_t remise_mode = 0750;

struct Depot {
  Directory in_progress;
  Directory remises;
};

Depot create_plain(const std::filesystem::path& root, const std::string& lieu) {
  const Directory base = Directory::create(root).make_dir(lieu);
  base.make_dir(depot::returns);
  return {base.make_dir(depot::in_progress, 0700), base.make_dir(depot::remises)};
}

std::variant<Depot, Outcome> open_depot(const std::filesystem::path& root, const std::string& lieu) {
  std::optional<Directory> base;
  try {
    base = Directory::open(root).find_dir(lieu);
  } catch (const std::system_error& e) {
    if (e.code().value() != ENOENT) throw;
    // Not the lieu's fault, and it heals: the volume is not mounted yet.
    return Outcome(Retry{fmt::format("volume-absent: {} is not there; is its volume mounted?", root.string()),
                         std::nullopt,
                         model::Scope::remise,
                         {},
                         true});
  }
  if (!base) {
    return Outcome(Retry{fmt::format("depot-absent: {} has no dépôt under {}; run `navette lieux provision {}` as root",
                                     lieu, root.string(), lieu),
                         std::nullopt,
                         model::Scope::remise,
                         {},
                         true});
  }
  auto in_progress = base->find_dir(depot::in_progress);
  auto remises = base->find_dir(depot::remises);
  if (!in_progress || !remises) {
    return Outcome(Retry{fmt::format("depot-incomplet: {} lacks {}/ or {}/; run `navette lieux provision {}` as root",
                                     base->path().string(), depot::in_progress, depot::remises, lieu),
                         std::nullopt});
  }
  return Depot{std::move(*in_progress), std::move(*remises)};
}

// What stands under the remise's final name was renamed there in whole after a barrier, by us or by a stranger: the
// manifest, which holds every file's SHA-256, tells which. The lieu cannot write there, so the rest need not be read
// again.
Outcome already_there(const Depot& depot, const RemiseToSend& r) {
  const auto final = depot.remises.find_dir(r.remise);
  if (!final || !is_intact(*final, r.files.back())) {
    return Refused{"remise-differente",
                   fmt::format("{} exists with another content; look at it, move it away, then retry the remise",
                               (depot.remises.path() / r.remise).string())};
  }
  // The rename may have been the last thing before a power cut: its name is durable only now.
  depot.remises.sync();
  return Delivered{fmt::format("dépôt {}/{}/{} (already there)", r.lieu, depot::remises, r.remise)};
}

// Nothing when every file is copied and as announced.
std::optional<Refused> fill(const Directory& temporary, const RemiseToSend& r) {
  const unsigned inherited = status_of(temporary.fd()).mode & ~0777U;  // the group, by setgid
  ensure_mode(temporary.fd(), inherited | remise_mode, temporary.path().string());
  for (const model::RemiseFile& file : r.files) {
    if (const auto fault = copy_verified(r.source, temporary, file)) {
      return Refused{"source-alteree", fmt::format("{} {}", (r.source.path() / file.name).string(), *fault)};
    }
  }
  return std::nullopt;
}

Outcome deliver(const Depot& depot, const RemiseToSend& r) {
  depot.in_progress.remove_tree(r.remise);  // of an attempt that a crash cut short
  if (depot.remises.contains(r.remise)) return already_there(depot, r);
  const Directory temporary = depot.in_progress.make_dir(r.remise, remise_mode);
  if (auto refused = fill(temporary, r)) return *std::move(refused);
  // Through a descriptor that was open before the copies: it is told of a write-back that failed since.
  depot.in_progress.sync_filesystem();
  switch (depot.in_progress.rename_new(r.remise, depot.remises, r.remise)) {
    case RenameResult::done:
      depot.remises.sync();
      break;
    case RenameResult::target_exists:
      return already_there(depot, r);
    case RenameResult::source_missing:
      return Retry{fmt::format("{} was removed by another", temporary.path().string()), std::nullopt};
    case RenameResult::other_filesystem:
      return Refused{"depot-incomplet", fmt::format("{} and {} are not on one file system",
                                                    depot.in_progress.path().string(), depot.remises.path().string())};
  }
  std::uint64_t bytes = 0;
  for (const model::RemiseFile& file : r.files) bytes += file.size;
  return Delivered{
      fmt::format("dépôt {}/{}/{} ({} files, {} bytes)", r.lieu, depot::remises, r.remise, r.files.size(), bytes)};
}

// Nothing of an attempt that failed stays: it holds families' data, and the room it takes may be what is lacking. Its
// own failure changes nothing: the next attempt begins with the same removal.
void clean_up(const Depot& depot, const std::string& remise) {
  try {
    depot.in_progress.remove_tree(remise);
  } catch (const std::exception&) {
    return;
  }
}

// Whether a document of it is there no more.
bool lacks_some(const Depot& depot, const RemiseToSend& r) {
  const auto remise = depot.remises.find_dir(r.remise);
  return std::any_of(r.files.begin(), r.files.end(), [&](const model::RemiseFile& f) {
    return is_document(f) && !(remise && remise->contains(f.name));
  });
}

// Whether no document of it is there any more.
bool is_taken(const Depot& depot, const RemiseThere& r) {
  const auto remise = depot.remises.find_dir(r.remise);
  return !remise ||
         std::none_of(r.documents.begin(), r.documents.end(), [&](const auto& f) { return remise->contains(f.name); });
}

// What lieux leave in their retour/, which they may change at any time.
class Bringing {
 public:
  Bringing(const Directory& returns, const Collecting& collecting, Collected& collected)
      : returns_(returns), collecting_(collecting), collected_(collected) {}

  void run() {
    std::vector<ReturnFile> found;
    returns_.each([&](const std::string& name, FileType) {
      if (!collecting_.wants(name)) return true;
      if (auto file = look_at(name); file && !is_young(*file)) found.push_back(std::move(*file));
      return true;
    });
    // Whatever the order of the directory.
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    const ReturnChoice choice = choose(std::move(found), returns_.path().string(), collecting_, collected_);
    for (const ReturnFile& file : choice.to_remove) {
      guarded(file, true, [&] {
        if (!is_still(file)) return;
        returns_.remove(file.name);
        collected_.marks.brought.erase(file.mark());
      });
    }
    for (const ReturnFile& file : choice.to_bring) guarded(file, false, [&] { bring(file); });
  }

 private:
  // Its date is that of the last change of its inode, which the lieu cannot set.
  std::optional<ReturnFile> look_at(const std::string& name) const {
    const auto there = returns_.status(name);
    if (!there) return std::nullopt;
    return ReturnFile{name, there->type == FileType::regular, there->size, there->changed.time_since_epoch().count()};
  }
  bool is_young(const ReturnFile& file) const {
    return Instant(Instant::duration(file.modified)) + collecting_.stable_after > SystemClock().now();
  }
  bool is_still(const ReturnFile& file) const {
    const auto now = look_at(file.name);
    return now && now->is_regular && now->mark() == file.mark();
  }

  void guarded(const ReturnFile& file, bool brought, const std::function<void()>& work) {
    try {
      work();
    } catch (const std::system_error& e) {  // its message would tell the file's name (R9)
      (brought ? collected_.marks.brought : collected_.marks.failed).insert(file.mark());
      collected_.tell(fmt::format("a file in {} could not be {}: {}", returns_.path().string(),
                                  brought ? "removed" : "taken", e.code().message()));
    }
  }

  void bring(const ReturnFile& file) {
    Landing landing(collecting_, file.name);
    if (landing.is_taken()) return;
    const UniqueFd fd = returns_.open_file(file.name, O_RDONLY | O_NONBLOCK);
    std::array<char, 65536> buffer{};
    while (const std::size_t n = read_some(fd.get(), buffer.data(), buffer.size())) {
      landing.write({buffer.data(), n});
      if (landing.size() > collecting_.max_bytes) return;
    }
    if (landing.size() != file.size || !is_still(file)) return;
    // Else another of that name, from before a crash, lands first.
    if (landing.keep()) {
      // Making it durable takes time: what replaced it meanwhile is another, and stays. Where a right is missing, what
      // the lieu says counts all the same.
      guarded(file, true, [&] {
        if (is_still(file)) returns_.remove(file.name);
      });
    }
    collected_.marks.failed.erase(file.mark());
    if (landing.land()) collected_.names.push_back(file.name);
  }

  const Directory& returns_;
  const Collecting& collecting_;
  Collected& collected_;
};

}  // namespace

Outcome DepotSender::send(const RemiseToSend& r) {
  if (auto refused = check_remise(r)) return *std::move(refused);
  try {
    auto opened = open_depot(root_, r.lieu);
    if (missing_ == Missing::create_plain && std::holds_alternative<Outcome>(opened)) {
      opened = create_plain(root_, r.lieu);
    }
    if (auto* failed = std::get_if<Outcome>(&opened)) return std::move(*failed);
    const Depot& depot = std::get<Depot>(opened);
    try {
      Outcome outcome = deliver(depot, r);
      if (!std::holds_alternative<Delivered>(outcome)) clean_up(depot, r.remise);
      return outcome;
    } catch (...) {
      clean_up(depot, r.remise);
      throw;
    }
  } catch (const std::system_error& e) {
    return outcome_of(e);
  }
}

std::optional<Delivered> DepotSender::look(const RemiseToSend& r) {
  auto opened = open_depot(root_, r.lieu);
  const auto* depot = std::get_if<Depot>(&opened);
  // A volume that is not mounted tells nothing about what the lieu has.
  if (depot == nullptr && missing_ == Missing::retry) throw Error(std::get<Retry>(std::get<Outcome>(opened)).reason);
  if (depot == nullptr || !depot->remises.contains(r.remise)) return std::nullopt;
  auto outcome = already_there(*depot, r);
  if (auto* delivered = std::get_if<Delivered>(&outcome)) return std::move(*delivered);
  return std::nullopt;
}

void DepotSender::forget(const RemiseToSend& r) {
  auto opened = open_depot(root_, r.lieu);
  if (const auto* depot = std::get_if<Depot>(&opened)) depot->in_progress.remove_tree(r.remise);
}

Outcome DepotSender::withdraw(const RemiseToSend& r) {
  try {
    auto opened = open_depot(root_, r.lieu);
    const auto* depot = std::get_if<Depot>(&opened);
    // A volume that is not mounted tells nothing about what the lieu has.
    if (depot == nullptr) return std::get<Outcome>(std::move(opened));
    depot->in_progress.remove_tree(r.remise);
    // Whoever provisioned it lets the lieu only read.
    const bool taken = r.untouched && missing_ == Missing::create_plain && lacks_some(*depot, r);
    const auto result = depot->remises.rename_new(r.remise, depot->in_progress, r.remise);
    const std::string place = fmt::format("dépôt {}/{}/{}", r.lieu, depot::remises, r.remise);
    if (result == RenameResult::source_missing) {
      if (taken) return by_lieu(place + ": nothing was there any more");
      return Delivered{place + ": nothing was there any more"};
    }
    if (result != RenameResult::done) {
      return Retry{fmt::format("{} could not be moved out of sight", (depot->remises.path() / r.remise).string()),
                   std::nullopt};
    }
    depot->remises.sync();
    depot->in_progress.remove_tree(r.remise);
    depot->in_progress.sync();
    if (taken) return by_lieu(place + ": what was left is removed");
    return Delivered{place + ": removed"};
  } catch (const std::system_error& e) {
    return outcome_of(e);
  }
}

std::vector<std::size_t> DepotSender::picked_up(const std::vector<RemiseThere>& remises) {
  std::vector<std::size_t> gone;
  if (missing_ != Missing::create_plain) return gone;
  for (std::size_t i = 0; i < remises.size(); ++i) {
    const RemiseThere& r = remises[i];
    const auto opened = open_depot(root_, r.lieu);
    const auto* depot = std::get_if<Depot>(&opened);
    if (depot == nullptr) continue;  // not mounted, perhaps: tells nothing
    if (is_taken(*depot, r)) gone.push_back(i);
  }
  return gone;
}

Collected DepotSender::collect(const Collecting& c) {
  Collected collected;
  collected.marks = c.marks;
  const auto base = Directory::open(root_).find_dir(c.lieu);
  const auto returns = base ? base->find_dir(depot::returns) : std::nullopt;
  if (!returns) return collected;
  collected.names = land_kept(c, [&](const std::string& name) { return returns->contains(name); });
  Bringing(*returns, c, collected).run();
  return collected;
}

std::string DepotSender::describe_place(const std::string& remise) const {
  return fmt::format("dépôt SFTP de votre lieu d’information, dossier /{}/{}", depot::remises, remise);
}

}  // namespace navette::channels
