#include "channels/returns.h"

#include <utility>

#include "channels/io_outcome.h"

namespace navette::channels {
namespace {

constexpr std::string_view kept_suffix = ".retour";

std::string kept_name(const std::string& name) {
  return "." + name + std::string(kept_suffix);
}

bool uncover(const Directory& directory, const std::string& name) {
  const bool landed = directory.rename_new(kept_name(name), directory, name) == RenameResult::done;
  directory.sync();
  return landed;
}

}  // namespace

bool Collecting::wants(const std::string& name) const {
  const bool ours = name.starts_with("DI_") || name.ends_with("manifeste.xml");
  return is_component(name) && name.size() <= 200 && (name.ends_with(".xml") || name.ends_with(".XML")) && !ours &&
         !(is_ignored && is_ignored(name));
}

Landing::Landing(const Collecting& collecting, std::string name)
    : directory_(collecting.arrivee.make_dir(collecting.lieu)),
      name_(std::move(name)),
      file_(directory_, kept_name(name_)) {}

void Landing::write(std::string_view bytes) {
  file_.write(bytes);
  size_ += bytes.size();
}

void Landing::keep() {
  file_.commit();
  kept_ = true;
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

}  // namespace navette::channels
