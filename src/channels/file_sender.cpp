#include "channels/file_sender.h"

#include "channels/io_outcome.h"

namespace navette::channels {

std::optional<model::Refused> check_remise(const RemiseToSend& r) {
  if (!is_component(r.lieu) || !is_component(r.remise)) {
    return model::Refused{"nom-invalide", "the remise or the lieu has a name that is no directory name"};
  }
  if (r.files.empty() || r.files.back().kind != model::FileKind::manifest) {
    return model::Refused{"source-alteree", "the manifest is not the last file of the remise"};
  }
  for (const model::RemiseFile& file : r.files) {
    if (!is_component(file.name))
      return model::Refused{"nom-invalide", "a file of the remise has a name that is no file name"};
  }
  return std::nullopt;
}

model::Outcome by_lieu(const std::string& removed) {
  return model::Refused{
      "retiree",
      "documents of it lay there no more, and navette had not removed them: the lieu took them; ask it "
      "to destroy what it has, then navette remises taken-back (" +
          removed + ")"};
}

}  // namespace navette::channels
