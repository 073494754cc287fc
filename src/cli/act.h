// What an act of an operator's did.
#pragma once

#include <string>

#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

namespace navette::cli {

// A sentence for people; with --json `object`, as it is after the act.
inline void tell(const Invocation& call, const std::string& sentence, const Json& object) {
  if (call.json()) {
    print_json(object);
  } else {
    print(text::printable(sentence) + "\n");
  }
}

// Of an act that takes a reason.
inline void reasoned_act_options(boost::program_options::options_description& options) {
  why_option(options);
  json_option(options);
}

}  // namespace navette::cli
