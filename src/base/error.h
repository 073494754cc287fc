// Exceptions of navette: thrown for failures, never for outcomes (a refused demande is a value, not an exception).
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

namespace navette {

// A failure with a sentence for the operator: what, where, what to do. Never holds a value of a family's (R9).
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A stop was asked for while something outside was waited for; what that has done is not known.
class Interrupted : public Error {
 public:
  Interrupted() : Error("stopped while waiting") {}
};

// Throws std::system_error for the current errno; `what` names the operation and the file.
[[noreturn]] void throw_errno(std::string_view what);

// The whole chain of nested exceptions, outermost first, joined by ": ".
std::string describe(const std::exception& error);

}  // namespace navette
