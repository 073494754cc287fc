#include "render/image_store.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include "base/directory.h"
#include "base/error.h"
#include "base/text.h"

namespace navette::render {
namespace {

constexpr std::uint64_t largest_file = 5U << 20U;  // bytes: each PDF carries it
constexpr std::size_t most_known = 64;             // a stylesheet names a few; one that names more reads some again

// "url(logo.png)", with quotes or without, is "logo.png".
std::string_view path_in(std::string_view source) {
  constexpr std::string_view call = "url(";
  if (!source.starts_with(call) || !source.ends_with(')')) return source;
  source = text::trim(source.substr(call.size(), source.size() - call.size() - 1));
  const bool quoted =
      source.size() >= 2 && source.front() == source.back() && (source.front() == '\'' || source.front() == '"');
  return quoted ? source.substr(1, source.size() - 2) : source;
}

bool is_component(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(":\\") == std::string::npos;
}

std::string read_below(const std::string& directory, const std::vector<std::string>& components) {
  Directory at = Directory::open(directory);
  for (std::size_t i = 0; i + 1 < components.size(); ++i) at = at.open_dir(components[i]);
  return at.read(components.back(), largest_file);
}

}  // namespace

std::shared_ptr<const pdf::Image> ImageStore::find(const std::string& source) {
  const std::string path(path_in(source));
  const auto components = text::split(path, '/');
  if (components.empty() || !std::all_of(components.begin(), components.end(), is_component)) {
    throw Error("src must be the path of a file beside the document, or below: no absolute path, no .., no address");
  }
  if (directory_.empty()) throw Error("this document stands in no directory: there are no images");
  const std::lock_guard lock(mutex_);
  if (const auto found = known_.find(path); found != known_.end()) return found->second;
  if (known_.size() >= most_known) known_.clear();
  try {
    auto image = std::make_shared<const pdf::Image>(pdf::read_image(read_below(directory_, components)));
    return known_.emplace(path, std::move(image)).first->second;
  } catch (const std::exception&) {
    std::throw_with_nested(Error(path));
  }
}

}  // namespace navette::render
