#include "stages/claim.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "base/heartbeat.h"
#include "base/log.h"
#include "base/text.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sha256.h"
#include "model/civil_time.h"

namespace navette::stages {
namespace {

constexpr std::uint64_t bytes_between_rows = std::uint64_t{64} << 20U;
constexpr std::size_t batch_size = 100;  // renames that share one pair of directory syncs

// Sorts in the order of claiming, within a second too; the random part keeps it apart from other processes'.
std::string new_ticket(Instant now) {
  static unsigned count = 0;
  std::string stamp = model::to_iso_utc(now);
  stamp.erase(std::remove_if(stamp.begin(), stamp.end(), [](char c) { return c == '-' || c == ':'; }), stamp.end());
  return fmt::format("{}-{:04x}{}", stamp, count++ & 0xFFFFU, text::hex(crypto::random_bytes(4)));
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

// Nothing when its sender's mode forbids us to read it.
std::optional<UniqueFd> open_readable(const Directory& dir, const std::string& name) {
  try {
    return dir.open_file(name, O_RDONLY | O_NONBLOCK);
  } catch (const std::system_error& e) {
    if (e.code().value() != EACCES && e.code().value() != EPERM) throw;
    return std::nullopt;
  }
}

class Claimer {
 public:
  Claimer(const Spool& spool, store::Store& store, const ClaimRules& rules, const ClosedDeposits& closed,
          const Clock& clock, const std::stop_token& stop)
      : spool_(spool), store_(store), rules_(rules), closed_(closed), clock_(clock), stop_(stop) {}

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
      failed(emetteur, e);
    }
  }
  void failed(const std::string& emetteur, const std::exception& e) {
    ++report_.failed;
    log::error("claim.failed", {{"emetteur", text::printable(emetteur)}, {"error", describe(e)}});
  }
  void scan_sender(const std::string& emetteur);
  bool is_complete(const std::string& emetteur, const std::string& name, const FileStatus& st) const;
  void claim_batch(const std::string& emetteur, const Directory& from, const std::vector<std::string>& names);
  bool bring_over(const Directory& from, const std::string& name, const Directory& to, const std::string& raw);
  void take_up_all();
  void take_up(const std::string& emetteur, const Directory& work, const std::vector<std::string>& entries);
  std::optional<store::Claim> take_over(const std::string& emetteur, const Directory& work, const std::string& raw);
  bool copy(const Directory& work, int in, store::Claim& claim);

  const Spool& spool_;
  store::Store& store_;
  const ClaimRules& rules_;
  const ClosedDeposits& closed_;
  const Clock& clock_;
  const std::stop_token& stop_;
  ClaimReport report_;
};

void Claimer::scan_sender(const std::string& emetteur) {
  const auto from = is_valid_emetteur(emetteur) ? spool_.arrivee.find_dir(emetteur) : std::nullopt;
  if (!from) {
    ++report_.misplaced;
    log::warning("deposit.misplaced", {{"name", emetteur},
                                       {"where", spool_.arrivee.path().string()},
                                       {"do", "deposits belong in a sender's directory, named [a-z][a-z0-9-]+"}});
    return;
  }
  // In the order in which they were finished, whatever the order of the directory: a suspension must not be read before
  // the convention it suspends.
  std::vector<std::pair<Instant, std::string>> complete;
  from->each([&](const std::string& name, FileType) {
    if (is_ignored(name)) return true;
    const auto st = from->status(name);
    if (!st) return true;  // vanished: its sender took it back
    if (!is_complete(emetteur, name, *st)) {
      ++report_.young;
      return true;
    }
    complete.emplace_back(st->modified, name);
    return !stop_.stop_requested();
  });
  std::sort(complete.begin(), complete.end());
  for (std::size_t begin = 0; begin < complete.size() && !stop_.stop_requested(); begin += batch_size) {
    std::vector<std::string> batch;
    for (std::size_t i = begin; i < std::min(begin + batch_size, complete.size()); ++i)
      batch.push_back(complete[i].second);
    claim_batch(emetteur, *from, batch);
  }
}

// ctime: the kernel sets it at every write and rename, and a sender that copies old mtimes cannot forge it.
bool Claimer::is_complete(const std::string& emetteur, const std::string& name, const FileStatus& st) const {
  if (closed_.contains(emetteur + "/" + name)) return true;
  const Instant now = clock_.now();
  return st.changed + rules_.stable_after <= now || st.changed > now + std::chrono::hours(1);
}

void Claimer::claim_batch(const std::string& emetteur, const Directory& from, const std::vector<std::string>& names) {
  const Directory work = spool_.travail.make_dir(emetteur);
  std::vector<std::string> renamed;  // only these: the directory may hold a hundred thousand that wait to be read
  for (const std::string& name : names) {
    const std::string raw = claimed_name(new_ticket(clock_.now()), name);
    try {
      switch (from.rename_new(name, work, raw)) {
        case RenameResult::done:
          renamed.push_back(raw);
          break;
        case RenameResult::other_filesystem:
          if (bring_over(from, name, work, raw)) renamed.push_back(raw);
          break;
        case RenameResult::source_missing:  // vanished
        case RenameResult::target_exists:
          break;  // the ticket is taken: the next scan draws another
      }
    } catch (const std::exception& e) {
      failed(emetteur, e);
    }
  }
  work.sync();
  from.sync();
  take_up(emetteur, work, renamed);
}

// arrivee/ on a file system of its own: the copy counts once it is durable, then the deposit goes. False: not complete.
bool Claimer::bring_over(const Directory& from, const std::string& name, const Directory& to, const std::string& raw) {
  const UniqueFd in = from.open_file(name, O_RDONLY | O_NONBLOCK);
  const FileStatus before = status_of(in.get());
  if (before.type != FileType::regular)
    throw Error("not a regular file, on another file system than travail/: remove it");
  const std::string temporary = "." + parts_of(raw).first + ".over.tmp";
  const UniqueFd out = to.open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0640);
  std::array<char, 1U << 16U> buffer{};
  while (const std::size_t n = read_some(in.get(), buffer.data(), buffer.size()))
    write_all(out.get(), {buffer.data(), n});
  if (::fsync(out.get()) != 0) throw_errno("fsync " + temporary);
  const auto now = from.status(name);
  if (!now || now->inode != before.inode || now->size != before.size || now->modified != before.modified) {
    to.remove(temporary);
    return false;  // changed meanwhile: not complete after all
  }
  to.rename_over(temporary, to, raw);
  to.sync();
  from.remove(name);
  return true;
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
      take_up(emetteur, *work, work->names());
    });
  }
}

