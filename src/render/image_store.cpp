#include "render/image_store.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/directory.h"
#include "base/error.h"
#include "base/text.h"
#include "render/fo_properties.h"

namespace navette::render {
namespace {

constexpr std::uint64_t largest_file = 5U << 20U;  // bytes: each PDF carries it

// "url(logo.png)", with quotes or without, is "logo.png".
std::string_view path_in(std::string_view source) {
  constexpr std::string_view call = "url(";
  if (!source.starts_with(call) || !source.ends_with(')')) return source;
  source = text::trim(source.substr(call.size(), source.size() - call.size() - 1));
  const bool quoted =
      source.size() >= 2 && source.front() == source.back() && (source.front() == '\'' || source.front() == '"');
  return quoted ? source.substr(1, source.size() - 2) : source;
}

// A colon would be an address, braces an expression of the stylesheet.
bool is_component(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(":\\{}") == std::string::npos;
}

void refuse_link(const Directory& directory, const std::string& name) {
  const auto status = directory.status(name);
  if (status && status->type == FileType::symlink) throw Error("is a symbolic link: put the file itself there");
}

// Checked for the message only: Directory follows no link, whatever is put there meanwhile.
std::string read_below(const std::string& directory, const std::vector<std::string>& components) {
  Directory at = Directory::open(directory);
  for (std::size_t i = 0; i + 1 < components.size(); ++i) {
    refuse_link(at, components[i]);
    at = at.open_dir(components[i]);
  }
  refuse_link(at, components.back());
  return at.read(components.back(), largest_file);
}

}  // namespace

void ImageStore::load(const xml::Node& top, const std::string& directory) {
  if (top.name() == "external-graphic" && top.space() == fo::fo_space) {
    const auto source = top.attribute("src");
    try {
      if (source) load_one(*source, directory);
    } catch (const std::exception& e) {
      fo::fail(top, describe(e));
    }
  }
  for (xml::Node child = top.first_element(); child; child = child.next_element()) load(child, directory);
}

void ImageStore::load_one(const std::string& source, const std::string& directory) {
  const std::string path(path_in(source));
  if (known_.count(path) > 0) return;
  if (path == "navette:case" || path == "navette:case-cochee") {
    known_.emplace(path, std::make_shared<const pdf::Image>(pdf::check_box(path == "navette:case-cochee")));
    return;
  }
  const auto components = text::split(path, '/');
  if (components.empty() || !std::all_of(components.begin(), components.end(), is_component)) {
    throw Error(
        "src must be the path of a file beside the document, or below, written out: no absolute path, no .., no "
        "address, nothing computed");
  }
  if (directory.empty()) throw Error("this document stands in no directory: there are no images");
  try {
    known_.emplace(path, std::make_shared<const pdf::Image>(pdf::read_image(read_below(directory, components))));
  } catch (const std::exception&) {
    std::throw_with_nested(Error(path));
  }
}

std::shared_ptr<const pdf::Image> ImageStore::find(const std::string& source) const {
  const auto found = known_.find(std::string(path_in(source)));
  return found == known_.end() ? nullptr : found->second;
}

}  // namespace navette::render
