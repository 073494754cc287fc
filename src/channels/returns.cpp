#include "channels/returns.h"

#include <utility>

#include "channels/io_outcome.h"

namespace navette::channels {

bool Collecting::wants(const std::string& name) const {
  const bool ours = name.starts_with("DI_") || name.ends_with("manifeste.xml");
  return is_component(name) && name.size() <= 200 && (name.ends_with(".xml") || name.ends_with(".XML")) && !ours &&
         !(is_ignored && is_ignored(name));
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
