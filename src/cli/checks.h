// The preflight: what must be right before navette can work, each found alone.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "config/config.h"

namespace navette::cli {

enum class Health { ok, warn, bad };

struct Finding {
  Health health = Health::ok;
  std::string subject;  // "spool", "database" …
  std::string text;     // what is so; and what to do when it is not ok
};
using Findings = std::vector<Finding>;

// None throws: what cannot be looked at is a finding. Permissions are those of the account that runs the command.
Findings check_configuration(const config::Config& config, const std::string& file);
Findings check_spool(const config::Config& config);
Findings check_senders(const config::Config& config);
Findings check_database(const config::Config& config);
Findings check_signature(const config::Config& config, const Clock& clock);  // none when there is none
Findings check_data(const config::Config& config);                           // schemas, stylesheets, communes, fonts
// `reach`: also whether each lieu's directories take a delivery now.
Findings check_depots(const config::Config& config, const Clock& clock, bool reach);

// Of the lieux served over SFTP or by e-mail, the credentials that their profiles name, and directories that two of
// them share. `reach`: also each server itself, and the mail server, tried without delivering, 32 at a time. A stop
// leaves out what is not tried yet.
Findings check_partners(const config::Config& config, const Clock& clock, bool reach, const std::stop_token& stop);
// Whether there is room on the file system that holds `path`.
Finding space_finding(const std::filesystem::path& path);
// "navette:navette 0700"; empty when it cannot be looked at.
std::string owner_and_mode(const std::filesystem::path& path);
// Its number when it has no name.
std::string name_of_user(uid_t uid);

}  // namespace navette::cli
