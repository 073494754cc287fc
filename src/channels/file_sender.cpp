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

}  // namespace navette::channels
