// The keys of the configuration file: each kind reads its value into a field, or says what is wrong with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "config/config.h"

namespace navette::config {

// What is wrong with a value and what to write instead; nothing when it was taken.
using Complaint = std::optional<std::string>;

struct Key {
  std::string name;
  std::function<Complaint(const std::string& value)> set;
};
using Keys = std::vector<Key>;

// As messages quote it: on one line, printable.
std::string shown(const std::string& value);

// The target of each must outlive its Key; it keeps its value (the default) when there is a complaint.

// Relative to `base`; comes out normal and without a final slash.
Key path(std::string name, std::filesystem::path& target, const std::filesystem::path& base);
Key duration(std::string name, std::chrono::milliseconds& target, std::chrono::milliseconds least,
             std::chrono::milliseconds most);
Key size(std::string name, std::uint64_t& target);
Key number(std::string name, unsigned& target, unsigned least, unsigned most);
Key yes_no(std::string name, bool& target);
Key log_level(std::string name, log::Level& target);
Key address(std::string name, std::string& target);
Key host_and_port(std::string name, std::string& host, std::uint16_t& port);
Key mail_tls(std::string name, MailTls& target);
// One line of printable ASCII.
Key account(std::string name, std::string& target);
// The name of a file in the directory of credentials.
Key credential(std::string name, std::string& target);
Key caf_code(std::string name, std::string& target);
Key flux_kinds(std::string name, std::vector<std::string>& target);
Key departements(std::string name, std::vector<std::string>& target);

}  // namespace navette::config
