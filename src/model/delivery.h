// What a channel is given and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace navette::model {

// Whose fault a failure is, and so what else need not be tried either.
enum class Scope {
  remise,       // its own
  lieu,         // the lieu's: its place at the partner's, its box, or what its profile says of it
  access,       // of the server, or of our account there: all lieux that are served through it fail together
  mail_server,  // of ours: all lieux that are served by e-mail wait, for as long as it takes
};

// Outcomes of one attempt. Whatever is not known to have succeeded is a Retry.
struct Delivered {
  std::string facts;  // for the log and the trace: where, how; nothing personal
};
struct Retry {
  std::string reason;
  std::optional<Instant> not_before;
  Scope scope = Scope::remise;
  std::vector<std::string> arrived{};  // files that are at the partner for certain
  bool left_nothing = false;           // this attempt wrote nothing at the partner's
};
struct Refused {
  std::string code;    // short word, e.g. "depot-absent"
  std::string reason;  // what, where, what to do
  Scope scope = Scope::remise;
  bool left_nothing = false;
  std::vector<std::string> arrived{};  // as of a Retry
};
using Outcome = std::variant<Delivered, Retry, Refused>;

// Scope::remise for what is Delivered.
inline Scope scope_of(const Outcome& outcome) {
  if (const auto* refused = std::get_if<Refused>(&outcome)) return refused->scope;
  const auto* retry = std::get_if<Retry>(&outcome);
  return retry != nullptr ? retry->scope : Scope::remise;
}

// Files that are at the partner for certain; of what is Delivered, that says it all.
inline std::vector<std::string> arrived_of(const Outcome& outcome) {
  if (const auto* refused = std::get_if<Refused>(&outcome)) return refused->arrived;
  const auto* retry = std::get_if<Retry>(&outcome);
  return retry != nullptr ? retry->arrived : std::vector<std::string>{};
}

// A reason as it is stored and shown: begins with the code that the Caf's daily mail has a French sentence for
// (xslt/alerte.xsl). A Retry's reason may be one already; a Refused has its code apart.
inline std::string with_code(const std::string& code, const std::string& words) {
  return code + ": " + words;
}

enum class FileKind { pdf, xml, cover_sheet, manifest };

struct RemiseFile {
  std::string name;
  FileKind kind = FileKind::pdf;
  std::uint64_t size = 0;  // bytes
  std::string sha256;      // lower-case hexadecimal
  std::string emetteur;    // of the demande; empty for the cover sheet and the manifest
  std::string reference;
};

// Of files in a return directory, each by a digest of its name, size and date.
struct ReturnMarks {
  std::set<std::string> brought;  // and could not be removed there
  std::set<std::string> failed;   // could not be fetched: tried again after all others

  bool operator==(const ReturnMarks&) const = default;
};

}  // namespace navette::model
