#include "channels/sftp_returns.h"

#include <algorithm>
#include <condition_variable>
#include <iterator>
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

class Fetching {
 public:
  Fetching(ssh::Sftp& sftp, const std::string& directory, const Collecting& collecting)
      : sftp_(sftp),
        directory_(directory),
        inside_(directory.back() == '/' ? directory : directory + '/'),
        collecting_(collecting) {
    collected_.marks = collecting.marks;
  }

  void run(const std::stop_token& stop) {
    const ssh::Discretion discretion(sftp_, inside_);
    const std::vector<std::string> there = sftp_.list(directory_);  // sorted
    std::vector<std::string> wanted;
    std::copy_if(there.begin(), there.end(), std::back_inserter(wanted),
                 [&](const std::string& name) { return collecting_.wants(name); });
    collected_.names = land_kept(
        collecting_, [&](const std::string& name) { return std::binary_search(there.begin(), there.end(), name); });
    const ReturnChoice choice = choose(look_at(wanted), directory_, collecting_, collected_);
    bring(choice.to_bring, stop);
    for (const ReturnFile& file : choice.to_remove) remove_brought(file);
  }

  void tell(std::string fault) { collected_.tell(std::move(fault)); }
  // The connection was lost: perhaps by what is read.
  void lost(std::string why) {
    collected_.failure = std::move(why);
    if (!read_.empty()) collected_.marks.failed.insert(read_);
  }
  Collected take() { return std::move(collected_); }

 private:
  using Found = std::optional<ssh::wire::Attributes>;

  void bring(const std::vector<ReturnFile>& files, const std::stop_token& stop) {
    if (files.empty()) return;
    // The server's clock need not be ours: what does not change while we wait is complete.
    wait(collecting_.stable_after, stop);
    std::vector<std::string> names;
    names.reserve(files.size());
    for (const ReturnFile& file : files) names.push_back(file.name);
    const auto after = stat_all(names);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (is_same(files[i], after[i])) fetch(files[i]);
    }
  }

  std::vector<Found> stat_all(const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    paths.reserve(names.size());
    for (const std::string& name : names) paths.push_back(inside_ + name);
    return sftp_.stat_all(paths, ssh::Sftp::Links::themselves);
  }

  std::vector<ReturnFile> look_at(const std::vector<std::string>& names) {
    std::vector<ReturnFile> out;
    bool sizeless = false;
    const auto found = stat_all(names);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!found[i]) continue;
      if (found[i]->is_regular() && !found[i]->size) {  // nor whether somebody still writes to it
        sizeless = true;
        continue;
      }
      out.push_back({names[i], found[i]->is_regular(), found[i]->size.value_or(0), found[i]->modified.value_or(0)});
    }
    if (sizeless) {
      tell("the server tells no sizes: what lies in the return directory " + directory_ +
           " cannot be fetched; ask the partner");
    }
    return out;
  }

  static bool is_same(const ReturnFile& file, const Found& now) {
    return now && now->is_regular() && now->size == file.size && now->modified.value_or(0) == file.modified;
  }
  bool is_still(const ReturnFile& file) { return is_same(file, stat_all({file.name}).front()); }

  void fetch(const ReturnFile& file) {
    Landing landing(collecting_, file.name);
    if (landing.is_taken()) return;  // one of that name waits here: later
    try {
      read_ = file.mark();
      sftp_.read(inside_ + file.name, collecting_.max_bytes, [&](std::string_view bytes) { landing.write(bytes); });
      const bool whole = landing.size() == file.size && is_still(file);
      read_.clear();
      if (!whole) return;  // changed meanwhile: later
      // Else another of that name, from before a crash, lands first. Making it durable takes time: what replaced it
      // meanwhile is another, and stays.
      if (landing.keep() && is_still(file)) remove(file);
      collected_.marks.failed.erase(file.mark());
    } catch (const ssh::TooMuch&) {  // it grew, or the server told another size
      collected_.marks.failed.insert(file.mark());
      collected_.tell_unfit(1, directory_, collecting_);
      return;
    } catch (const SftpError& e) {
      if (!landing.is_kept()) {
        if (e.code() == SftpError::no_such_file) return;  // the lieu removed it
        collected_.marks.failed.insert(file.mark());
        tell(fault_of(e.code(), false));
        return;
      }
      stays(file, e.code());
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {
      // The next look goes on with what is kept, after all others. Lost at its removal again it counts all the same.
      const bool again = collecting_.marks.failed.contains(file.mark());
      if (landing.is_kept()) collected_.marks.failed.insert(file.mark());
      if (landing.is_kept() && again) {
        collected_.marks.failed.erase(file.mark());
        keep_in_mind(file);
        if (landing.land()) collected_.names.push_back(landing.name());
      }
      throw;
    }
    // Also where the server lets nothing be removed: what the lieu says counts.
    if (landing.land()) collected_.names.push_back(landing.name());
  }

  // A former look brought it.
  void remove_brought(const ReturnFile& file) {
    try {
      if (is_still(file)) remove(file);
    } catch (const SftpError& e) {
      stays(file, e.code());
    }
  }

  void remove(const ReturnFile& file) {
    sftp_.remove(inside_ + file.name);
    if (!is_still(file)) {
      collected_.marks.brought.erase(file.mark());
      return;
    }
    keep_in_mind(file);
    tell(
        fmt::format("a file in the return directory {} is still there though the server says that it removed it; ask "
                    "the partner",
                    directory_));
  }

  void stays(const ReturnFile& file, std::uint32_t code) {
    if (code == SftpError::no_such_file) return;  // the lieu removed it
    keep_in_mind(file);
    tell(fault_of(code, true));
  }

  // Without a date another of that name and size would pass for it.
  void keep_in_mind(const ReturnFile& file) {
    if (file.modified != 0) collected_.marks.brought.insert(file.mark());
  }

  // Neither the file's name, which its sender chose, nor the server's words, which may tell it (R9).
  std::string fault_of(std::uint32_t code, bool kept) const {
    return fmt::format("a file in the return directory {} could not be {}: {}; {}", directory_,
                       kept ? "removed" : "fetched", ssh::meaning_of(code),
                       advice_on_return(code, kept ? "remove the files there" : "read the files there"));
  }

  ssh::Sftp& sftp_;
  const std::string& directory_;
  const std::string inside_;  // with its slash
  const Collecting& collecting_;
  Collected collected_;
  std::string read_;  // mark of the file that is fetched, until it is kept
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
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& e) {
    fetching.lost(e.what());
  }
  return fetching.take();
}

}  // namespace navette::channels
