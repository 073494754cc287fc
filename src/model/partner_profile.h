// What a partner's server can do and how it is reached: per partner, never an assumption (DOMAIN section 7). Comes with
// the lieu in a habilitations flux; names credentials, never holds one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace navette::model {

// Hours of the day in which remises may be sent, Europe/Paris; an end before the begin passes midnight.
struct SendingWindow {
  std::chrono::minutes begin{0};  // after midnight
  std::chrono::minutes end{0};
  bool operator==(const SendingWindow&) const = default;
};

// Nothing when it is open at `now`, else when it opens next.
std::optional<Instant> next_opening(const SendingWindow& window, Instant now);

enum class PickupProof { disappearance, flux, none };

struct SftpProfile {
  std::string host;
  std::uint16_t port = 22;
  std::string user;
  std::string credential;        // name of the private key, or of the password
  std::string fingerprint;       // "SHA256:…" of the host key; empty: known_hosts
  std::string known_hosts;       // name of the credential that holds the known_hosts file
  std::string directory;         // at the server; "." is the directory of arrival
  std::string temporary_suffix;  // ".part"
  bool rename = true;            // the server can rename a file
  bool overwrite = false;        // what stands there may be replaced
  bool make_directory = false;   // a directory a remise, else all in `directory`
  bool check_size = true;        // asked for again after writing
  PickupProof proof = PickupProof::none;
  std::string return_directory;  // where the lieu's acknowledgements are fetched; empty: nowhere
  unsigned connections = 1;      // at a time
  std::optional<SendingWindow> window;
  bool operator==(const SftpProfile&) const = default;
};

// A directory at a partner's server that navette puts files into, or takes them from.
struct Place {
  enum class Use { remises_apart, remises_flat, returns };  // apart: each has a directory of its own
  std::string user;
  std::string server;       // "host:port"
  std::string fingerprint;  // of the server's host key; empty: not known
  std::string directory;    // without what changes nothing: a "/" at the end or twice, a component "."
  Use use = Use::remises_apart;
  bool operator==(const Place&) const = default;
};
// Of remises and then, where the profile has one, of returns.
std::vector<Place> places(const SftpProfile& profile);
// Whether it is one directory and cannot be both: what is fetched is taken for that lieu's and removed; a demande's
// files have the same names at each of its lieux, and what is taken back is removed by name. Two names of one server
// are known by its host key. An absolute directory is taken for a relative one whose components it ends with, unless
// that is the directory of arrival, which could be any.
bool collide(const Place& a, const Place& b);

// How the content of a mail is protected. `none`: it has none, it only says that a remise waits (R9).
enum class Protection { smime, pdf, none };

struct CourrielProfile {
  std::string address;  // the lieu's box for remises
  Protection protection = Protection::none;
  std::string credential;             // name of the certificate (smime), or of the password (pdf)
  std::uint64_t largest_message = 0;  // bytes of a whole message, as it goes over the line
  bool operator==(const CourrielProfile&) const = default;
};

// What a profile names a credential for. The file's name tells what it may be for, so that no profile has a secret sent
// to a server that it is not for (docs/adr/0015).
enum class CredentialUse { ssh_secret, known_hosts, certificate, pdf_password };
struct NamedCredential {
  std::string name;
  CredentialUse use = CredentialUse::ssh_secret;
};
std::vector<NamedCredential> named_credentials(const SftpProfile& profile);
std::vector<NamedCredential> named_credentials(const CourrielProfile& profile);
// "…-passphrase" is no profile's to name; "…-pdf" is the password of a PDF and no SSH secret, and no
// PDF has another.
bool fits(const NamedCredential& named);
// "caf-421-…" is Caf 421's. What names no Caf is a Caf's that has the instance to itself (`alone`).
bool belongs_to(const std::string& name, const std::string& caf, bool alone);

}  // namespace navette::model
