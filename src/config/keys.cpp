#include "config/keys.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "config/values.h"

namespace navette::config {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

bool is_address(std::string_view s) {
  const auto at = s.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < s.size() && s.find('@', at + 1) == std::string_view::npos &&
         std::all_of(s.begin(), s.end(), [](char c) {
           return c > ' ' && c < '\x7f' && std::string_view("<>()[],;:\\\"").find(c) == std::string_view::npos;
         });
}

bool is_digits(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Fit to stand in a URL as it is.
bool is_host(std::string_view s) {
  if (s.starts_with('[')) {
    return s.size() > 2 && s.ends_with(']') &&
           s.substr(1, s.size() - 2).find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  return !s.empty() && s.size() <= 253 && is_alphanumeric(s.front()) &&
         std::all_of(s.begin(), s.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
}

bool is_flux_kind(std::string_view word) {
  return word == "demandes" || word == "habilitations" || word == "retrait";
}

// As in data/communes.tsv: "42", "2A", "974".
bool is_departement(std::string_view word) {
  if (word == "2A" || word == "2B") return true;
  if (word.size() == 2) return is_digits(word) && word >= "01" && word <= "95" && word != "20";
  return word.size() == 3 && is_digits(word) && word >= "971" && word <= "989";
}

Key list(std::string name, std::vector<std::string>& target, bool (*accepts)(std::string_view), std::string_view hint) {
  return {std::move(name), [&target, accepts, hint](const std::string& value) -> Complaint {
            std::vector<std::string> words = parse_list(value);
            for (const std::string& word : words) {
              if (!accepts(word)) return fmt::format("{} is not known; {}", shown(word), hint);
            }
            target = std::move(words);
            return {};
          }};
}

}  // namespace

std::string shown(const std::string& value) {
  return fmt::format("\"{}\"", text::printable(value));
}

Key path(std::string name, fs::path& target, const fs::path& base) {
  return {std::move(name), [&target, base](const std::string& value) -> Complaint {
            if (value.empty()) return "is empty; give a path, or remove the line";
            target = (base / value).lexically_normal();
            if (!target.has_filename()) target = target.parent_path();
            return {};
          }};
}

Key duration(std::string name, milliseconds& target, milliseconds least, milliseconds most) {
  return {std::move(name), [&target, least, most](const std::string& value) -> Complaint {
            const auto parsed = parse_duration(value);
            if (!parsed) return fmt::format("{} is not a duration; write 500ms, 5s, 10min or 1h", shown(value));
            if (*parsed < least || *parsed > most) {
              return fmt::format("{} is out of bounds; from {} to {} ms", shown(value), least.count(), most.count());
            }
            target = *parsed;
            return {};
          }};
}

Key size(std::string name, std::uint64_t& target) {
  return {std::move(name), [&target](const std::string& value) -> Complaint {
            const auto parsed = parse_size(value);
            if (!parsed || *parsed == 0) {
              return fmt::format("{} is not a size; write 64KiB, 1MiB or 2GiB", shown(value));
            }
            target = *parsed;
            return {};
          }};
}

Key number(std::string name, unsigned& target, unsigned least, unsigned most) {
  return {std::move(name), [&target, least, most](const std::string& value) -> Complaint {
            const auto parsed = parse_number(value);
            if (!parsed || *parsed < least || *parsed > most) {
              return fmt::format("{} is not a number from {} to {}", shown(value), least, most);
            }
            target = *parsed;
            return {};
          }};
}

Key yes_no(std::string name, bool& target) {
  return {std::move(name), [&target](const std::string& value) -> Complaint {
            const auto parsed = parse_yes_no(value);
            if (!parsed) return fmt::format("{} is neither yes nor no", shown(value));
            target = *parsed;
            return {};
          }};
}

Key log_level(std::string name, log::Level& target) {
  return {std::move(name), [&target](const std::string& value) -> Complaint {
            try {
              target = log::parse_level(value);
            } catch (const Error& e) {
              return fmt::format("{}: {}", shown(value), e.what());
            }
            return {};
          }};
}

Key address(std::string name, std::string& target) {
  return {std::move(name), [&target](const std::string& value) -> Complaint {
            if (!is_address(value)) {
              return fmt::format("{} is not a bare e-mail address; write navette@exemple.fr", shown(value));
            }
            target = value;
            return {};
          }};
}

Key host_and_port(std::string name, std::string& host, std::uint16_t& port) {
  return {std::move(name), [&host, &port](const std::string& value) -> Complaint {
            const auto colon = value.rfind(':');
            const auto number =
                colon == std::string::npos ? std::nullopt : parse_number(std::string_view(value).substr(colon + 1));
            if (!number || *number == 0 || *number > 65535 || !is_host(std::string_view(value).substr(0, colon))) {
              return fmt::format("{} is not a server and its port; write smtp.exemple.fr:587", shown(value));
            }
            host = value.substr(0, colon);
            port = static_cast<std::uint16_t>(*number);
            return {};
          }};
}

Key mail_tls(std::string name, MailTls& target) {
  return {std::move(name), [&target](const std::string& value) -> Complaint {
            if (value == "starttls") {
              target = MailTls::starttls;
            } else if (value == "implicit") {
              target = MailTls::implicit;
            } else if (value == "none") {
              target = MailTls::none;
            } else {
              return fmt::format("{} is not known; write starttls, implicit or none", shown(value));
            }
            return {};
          }};
}

Key account(std::string name, std::string& target) {
  return {
      std::move(name), [&target](const std::string& value) -> Complaint {
        if (value.empty() || !std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c < '\x7f'; })) {
          return fmt::format("{} is not an account; ASCII characters only", shown(value));
        }
        target = value;
        return {};
      }};
}

Key credential(std::string name, std::string& target) {
  return {std::move(name), [&target](const std::string& value) -> Complaint {
            const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
            if (value.empty() || !std::all_of(value.begin(), value.end(), fits)) {
              return fmt::format("{} is not a credential's name; a-z, 0-9 and -, no path", shown(value));
            }
            target = value;
            return {};
          }};
}

Key caf_code(std::string name, std::string& target) {
  return {std::move(name), [&target](const std::string& value) -> Complaint {
            if (value.size() != 3 || !is_digits(value)) {
              return fmt::format("{} is not a Caf's code; write its three digits (421)", shown(value));
            }
            target = value;
            return {};
          }};
}

Key flux_kinds(std::string name, std::vector<std::string>& target) {
  return list(std::move(name), target, is_flux_kind, "write demandes, habilitations or retrait");
}

Key departements(std::string name, std::vector<std::string>& target) {
  return list(std::move(name), target, is_departement, "write codes as in 42, 2A, 974");
}

}  // namespace navette::config
