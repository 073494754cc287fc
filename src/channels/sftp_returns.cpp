#include "channels/sftp_returns.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"

namespace navette::channels {
namespace {

using ssh::SftpError;

// What it would take, in words, where the account needs the right to do it: `right`.
std::string advice_on_return(std::uint32_t code, const char* right) {
  switch (code) {
    case SftpError::no_such_file:
      return "the partner must make it, or its profile name another <repertoireRetour>";
    case SftpError::permission_denied:
    case SftpError::unsupported:
      return fmt::format("the partner must let this account {}", right);
    default:
      return "ask the partner what is wrong there: its server does not say";
  }
}

void wait(std::chrono::milliseconds pause, const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, stop, pause, [] { return false; });
  if (stop.stop_requested()) throw Interrupted();
}

// Of `paths`, those that nobody writes to: size and date stay the same for `pause`. The server's clock need not be
// ours.
struct Settled {
  std::string path;
  std::optional<std::uint32_t> modified;  // by the server's clock
};

std::vector<Settled> settled_files(ssh::Sftp& sftp, const std::vector<std::string>& paths,
                                   std::chrono::milliseconds pause, const std::stop_token& stop) {
  const auto before = sftp.stat_all(paths, ssh::Sftp::Links::themselves);
  wait(pause, stop);
  const auto after = sftp.stat_all(paths, ssh::Sftp::Links::themselves);
  std::vector<Settled> settled;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto& a = before[i];
    const auto& b = after[i];
    if (a && b && b->size && b->is_regular() && a->size == b->size && a->modified == b->modified) {
      settled.push_back({paths[i], b->modified});
    }
  }
  return settled;
}

class Fetching {
 public:
  Fetching(ssh::Sftp& sftp, const std::string& directory, const Collecting& collecting)
      : sftp_(sftp), directory_(directory), collecting_(collecting) {}

  void run(const std::stop_token& stop) {
    const std::string inside = directory_.back() == '/' ? directory_ : directory_ + '/';
    const ssh::Discretion discretion(sftp_, inside);
    const std::vector<std::string> there = sftp_.list(directory_);  // sorted
    std::vector<std::string> named;
    for (const std::string& name : there) {
      if (collecting_.wants(name)) named.push_back(inside + name);
    }
    collected_.names = land_kept(
        collecting_, [&](const std::string& name) { return std::binary_search(there.begin(), there.end(), name); });
    const std::vector<std::string> wanted = fetchable(named);
    if (wanted.empty()) return;
    for (const Settled& file : settled_files(sftp_, wanted, collecting_.stable_after, stop))
      fetch(file, file.path.substr(inside.size()));
  }

  void tell(std::string fault) { collected_.faults.push_back(std::move(fault)); }
  Collected take() { return std::move(collected_); }

 private:
  // As many as may be fetched at a time. The others cannot be, and take no place from those behind them.
  std::vector<std::string> fetchable(const std::vector<std::string>& paths) {
    std::vector<std::string> out;
    std::size_t unfit = 0;
    std::uint64_t bytes = 0;
    bool sizeless = false;
    const auto found = sftp_.stat_all(paths, ssh::Sftp::Links::themselves);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (!found[i]) continue;
      if (found[i]->is_regular() && !found[i]->size) {  // nor whether somebody still writes to it
        sizeless = true;
        continue;
      }
      const std::string name = paths[i].substr(paths[i].rfind('/') + 1);
      const bool fit = collecting_.can_bring(name, found[i]->is_regular(), found[i]->size.value_or(0));
      if (!fit) ++unfit;
      if (!fit || out.size() == collecting_.most || bytes + found[i]->size.value_or(0) > collecting_.max_bytes)
        continue;
      bytes += found[i]->size.value_or(0);
      out.push_back(paths[i]);
    }
    collected_.tell_unfit(unfit, directory_, collecting_);
    if (sizeless) {
      tell("the server tells no sizes: what lies in the return directory " + directory_ +
           " cannot be fetched; ask the partner");
    }
    return out;
  }

  void fetch(const Settled& file, const std::string& name) {
    Landing landing(collecting_, name);
    if (landing.is_taken()) return;  // one of that name waits here: later
    try {
      sftp_.read(file.path, collecting_.max_bytes, [&](std::string_view bytes) { landing.write(bytes); });
      const auto now = sftp_.stat_all({file.path}, ssh::Sftp::Links::themselves).front();
      if (!now || now->size != landing.size() || now->modified != file.modified) return;  // changed meanwhile: later
      if (landing.keep() && sftp_.remove(file.path) &&
          sftp_.stat_all({file.path}, ssh::Sftp::Links::themselves).front()) {
        tell(
            fmt::format("a file in the return directory {} is still there though the server says that it removed it: "
                        "it comes again with each look; ask the partner",
                        directory_));
      }
    } catch (const ssh::TooMuch&) {  // it grew, or the server told another size
      collected_.tell_unfit(1, directory_, collecting_);
      return;
    } catch (const SftpError& e) {
      if (e.code() != SftpError::no_such_file) tell(fault_of(e.code(), landing.is_kept()));  // else the lieu removed it
      if (!landing.is_kept()) return;
    }
    // Also where the server lets nothing be removed: what the lieu says counts.
    if (landing.land()) collected_.names.push_back(landing.name());
  }

  // Neither the file's name, which its sender chose, nor the server's words, which may tell it (R9).
  std::string fault_of(std::uint32_t code, bool kept) const {
    return fmt::format("a file in the return directory {} could not be {}: {}; {}", directory_,
                       kept ? "removed" : "fetched", ssh::meaning_of(code),
                       advice_on_return(code, kept ? "remove the files there: until then it comes again with each look"
                                                   : "read the files there"));
  }

  ssh::Sftp& sftp_;
  const std::string& directory_;
  const Collecting& collecting_;
  Collected collected_;
};

}  // namespace

Collected fetch_returns(ssh::Sftp& sftp, const std::string& directory, const Collecting& collecting,
                        const std::stop_token& stop) {
  Fetching fetching(sftp, directory, collecting);
  try {
    fetching.run(stop);
  } catch (const ssh::TooMuch& e) {
    fetching.tell(fmt::format("the return directory {}; have the partner remove what does not belong there", e.what()));
  } catch (const SftpError& e) {
    fetching.tell(fmt::format("the return directory {} could not be looked at: {}; {}", directory,
                              ssh::meaning_of(e.code()), advice_on_return(e.code(), "list it and look at its files")));
  }
  return fetching.take();
}

}  // namespace navette::channels
