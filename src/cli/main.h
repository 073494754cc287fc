// The whole program but `main`: which command, its errors, its exit code.
#pragma once

namespace navette::cli {

// Exit codes of DESIGN: 0 done, 1 done but something needs attention, 2 usage or configuration, 3 could not do it.
inline constexpr int exit_done = 0;
inline constexpr int exit_attention = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_failed = 3;

// Never throws: an error is one message on standard error.
int run(int argc, char** argv);

}  // namespace navette::cli