// Copies what was renamed here, and records it. `entries`: of travail/<emetteur>/, sorted.
void Claimer::take_up(const std::string& emetteur, const Directory& work, const std::vector<std::string>& entries) {
  std::vector<store::Claim> claims;
  std::vector<std::string> done;
  std::uint64_t bytes = 0;
  const auto record = [&] {
    if (claims.empty()) return;
    work.sync();
    store_.add_claims(claims);
    for (const std::string& raw : done) work.remove(raw);
    report_.claimed += claims.size();
    for (const store::Claim& c : claims) {
      log::info("flux.claimed", {{"flux", c.ticket}, {"emetteur", c.emetteur}, {"bytes", c.size}});
    }
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
      if (!name.empty() && state == store::Store::TicketState::copied) work.remove(entry);
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
    } catch (const std::exception& e) {
      failed(emetteur, e);
    }
    // What is copied is recorded soon: a crash does not copy gigabytes again and again.
    if (claims.size() >= batch_size || bytes >= bytes_between_rows) record();
  }
  record();
}

// Nothing: the sender still writes; looked at again by the next scan.
std::optional<store::Claim> Claimer::take_over(const std::string& emetteur, const Directory& work,
                                               const std::string& raw) {
  const auto [ticket, name] = parts_of(raw);
  const auto st = work.status(raw);
  if (!st) return std::nullopt;
  store::Claim claim{ticket, emetteur,    text::printable(name.empty() ? ticket : name), clock_.now(), st->size,
                     {},     std::nullopt};
  if (st->type != FileType::regular) {
    claim.problem = model::Code::fichier_non_regulier;
    claim.size = 0;
  } else if (st->size > rules_.max_bytes) {
    claim.problem = model::Code::taille_excessive;
  } else {
    const auto in = open_readable(work, raw);
    if (!in) {
      claim.problem = model::Code::fichier_illisible;
    } else if (!copy(work, in->get(), claim)) {
      ++report_.young;
      return std::nullopt;
    }
  }
  return claim;
}

// False when the deposit changed while it was read, or a stop was asked for.
bool Claimer::copy(const Directory& work, int in, store::Claim& claim) {
  const FileStatus before = status_of(in);
  const std::string temporary = "." + claim.ticket + ".tmp";
  const UniqueFd out = work.open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0640);
  crypto::Sha256 hash;
  std::array<char, 1U << 16U> buffer{};
  std::uint64_t size = 0;
  while (const std::size_t n = read_some(in, buffer.data(), buffer.size())) {
    hash.update({buffer.data(), n});
    write_all(out.get(), {buffer.data(), n});
    size += n;
    if (size % (std::uint64_t{1} << 24U) < n) heartbeat::beat();
    if (size > rules_.max_bytes || stop_.stop_requested()) break;
  }
  const FileStatus after = status_of(in);
  if (size != before.size || after.size != before.size || after.modified != before.modified) {
    work.remove(temporary);
    return false;
  }
  if (::fsync(out.get()) != 0) throw_errno("fsync " + temporary);
  work.rename_over(temporary, work, claim.ticket);
  claim.size = size;
  claim.sha256 = hash.finish_hex();
  return true;
}

}  // namespace

bool is_ignored(const std::string& name) {
  return name.starts_with('.') || name.ends_with(".part") || name.ends_with(".tmp") || name.ends_with(".filepart");
}

ClaimReport claim(const Spool& spool, store::Store& store, const ClaimRules& rules, const ClosedDeposits& closed,
                  const Clock& clock, const std::stop_token& stop) {
  return Claimer(spool, store, rules, closed, clock, stop).run();
}

}  // namespace navette::stages
