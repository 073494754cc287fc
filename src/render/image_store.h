// The images that documents name. Shared by threads.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "lib/pdf/image.h"

namespace navette::render {

// Each file is read once: whoever changes one restarts navette, as for a stylesheet.
class ImageStore {
 public:
  // Under `directory`; when that is empty there are none.
  explicit ImageStore(std::string directory) : directory_(std::move(directory)) {}

  // `source` is a path below the directory, or url(path). Nothing else is ever opened: no absolute path, no "..", no
  // symbolic link, no network. Throws Error.
  std::shared_ptr<const pdf::Image> find(const std::string& source);

 private:
  const std::string directory_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const pdf::Image>> known_;
};

}  // namespace navette::render
