// Who runs this command, for the trace (R10).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace navette::cli {

// "login (uid N)": the person who logged in, as the kernel's audit keeps it through sudo and su; without a login
// session (a job of cron or systemd), the account that runs the command.
std::string operator_actor();

// The uid in the content of /proc/self/loginuid; nothing when unset (4294967295) or unreadable.
std::optional<uid_t> parse_loginuid(std::string_view content);
// `login_of`: name of an account, empty when there is none.
std::string actor_text(uid_t uid, const std::function<std::string(uid_t)>& login_of);

}  // namespace navette::cli
