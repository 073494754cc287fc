#include "channels/io_outcome.h"

#include <cerrno>
#include <string>

namespace navette::channels {

model::Outcome outcome_of(const std::system_error& error) {
  switch (error.code().value()) {
    case EACCES:
    case EPERM:
      return model::Refused{
          "droits-locaux",
          std::string(error.what()) + "; check owners and modes (`navette lieux provision` as root repairs a dépôt)"};
    case ENOSPC:
    case EDQUOT:
      return model::Retry{model::with_code("disque-plein", std::string(error.what()) + "; make room"), std::nullopt};
    default:
      return model::Retry{model::with_code("erreur-systeme", error.what()), std::nullopt};
  }
}

bool is_component(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos && name.size() <= 255;
}

}  // namespace navette::channels
