// What is wrong with an FO document, and where.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"

namespace navette::render {

class FoError : public Error {
 public:
  // The line of the FO document; of one that a stylesheet made, the stylesheet's, or that of a file that it includes,
  // which no element tells: libxslt keeps lines alone.
  FoError(long line, std::string_view element, std::string_view what)
      : Error(fmt::format("FO line {}{}{}: {}", line, element.empty() ? "" : ", ", element, what)),
        line_(line),
        element_(element) {}

  long line() const { return line_; }
  const std::string& element() const { return element_; }  // its local name; empty: not known

 private:
  long line_;
  std::string element_;
};

}  // namespace navette::render
