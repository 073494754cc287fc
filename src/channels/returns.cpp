#include "channels/returns.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "channels/io_outcome.h"

namespace navette::channels {
namespace {

constexpr std::size_t longest_name = 200;  // of 255 bytes: a spool's name of it is longer

}  // namespace

bool Collecting::wants(const std::string& name) const {
  const bool ours = name.starts_with("DI_") || name.ends_with("manifeste.xml");
  return is_component(name) && (name.ends_with(".xml") || name.ends_with(".XML")) && !ours &&
         !(is_ignored && is_ignored(name));
}

bool Collecting::can_bring(const std::string& name, bool is_file, std::uint64_t size) const {
  return is_file && size <= max_bytes && name.size() <= longest_name;
}

void Collected::tell_unfit(std::size_t entries, const std::string& place, const Collecting& collecting) {
  if (entries == 0) return;
  faults.push_back(fmt::format(
      "{} in the return directory {} cannot be fetched: no file, larger than {} MiB, or a name of more than {} "
      "bytes; have the partner remove what does not belong there",
      text::counted(entries, "entry", "entries"), place, collecting.max_bytes >> 20U, longest_name));
}

Landing::Landing(const Collecting& collecting, std::string name)
    : directory_(collecting.arrivee.make_dir(collecting.lieu)),
      name_(std::move(name)),
      hidden_("." + name_ + ".retour"),
      file_(directory_, hidden_) {}

void Landing::write(std::string_view bytes) {
  file_.write(bytes);
  size_ += bytes.size();
}

bool Landing::commit() {
  file_.commit();
  committed_ = directory_.rename_new(hidden_, directory_, name_) == RenameResult::done;
  if (!committed_) directory_.remove(hidden_);
  directory_.sync();
  return committed_;
}

}  // namespace navette::channels
