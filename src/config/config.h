// The configuration file (INI, config/navette.conf shows every key) as typed values. Partners are not configuration:
// they come in by `habilitations`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/log.h"

namespace navette::config {

inline constexpr std::string_view default_file = "/etc/navette/navette.conf";

struct Spool {
  std::filesystem::path directory = "/var/spool/navette";
  // A deposit that has not changed for so long is complete; matters where nobody saw it being closed (`run`).
  std::chrono::milliseconds stable_after = std::chrono::seconds(5);
  bool operator==(const Spool&) const = default;
};

struct State {
  std::filesystem::path database = "/var/lib/navette/navette.db";
  bool operator==(const State&) const = default;
};

struct Depot {
  std::filesystem::path directory = "/srv/navette/depot";
  // Make a lieu's dépôt as a plain directory at its first remise, instead of waiting for `lieux provision` as root.
  bool create = false;
  // The log of internal-sftp, as the system log writes it: what lieux read. Empty: none.
  std::filesystem::path sftp_log;
  bool operator==(const Depot&) const = default;
};

struct Data {
  std::filesystem::path directory = "/usr/share/navette";  // the source tree will do
  std::filesystem::path schemas() const { return directory / "xsd"; }
  std::filesystem::path stylesheets() const { return directory / "xslt"; }
  std::filesystem::path examples() const { return directory / "data" / "exemples"; }
  std::filesystem::path communes() const { return directory / "data" / "communes.tsv"; }
  bool operator==(const Data&) const = default;
};

enum class MailTls { starttls, implicit, none };

// Without a host e-mails become files in the spool's courriels/.
struct Mail {
  std::string from = "navette@localhost";  // a bare address: ASCII, one '@', no blank
  std::string host;                        // name, IPv4, or IPv6 in brackets
  std::uint16_t port = 0;
  MailTls tls = MailTls::starttls;
  std::filesystem::path ca;  // empty: the system's
  std::string user;          // empty: no login; never together with MailTls::none
  std::string credential;    // name of the file that holds the password
  bool operator==(const Mail&) const = default;
};

struct FontFamily {
  std::filesystem::path regular;
  std::filesystem::path bold;
  std::filesystem::path italic;
  std::filesystem::path bold_italic;
  bool operator==(const FontFamily&) const = default;
};

// Files by path: a look-up by name costs twenty times as much. The fallback serves the characters that the main family
// lacks. Debian's fonts-dejavu-core has no oblique sans, hence the upright one.
struct Fonts {
  FontFamily main = {
      "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf", "/usr/share/fonts/truetype/noto/NotoSans-Bold.ttf",
      "/usr/share/fonts/truetype/noto/NotoSans-Italic.ttf", "/usr/share/fonts/truetype/noto/NotoSans-BoldItalic.ttf"};
  FontFamily fallback = {
      "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
      "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"};
  bool operator==(const Fonts&) const = default;
};

// PEM files that PDFs are signed with: both, or none.
struct Signature {
  std::filesystem::path certificate;  // may hold its chain after it
  std::filesystem::path key;
  bool wanted() const { return !key.empty(); }
  bool operator==(const Signature&) const = default;
};

// Beyond one of these a flux or a record is refused.
struct Limits {
  std::uint64_t flux_size = std::uint64_t{1} << 30U;    // bytes of a deposited file
  std::uint64_t record_size = std::uint64_t{1} << 20U;  // bytes of one demande or convention, as deposited
  std::uint64_t text_size = std::uint64_t{64} << 10U;   // bytes of one text node or attribute
  unsigned depth = 32;                                  // nested elements
  bool operator==(const Limits&) const = default;
};

struct Log {
  log::Level level = log::Level::info;
  bool operator==(const Log&) const = default;
};

// Keys, passwords and certificates of partners, a file each; systemd's LoadCredential= tells its own directory.
struct Credentials {
  std::filesystem::path directory = "/etc/navette/credentials";
  bool operator==(const Credentials&) const = default;
};

struct Daemon {
  std::chrono::milliseconds scan_every = std::chrono::seconds(60);  // inotify is a hint, the scan decides
  unsigned workers = 2;
  std::chrono::milliseconds patience = std::chrono::seconds(30);  // with a partner's server that says nothing
  bool operator==(const Daemon&) const = default;
};

// Who may deposit in arrivee/<name>/, and what.
struct Emetteur {
  std::vector<std::string> flux;  // "demandes", "habilitations", "retrait"; sorted, without repetition, never empty
  std::string caf;  // three digits; set when flux holds "habilitations" or "retrait", else it may be empty
  // Départements ("42", "2A", "974") in which the communes of that Caf's conventions must lie; empty: anywhere.
  std::vector<std::string> departements;

  bool may_send(std::string_view kind) const;
  bool operator==(const Emetteur&) const = default;
};

struct Config {
  Spool spool;
  State state;
  Depot depot;
  Data data;
  Mail mail;
  Fonts fonts;
  Signature signature;
  Limits limits;
  Log log;
  Credentials credentials;
  Daemon daemon;
  std::map<std::string, Emetteur> emetteurs;  // by name: [a-z][a-z0-9-]{1,30}
  bool operator==(const Config&) const = default;
};

// Everything that is wrong with a file, in the order of its lines; what() holds them all, one a line.
class ConfigError : public Error {
 public:
  explicit ConfigError(std::vector<std::string> messages);
  // "FILE:LINE: what is wrong and what to do" (FILE alone where no line is to blame).
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  std::vector<std::string> messages_;
};

// Reads `file`. Paths come out absolute: a relative one is relative to the directory that holds `file`. Nothing is
// looked up on disk: whether directories, schemas and fonts exist is for `navette check` to say. Throws ConfigError
// with every error found.
Config load(const std::filesystem::path& file);

}  // namespace navette::config
