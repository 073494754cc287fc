#include "channels/returns.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "channels/io_outcome.h"

namespace navette::channels {
namespace {

constexpr std::size_t longest_name = 200;  // of 255 bytes: a spool's name of it is longer
constexpr std::string_view kept_suffix = ".retour";

std::string kept_name(const std::string& name) {
  return "." + name + std::string(kept_suffix);
}

bool uncover(const Directory& directory, const std::string& name) {
  const std::string kept = kept_name(name);
  const bool landed = directory.contains(kept) && directory.rename_new(kept, directory, name) == RenameResult::done;
  directory.sync();
  return landed;
}

}  // namespace

bool Collecting::wants(const std::string& name) const {
  const bool ours = name.starts_with("DI_") || name.starts_with("BORDEREAU_") || name.ends_with("manifeste.xml");
  return is_component(name) && (name.ends_with(".xml") || name.ends_with(".XML")) && !ours &&
         !(is_ignored && is_ignored(name));
}

std::string ReturnFile::mark() const {
  return crypto::sha256_hex(fmt::format("{}\n{}\n{}", modified, size, name));
}

bool Collecting::can_bring(const std::string& name, bool is_file, std::uint64_t size) const {
  return is_file && size <= max_bytes && name.size() <= longest_name;
}

void Collected::tell(std::string fault) {
  if (std::find(faults.begin(), faults.end(), fault) == faults.end()) faults.push_back(std::move(fault));
}

void Collected::tell_unfit(std::size_t entries, const std::string& place, const Collecting& collecting) {
  if (entries == 0) return;
  tell(fmt::format(
      "{} in the return directory {} cannot be fetched: no file, larger than {} MiB, or a name of more than {} "
      "bytes; have the partner remove what does not belong there",
      text::counted(entries, "entry", "entries"), place, collecting.max_bytes >> 20U, longest_name));
}

ReturnChoice choose(std::vector<ReturnFile> found, const std::string& place, const Collecting& collecting,
                    Collected& collected) {
  ReturnChoice choice;
  collected.marks = {};
  std::size_t unfit = 0;
  std::uint64_t bytes = 0;
  std::vector<std::pair<std::string, ReturnFile>> candidates;  // by mark
  for (ReturnFile& file : found) {
    std::string mark = file.mark();
    if (!collecting.can_bring(file.name, file.is_regular, file.size)) {
      ++unfit;
    } else if (collecting.marks.brought.contains(mark)) {
      collected.marks.brought.insert(std::move(mark));
      if (choice.to_remove.size() < collecting.most) choice.to_remove.push_back(std::move(file));
    } else {
      if (collecting.marks.failed.contains(mark)) collected.marks.failed.insert(mark);
      candidates.emplace_back(std::move(mark), std::move(file));
    }
  }
  std::stable_partition(candidates.begin(), candidates.end(),
                        [&](const auto& c) { return !collecting.marks.failed.contains(c.first); });
  for (auto& [mark, file] : candidates) {
    if (choice.to_bring.size() == collecting.most || bytes + file.size > collecting.max_bytes) {
      ++collected.left;
      continue;
    }
    bytes += file.size;
    choice.to_bring.push_back(std::move(file));
  }
  collected.tell_unfit(unfit, place, collecting);
  return choice;
}

Landing::Landing(const Collecting& collecting, std::string name)
    : directory_(collecting.arrivee.make_durable_dir(collecting.lieu)),
      name_(std::move(name)),
      file_(directory_, kept_name(name_)) {}

void Landing::write(std::string_view bytes) {
  file_.write(bytes);
  digest_.update(bytes);
  size_ += bytes.size();
}

bool Landing::keep() {
  const std::string kept = kept_name(name_);
  if (directory_.contains(kept) && crypto::sha256(directory_.read(kept)) != digest_.finish()) return false;
  file_.commit();
  kept_ = true;
  return true;
}

bool Landing::land() {
  return uncover(directory_, name_);
}

std::vector<std::string> land_kept(const Collecting& collecting,
                                   const std::function<bool(const std::string& name)>& still_there) {
  std::vector<std::string> landed;
  const auto directory = collecting.arrivee.find_dir(collecting.lieu);
  if (!directory) return landed;
  for (const std::string& hidden : directory->names()) {
    if (!hidden.starts_with('.') || !hidden.ends_with(kept_suffix)) continue;
    const std::string name = hidden.substr(1, hidden.size() - 1 - kept_suffix.size());
    if (collecting.wants(name) && !still_there(name) && uncover(*directory, name)) landed.push_back(name);
  }
  return landed;
}

std::vector<std::string> land_forgotten(const Collecting& collecting) {
  const auto directory = collecting.arrivee.find_dir(collecting.lieu);
  if (!directory) return {};
  return land_kept(collecting, [&](const std::string& name) {
    const auto kept = directory->status(kept_name(name));
    return !kept || kept->modified + std::chrono::hours(1) > SystemClock().now();
  });
}

}  // namespace navette::channels
