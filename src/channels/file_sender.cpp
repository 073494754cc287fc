#include "channels/file_sender.h"

#include <algorithm>
#include <iterator>

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

std::vector<model::RemiseFile> documents_of(const RemiseToSend& r) {
  std::vector<model::RemiseFile> out;
  std::copy_if(r.files.begin(), r.files.end(), std::back_inserter(out), [](const model::RemiseFile& f) {
    return f.kind == model::FileKind::pdf || f.kind == model::FileKind::xml;
  });
  return out;
}

model::Outcome by_lieu() {
  return model::Refused{
      "retiree",
      "its documents lie there no more, and navette did not remove them: the lieu took them; ask it to "
      "destroy what it has, then navette remises taken-back"};
}

}  // namespace navette::channels
