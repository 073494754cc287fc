#include "config/config.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/directory.h"
#include "base/text.h"
#include "config/ini.h"
#include "config/keys.h"

namespace navette::config {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::string_view emetteur_prefix = "emetteur.";

bool is_emetteur_name(std::string_view s) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return s.size() >= 2 && s.size() <= 31 && is_letter(s.front()) &&
         std::all_of(s.begin(), s.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

Keys keys_of_emetteur(Emetteur& e) {
  return {flux_kinds("flux", e.flux), caf_code("caf", e.caf), departements("departements", e.departements)};
}

Keys keys_of_family(const std::string& prefix, FontFamily& family, const fs::path& base) {
  return {path(prefix + "regular", family.regular, base), path(prefix + "bold", family.bold, base),
          path(prefix + "italic", family.italic, base), path(prefix + "bold_italic", family.bold_italic, base)};
}

std::map<std::string, Keys> fixed_sections(Config& c, const fs::path& base) {
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  // Where systemd puts what LoadCredential= names.
  if (const char* directory = std::getenv("CREDENTIALS_DIRECTORY")) c.credentials.directory = directory;
  Keys fonts = keys_of_family("", c.fonts.main, base);
  for (Key& key : keys_of_family("fallback_", c.fonts.fallback, base)) fonts.push_back(std::move(key));
  return {
      {"spool",
       {path("directory", c.spool.directory, base),
        duration("stable_after", c.spool.stable_after, milliseconds(0), hours(1))}},
      {"state", {path("database", c.state.database, base)}},
      {"depot",
       {path("directory", c.depot.directory, base), yes_no("create", c.depot.create),
        path("sftp_log", c.depot.sftp_log, base)}},
      {"data", {path("directory", c.data.directory, base)}},
      {"mail",
       {address("from", c.mail.from), host_and_port("server", c.mail.host, c.mail.port), mail_tls("tls", c.mail.tls),
        path("ca", c.mail.ca, base), account("user", c.mail.user), credential("credential", c.mail.credential)}},
      {"fonts", std::move(fonts)},
      {"signature", {path("certificate", c.signature.certificate, base), path("key", c.signature.key, base)}},
      {"limits",
       {size("flux_size", c.limits.flux_size), size("record_size", c.limits.record_size),
        size("text_size", c.limits.text_size), number("depth", c.limits.depth, 8, 200)}},
      {"log", {log_level("level", c.log.level)}},
      {"credentials", {path("directory", c.credentials.directory, base)}},
      {"daemon",
       {duration("scan_every", c.daemon.scan_every, seconds(1), hours(1)), number("workers", c.daemon.workers, 1, 64),
        duration("patience", c.daemon.patience, seconds(1), minutes(10))}},
  };
}

template <typename Range, typename Name>
std::string names_of(const Range& range, Name name) {
  std::vector<std::string> names;
  names.reserve(range.size());
  for (const auto& item : range) names.push_back(name(item));
  return text::join(names, ", ");
}

// Fills a Config from the entries of a file and collects what is wrong.
class Reader {
 public:
  Reader(const Ini& ini, const fs::path& base, Problems& problems)
      : ini_(ini), sections_(fixed_sections(config_, base)), problems_(problems) {}

  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Config read() {
    for (const Section& section : ini_.sections) open(section);
    for (const Entry& entry : ini_.entries) take(entry);
    for (const Section& section : ini_.sections) check_emetteur(section);
    check_mail();
    check_signature();
    check_apart("depot", "directory", config_.depot.directory, "spool", "directory", config_.spool.directory);
    check_apart("state", "database", config_.state.database, "depot", "directory", config_.depot.directory);
    return config_;
  }

 private:
  void open(const Section& section) {
    if (sections_.contains(section.name)) return;
    const std::string fixed = names_of(sections_, [](const auto& s) { return "[" + s.first + "]"; });
    if (!section.name.starts_with(emetteur_prefix)) {
      fault(section.line, fmt::format("unknown section [{}]; there are {} and [emetteur.NAME]", section.name, fixed));
      return;
    }
    const std::string name = section.name.substr(emetteur_prefix.size());
    if (!is_emetteur_name(name)) {
      fault(section.line,
            fmt::format("{} is no name for an émetteur; 2 to 31 of a-z 0-9 -, beginning with a letter", shown(name)));
      return;
    }
    keys_of_emetteurs_.emplace(section.name, keys_of_emetteur(config_.emetteurs[name]));
  }

  void take(const Entry& entry) {
    const Keys* keys = nullptr;
    if (const auto it = sections_.find(entry.section); it != sections_.end()) keys = &it->second;
    if (const auto it = keys_of_emetteurs_.find(entry.section); it != keys_of_emetteurs_.end()) keys = &it->second;
    if (keys == nullptr) return;  // the section has been complained about
    const auto key = std::find_if(keys->begin(), keys->end(), [&](const Key& k) { return k.name == entry.key; });
    if (key == keys->end()) {
      fault(entry.line, fmt::format("unknown key {} in [{}]; there are {}", entry.key, entry.section,
                                    names_of(*keys, [](const Key& k) { return k.name; })));
      return;
    }
    line_of_[entry.section + "." + entry.key] = entry.line;
    if (const Complaint complaint = key->set(entry.value)) {
      fault(entry.line, fmt::format("{} in [{}]: {}", entry.key, entry.section, *complaint));
    }
  }

  void check_emetteur(const Section& section) {
    if (!keys_of_emetteurs_.contains(section.name)) return;
    const Emetteur& e = config_.emetteurs.at(section.name.substr(emetteur_prefix.size()));
    const auto given = [&](const char* key) { return line_of_.contains(section.name + "." + key); };
    if (e.flux.empty() && !has_problem(section.name + ".flux")) {
      fault(section.line,
            fmt::format("[{}] may send nothing; write flux = demandes, flux = habilitations, or both", section.name));
    }
    for (const char* kind : {"habilitations", "retrait"}) {
      if (e.may_send(kind) && !given("caf"))
        fault(section.line, fmt::format("[{}] sends {}; write for which Caf (caf = 421)", section.name, kind));
    }
    if (!e.departements.empty() && !given("caf")) {
      fault(section.line,
            fmt::format("[{}] has departements without caf; write caf = 421, or remove departements", section.name));
    }
  }

  void check_mail() {
    const auto line = [&](const char* key) { return line_of("mail", key); };
    for (const char* key : {"tls", "ca", "user", "credential"}) {
      if (line(key) != 0 && line("server") == 0)
        fault(line(key),
              fmt::format("[mail] has {0} without server; write server = smtp.exemple.fr:587, or remove {0}", key));
    }
    if (line("server") == 0) return;
    if ((line("user") != 0) != (line("credential") != 0)) {
      fault(std::max(line("user"), line("credential")),
            "[mail] has one of user and credential; write both, or remove it");
    }
    if (config_.mail.tls != MailTls::none) return;
    if (line("user") != 0)
      fault(line("user"), "[mail] would send the password in clear (tls = none); remove user, or tls");
    if (line("ca") != 0) fault(line("ca"), "[mail] has ca without TLS (tls = none); remove ca, or tls");
  }

  void check_signature() {
    const int certificate = line_of("signature", "certificate");
    const int key = line_of("signature", "key");
    if ((certificate != 0) != (key != 0))
      fault(std::max(certificate, key), "[signature] has one of certificate and key; write both, or remove it");
  }

  // Whoever reads or writes `outer` must not find `path` below it: a partner's dépôt is no place for the spool, nor the
  // spool for dépôts (DESIGN, Spool).
  void check_apart(const std::string& section, const std::string& key, const fs::path& path,
                   const std::string& outer_section, const std::string& outer_key, const fs::path& outer) {
    const auto below = [](const fs::path& inner, const fs::path& top) {
      return std::mismatch(top.begin(), top.end(), inner.begin(), inner.end()).first == top.end();
    };
    if (!below(path, outer) && !below(outer, path)) return;
    const int line = std::max(line_of(section, key), line_of(outer_section, outer_key));
    fault(line, fmt::format("{} in [{}] and {} in [{}] lie one within the other; choose separate places", key, section,
                            outer_key, outer_section));
  }

  int line_of(const std::string& section, const std::string& key) const {
    const auto it = line_of_.find(section + "." + key);
    return it == line_of_.end() ? 0 : it->second;
  }
  bool has_problem(const std::string& full_key) const {
    const auto it = line_of_.find(full_key);
    return it != line_of_.end() &&
           std::any_of(problems_.begin(), problems_.end(), [&](const Problem& p) { return p.line == it->second; });
  }
  void fault(int line, std::string message) { problems_.push_back({line, std::move(message)}); }

  const Ini& ini_;
  Config config_;
  std::map<std::string, Keys> sections_;           // their setters point into config_
  std::map<std::string, Keys> keys_of_emetteurs_;  // by section name
  std::map<std::string, int> line_of_;             // "section.key"
  Problems& problems_;
};

std::string bytes_of(const fs::path& file) {
  constexpr std::uint64_t most = 1U << 20U;
  // Not through Directory::read: a configuration may well be a symbolic link.
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) throw_errno("cannot be opened");
  const FileStatus status = status_of(fd.get());
  if (status.type != FileType::regular) throw Error("is not a regular file");
  if (status.size > most) throw Error("is larger than 1 MiB: not a configuration file");
  std::string bytes(status.size, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const std::size_t n = read_some(fd.get(), bytes.data() + have, bytes.size() - have);
    if (n == 0) break;
    have += n;
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

bool Emetteur::may_send(std::string_view kind) const {
  return std::find(flux.begin(), flux.end(), kind) != flux.end();
}

ConfigError::ConfigError(std::vector<std::string> messages)
    : Error(text::join(messages, "\n")), messages_(std::move(messages)) {}

Config load(const fs::path& file) {
  const std::string name = text::printable(file.string());
  std::string bytes;
  try {
    bytes = bytes_of(file);
  } catch (const std::exception& e) {
    throw ConfigError({fmt::format("{}: {}; name another file with -c", name, e.what())});
  }
  Problems problems;
  const Ini ini = parse_ini(bytes, problems);
  Config config = Reader(ini, fs::absolute(file).parent_path(), problems).read();
  if (problems.empty()) return config;

  std::stable_sort(problems.begin(), problems.end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
  std::vector<std::string> messages;
  for (const Problem& p : problems) {
    messages.push_back(p.line == 0 ? fmt::format("{}: {}", name, p.message)
                                   : fmt::format("{}:{}: {}", name, p.line, p.message));
  }
  throw ConfigError(std::move(messages));
}

}  // namespace navette::config
