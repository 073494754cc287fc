#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace navette {

void throw_errno(std::string_view what) {
  throw std::system_error(errno, std::generic_category(), std::string(what));
}

std::string describe(const std::exception& error) {
  std::string text = error.what();
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& inner) {
    text += ": " + describe(inner);
  } catch (...) {
    text += ": unknown cause";
  }
  return text;
}

}  // namespace navette
