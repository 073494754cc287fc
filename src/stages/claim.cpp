#include "stages/claim.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <tuple>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/heartbeat.h"
#include "base/log.h"
#include "base/text.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sha256.h"
#include "model/civil_time.h"

namespace navette::stages {
namespace {

constexpr std::uint64_t bytes_between_rows = std::uint64_t{64} << 20U;
constexpr std::size_t batch_size = 100;  // deposits that share one barrier and one transaction
constexpr std::string_view aside_prefix = ".refuse-";
constexpr std::string_view intent_suffix = ".refus";

// Sorts before every ticket drawn at `at` or later.
std::string stamp_of(Instant at) {
  std::string stamp = model::to_iso_utc(at);
  stamp.erase(std::remove_if(stamp.begin(), stamp.end(), [](char c) { return c == '-' || c == ':'; }), stamp.end());
  return stamp;
}

// Sorts in the order of claiming, within a second too; the random part keeps it apart from other processes'.
std::string new_ticket(Instant now) {
  static unsigned count = 0;
  return fmt::format("{}-{:04x}{}", stamp_of(now), count++ & 0xFFFFU, text::hex(crypto::random_bytes(4)));
}

// Ticket and deposited name of an entry of travail/<emetteur>/.
std::pair<std::string, std::string> parts_of(const std::string& entry) {
  const auto dot = entry.find('.');
  if (dot == std::string::npos) return {entry, {}};
  return {entry.substr(0, dot), entry.substr(dot + 1)};
}

// A name cut so that the ticket fits in front of it (255 bytes is the longest).
std::string claimed_name(const std::string& ticket, const std::string& name) {
  return ticket + "." + name.substr(0, std::min<std::size_t>(name.size(), 255 - ticket.size() - 1));
}

bool is_forbidden(const std::system_error& e) {
  return e.code().value() == EACCES || e.code().value() == EPERM;
}

// Nothing when its sender's mode forbids us to read it.
std::optional<UniqueFd> open_readable(const Directory& dir, const std::string& name) {
  try {
    return dir.open_file(name, O_RDONLY | O_NONBLOCK);
  } catch (const std::system_error& e) {
    if (!is_forbidden(e)) throw;
    return std::nullopt;
  }
}

// What a hole of a sparse file reads as; no part of any flux.
bool is_hole(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

class Claimer {
 public:
  Claimer(const Spool& spool, store::Store& store, const ClaimRules& rules, const SeenDeposits& seen,
          const Clock& clock, const std::stop_token& stop)
      : spool_(spool), store_(store), rules_(rules), seen_(seen), clock_(clock), stop_(stop) {}

  ClaimReport run() {
    take_up_all();  // left by a crash, or still growing last time
    spool_.arrivee.each([&](const std::string& name, FileType) {
      if (!is_ignored(name) && name != "README.md") guarded(name, [&] { scan_sender(name); });
      return !stop_.stop_requested();
    });
    return report_;
  }

 private:
  // What one sender's directories or files do wrong holds up no other sender.
  template <typename Work>
  void guarded(const std::string& emetteur, const Work& work) {
    try {
      work();
    } catch (const std::system_error& e) {
      failed(emetteur, describe(e));
    }
  }
  // `error` never names a deposit: its sender chose that name, and may have put a family's into it (R9).
  void failed(const std::string& emetteur, const std::string& error) {
    ++report_.failed;
    report_.faults.push_back("arrivee/" + text::printable(emetteur) + ": " + error);
    log::error("claim.failed", {{"emetteur", text::printable(emetteur)}, {"error", error}});
  }
  struct Deposit {
    Instant modified;
    std::string name;
    std::uint64_t size = 0;
    bool operator<(const Deposit& other) const {
      return std::tie(modified, name) < std::tie(other.modified, other.name);
    }
  };
  enum class Brought { over, changing, unfit };

  void scan_sender(const std::string& emetteur);
  bool is_complete(const std::string& emetteur, const std::string& name, const FileStatus& st) const;
  std::size_t claim_batch(const std::string& emetteur, const Directory& from, const std::vector<std::string>& names);
  Brought bring_over(const Directory& from, const std::string& name, const Directory& to, const std::string& raw);
  store::Claim set_aside(const std::string& emetteur, const Directory& from, const std::string& name,
                         const Directory& work, const std::string& ticket);
  std::size_t record_asides(const Directory& work, const std::vector<store::Claim>& claims);
  void take_up_asides(const std::string& emetteur, const Directory& work);
  model::Code problem_of(const FileStatus& st) const;
  void add(const std::vector<store::Claim>& claims);
  void take_up_all();
  std::size_t take_up(const std::string& emetteur, const Directory& work, const std::vector<std::string>& entries);
  std::optional<store::Claim> take_over(const std::string& emetteur, const Directory& work, const std::string& raw);
  bool copy(const Directory& work, int in, store::Claim& claim);
  std::uint64_t copy_bytes(int in, int out, const std::function<void(std::string_view)>& seen) const;

  const Spool& spool_;
  store::Store& store_;
  const ClaimRules& rules_;
  const SeenDeposits& seen_;
  const Clock& clock_;
  const std::stop_token& stop_;
  ClaimReport report_;
};

void Claimer::scan_sender(const std::string& emetteur) {
  const auto from = is_valid_emetteur(emetteur) ? spool_.arrivee.find_dir(emetteur) : std::nullopt;
  if (!from) {
    ++report_.misplaced;
    const auto st = spool_.arrivee.status(emetteur);
    log::warning("deposit.misplaced",
                 {{"where", spool_.arrivee.path().string()},
                  {"inode", st ? st->inode : 0},
                  {"do", "deposits belong in a sender's directory, named [a-z][a-z0-9-]+; ls -i tells which it is"}});
    return;
  }
  // In the order in which they were finished, whatever the order of the directory: a suspension must not be read before
  // the convention it suspends.
  std::vector<Deposit> complete;
  from->each([&](const std::string& name, FileType) {
    if (is_ignored(name)) return true;
    const auto st = from->status(name);
    if (!st) return true;  // vanished: its sender took it back
    if (!is_complete(emetteur, name, *st)) {
      ++report_.young;
      return true;
    }
    complete.push_back({st->modified, name, st->size});
    return !stop_.stop_requested();
  });
  std::sort(complete.begin(), complete.end());
  std::size_t taken = 0;
  std::uint64_t bytes = 0;
  auto next = complete.begin();
  while (next != complete.end() && taken < rules_.share && bytes < rules_.share_bytes && !stop_.stop_requested()) {
    std::vector<std::string> batch;
    for (; next != complete.end() && batch.size() < batch_size && bytes < rules_.share_bytes; ++next) {
      batch.push_back(next->name);
      bytes += std::min(next->size, rules_.max_bytes);
    }
    taken += claim_batch(emetteur, *from, batch);
  }
  // Only where something was taken: what cannot be taken must not make the caller come back for ever.
  report_.more = report_.more || (next != complete.end() && taken > 0);
}

// ctime: the kernel sets it at every write and rename, and a sender that copies old mtimes cannot forge it.
bool Claimer::is_complete(const std::string& emetteur, const std::string& name, const FileStatus& st) const {
  const std::string deposit = emetteur + "/" + name;
  if (seen_.closed.contains(deposit)) return true;
  const Instant now = clock_.now();
  const auto quiet = seen_.written.contains(deposit) ? rules_.give_up_after : rules_.stable_after;
  return st.changed + quiet <= now || st.changed > now + std::chrono::hours(1);
}

// Returns how many were recorded.
std::size_t Claimer::claim_batch(const std::string& emetteur, const Directory& from,
                                 const std::vector<std::string>& names) {
  const Directory work = spool_.travail.make_dir(emetteur);
  std::vector<std::string> renamed;  // only these: the directory may hold a hundred thousand that wait to be read
  std::vector<store::Claim> asides;
  for (const std::string& name : names) {
    const std::string ticket = new_ticket(clock_.now());
    const std::string raw = claimed_name(ticket, name);
    try {
      switch (from.rename_new(name, work, raw)) {
        case RenameResult::done:
          renamed.push_back(raw);
          break;
        case RenameResult::other_filesystem:
          switch (bring_over(from, name, work, raw)) {
            case Brought::over:
              renamed.push_back(raw);
              break;
            case Brought::changing:
              ++report_.young;
              break;
            case Brought::unfit:
              asides.push_back(set_aside(emetteur, from, name, work, ticket));
              break;
          }
          break;
        case RenameResult::source_missing:  // vanished
        case RenameResult::target_exists:
          break;  // the ticket is taken: the next scan draws another
      }
    } catch (const std::system_error& e) {
      // A directory moves only where its own mode lets us write; within arrivee/ it can still be renamed. What our own
      // travail/ refuses is no fault of the deposit's: set_aside() writes there first.
      try {
        if (!is_forbidden(e)) throw;
        asides.push_back(set_aside(emetteur, from, name, work, ticket));
      } catch (const std::system_error& last) {
        const auto st = from.status(name);
        failed(emetteur,
               fmt::format("the deposit with inode {} cannot be taken: {}", st ? st->inode : 0, last.code().message()));
      }
    }
  }
  return take_up(emetteur, work, renamed) + record_asides(work, asides);
}

// arrivee/ on a file system of its own: the copy counts once it is durable, then the deposit goes.
Claimer::Brought Claimer::bring_over(const Directory& from, const std::string& name, const Directory& to,
                                     const std::string& raw) {
  const auto before = from.status(name);
  if (!before) return Brought::changing;
  if (before->type != FileType::regular || before->size > rules_.max_bytes) return Brought::unfit;
  const auto in = open_readable(from, name);
  if (!in) return Brought::unfit;
  const std::string temporary = "." + parts_of(raw).first + ".over.tmp";
  const UniqueFd out = to.open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0640);
  const std::uint64_t size = copy_bytes(in->get(), out.get(), [](std::string_view) {});
  if (fault::system_call("fsync", [&] { return ::fsync(out.get()); }) != 0) throw_errno("fsync " + temporary);
  const auto now = from.status(name);
  if (!now || now->inode != before->inode || size != before->size || now->size != before->size ||
      now->modified != before->modified) {
    to.remove(temporary);
    return Brought::changing;
  }
  to.rename_over(temporary, to, raw);
  to.sync();
  try {
    from.remove(name);
  } catch (const std::system_error&) {
    to.remove(raw);  // else every scan would bring it over once more
    throw;
  }
  return Brought::over;
}

// What cannot come to travail/ stays with its sender, under a name that is not looked at any more: refused and answered
// like any other, never deleted. The intent lies in travail/ first, so that a crash before the row forgets no answer;
// nothing is taken from the name in arrivee/, which its sender could forge.
store::Claim Claimer::set_aside(const std::string& emetteur, const Directory& from, const std::string& name,
                                const Directory& work, const std::string& ticket) {
  const auto st = from.status(name);
  store::Claim claim{ticket,
                     emetteur,
                     text::printable(name),
                     clock_.now(),
                     st ? st->size : 0,
                     {},
                     st ? problem_of(*st) : model::Code::fichier_illisible};
  const std::string intent = "." + ticket + std::string(intent_suffix);
  write_file(work, intent, fmt::format("{}\n{}\n{}", to_string(*claim.problem), claim.size, claim.name));
  try {
    from.rename_new(name, from, claimed_name(std::string(aside_prefix) + ticket, name));
  } catch (const std::system_error&) {
    work.remove(intent);
    throw;
  }
  return claim;
}

std::size_t Claimer::record_asides(const Directory& work, const std::vector<store::Claim>& claims) {
  if (claims.empty()) return 0;
  add(claims);
  for (const store::Claim& c : claims) work.remove("." + c.ticket + std::string(intent_suffix));
  return claims.size();
}

// Intents that a crash left without a row.
void Claimer::take_up_asides(const std::string& emetteur, const Directory& work) {
  std::vector<store::Claim> claims;
  for (const std::string& entry : work.names()) {
    if (!entry.starts_with('.') || !entry.ends_with(intent_suffix)) continue;
    const std::string ticket = entry.substr(1, entry.size() - 1 - intent_suffix.size());
    const auto lines = text::split(work.read(entry), '\n');
    const auto problem = lines.size() < 3 ? std::nullopt : model::parse_code(lines[0]);
    if (!problem || store_.ticket_state(ticket) != store::Store::TicketState::unknown) {
      work.remove(entry);
      continue;
    }
    claims.push_back({ticket, emetteur, lines[2], clock_.now(), std::stoull(lines[1]), {}, problem});
  }
  record_asides(work, claims);
}

// Of a deposit that is not copied.
model::Code Claimer::problem_of(const FileStatus& st) const {
  if (st.type != FileType::regular) return model::Code::fichier_non_regulier;
  return st.size > rules_.max_bytes ? model::Code::taille_excessive : model::Code::fichier_illisible;
}

void Claimer::add(const std::vector<store::Claim>& claims) {
  store_.add_claims(claims);
  report_.claimed += claims.size();
  for (const store::Claim& c : claims) {
    log::info("flux.claimed", {{"flux", c.ticket}, {"emetteur", c.emetteur}, {"bytes", c.size}});
  }
}

void Claimer::take_up_all() {
  for (const std::string& emetteur : spool_.travail.names()) {
    if (!is_valid_emetteur(emetteur)) continue;
    guarded(emetteur, [&] {
      const auto work = spool_.travail.find_dir(emetteur);
      if (!work) return;
      for (const std::string& entry : work->names()) {
        if (entry.starts_with('.') && entry.ends_with(".tmp")) work->remove_tree(entry);  // half a copy
      }
      take_up_asides(emetteur, *work);
      take_up(emetteur, *work, work->names());
    });
  }
}

// Copies what was renamed here, and records it; returns how many. `entries`: of travail/<emetteur>/, sorted.
std::size_t Claimer::take_up(const std::string& emetteur, const Directory& work,
                             const std::vector<std::string>& entries) {
  std::vector<store::Claim> claims;
  std::vector<std::string> done;
  std::uint64_t bytes = 0;
  std::size_t recorded = 0;
  const auto record = [&] {
    if (claims.empty()) return;
    // One barrier for the bytes and the names of all of them (docs/adr/0006): a hundred small files cost one wait.
    work.sync_filesystem();
    add(claims);
    for (const std::string& raw : done) work.remove(raw);
    recorded += claims.size();
    claims.clear();
    done.clear();
    bytes = 0;
  };
  for (std::size_t i = 0; i < entries.size(); ++i) {
    heartbeat::beat();
    const std::string& entry = entries[i];
    if (entry[0] == '.') continue;
    const auto [ticket, name] = parts_of(entry);
    const auto state = store_.ticket_state(ticket);
    if (state != store::Store::TicketState::unknown) {
      // Crashed between the row and this removal. What could not be copied stays: it is the deposit itself.
      if (!name.empty() && state != store::Store::TicketState::not_copied) work.remove(entry);
      // A power cut came after the answer, and undid the removal of our copy.
      if (name.empty() && state == store::Store::TicketState::answered) work.remove(entry);
      continue;
    }
    // Crashed between the copy and the row: copied again from the deposit, which sorts right behind and has the name.
    if (name.empty() && i + 1 < entries.size() && entries[i + 1].starts_with(ticket + ".")) continue;
    if (stop_.stop_requested()) break;
    try {
      if (auto claim = take_over(emetteur, work, entry)) {
        if (!claim->problem && !name.empty()) done.push_back(entry);
        bytes += claim->size;
        claims.push_back(std::move(*claim));
      }
    } catch (const std::system_error& e) {
      failed(emetteur, "cannot copy " + ticket + ": " + e.code().message());
    }
    // What is copied is recorded soon: a crash does not copy gigabytes again and again.
    if (claims.size() >= batch_size || bytes >= bytes_between_rows) record();
  }
  record();
  return recorded;
}

// Nothing: the sender still writes; looked at again by the next scan.
std::optional<store::Claim> Claimer::take_over(const std::string& emetteur, const Directory& work,
                                               const std::string& raw) {
  const auto [ticket, name] = parts_of(raw);
  const auto st = work.status(raw);
  if (!st) return std::nullopt;
  store::Claim claim{ticket, emetteur,    text::printable(name.empty() ? ticket : name), clock_.now(), st->size,
                     {},     std::nullopt};
  const bool fit = st->type == FileType::regular && st->size <= rules_.max_bytes;
  const auto in = fit ? open_readable(work, raw) : std::nullopt;
  if (!in) {
    claim.problem = problem_of(*st);
  } else if (!copy(work, in->get(), claim)) {
    // A sender may go on writing into what was claimed, but not for ever.
    if (stop_.stop_requested() || ticket >= stamp_of(clock_.now() - rules_.give_up_after)) {
      ++report_.young;
      return std::nullopt;
    }
    claim.problem = model::Code::fichier_illisible;
  }
  return claim;
}

// False when the deposit changed while it was read, or a stop was asked for.
bool Claimer::copy(const Directory& work, int in, store::Claim& claim) {
  const FileStatus before = status_of(in);
  const std::string temporary = "." + claim.ticket + ".tmp";
  const UniqueFd out = work.open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0640);
  crypto::Sha256 hash;
  const std::uint64_t size = copy_bytes(in, out.get(), [&](std::string_view bytes) { hash.update(bytes); });
  const FileStatus after = status_of(in);
  if (size != before.size || after.size != before.size || after.modified != before.modified) {
    work.remove(temporary);
    return false;
  }
  work.rename_over(temporary, work, claim.ticket);  // not durable yet: the row waits for it (take_up)
  claim.size = size;
  claim.sha256 = hash.finish_hex();
  return true;
}

// Up to the end of `in`, the largest size allowed, or a stop; returns the bytes copied. Holes stay holes: a sparse file
// of a gigabyte, which costs its sender nothing, costs us no disk either.
std::uint64_t Claimer::copy_bytes(int in, int out, const std::function<void(std::string_view)>& seen) const {
  std::array<char, 1U << 16U> buffer{};
  std::uint64_t size = 0;
  while (const std::size_t n = read_some(in, buffer.data(), buffer.size())) {
    const std::string_view bytes(buffer.data(), n);
    seen(bytes);
    if (!is_hole(bytes)) {
      write_all(out, bytes);
    } else if (::lseek(out, static_cast<off_t>(n), SEEK_CUR) < 0) {
      throw_errno("seek in a copy");
    }
    size += n;
    if (size % (std::uint64_t{1} << 24U) < n) heartbeat::beat();
    if (size > rules_.max_bytes || stop_.stop_requested()) break;
  }
  const auto truncate = [&] { return ::ftruncate(out, static_cast<off_t>(size)); };
  if (fault::system_call("truncate", truncate) != 0) throw_errno("set the size of a copy");
  return size;
}

}  // namespace

bool is_ignored(const std::string& name) {
  return name.starts_with('.') || name.ends_with(".part") || name.ends_with(".tmp") || name.ends_with(".filepart");
}

ClaimReport claim(const Spool& spool, store::Store& store, const ClaimRules& rules, const SeenDeposits& seen,
                  const Clock& clock, const std::stop_token& stop) {
  return Claimer(spool, store, rules, seen, clock, stop).run();
}

}  // namespace navette::stages
