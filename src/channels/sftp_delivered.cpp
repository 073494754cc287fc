// What becomes of what was delivered: taken back, picked up, acknowledged.
#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "channels/sftp_access.h"
#include "channels/sftp_returns.h"
#include "channels/sftp_sender.h"

namespace navette::channels {

using model::Delivered;
using model::Outcome;
using ssh::SftpError;

Outcome SftpSender::withdraw(const RemiseToSend& r) {
  return guarded([&]() -> Outcome {
    const bool taken = r.untouched && taken_by_lieu(r);
    const Removed removed = remove_all(r, true);
    std::string facts = fmt::format("sftp {}:{} {}: {} of {} files removed", profile_.host, profile_.port,
                                    directory_of(r.remise), removed.ours, r.files.size());
    if (removed.foreign > 0)
      facts +=
          fmt::format(", {} that navette did not write {}", removed.foreign, removed.foreign == 1 ? "stays" : "stay");
    if (taken) return by_lieu(facts);
    if (removed.ours < r.files.size()) facts += ", the others were not there any more";
    return Delivered{facts};
  });
}

// Whether a document of it is there no more.
bool SftpSender::taken_by_lieu(const RemiseToSend& r) {
  std::vector<std::string> paths;
  for (const model::RemiseFile& f : r.files) {
    if (is_document(f)) paths.push_back(path_of(r.remise, f));
  }
  const auto found = connected().stat_all(paths);
  return std::any_of(found.begin(), found.end(), [](const auto& one) { return !one.has_value(); });
}

// The manifest first: a lieu that waits for it begins with nothing that goes. What is known to have arrived goes even
// if it was changed since; else what an attempt may have left, or, of a withdrawn one, whatever is in its own
// directory.
SftpSender::Removed SftpSender::remove_all(const RemiseToSend& r, bool withdrawn) {
  ssh::Sftp& sftp = connected();
  // Where its directory is not there, what was delivered may be there again with it.
  const auto place = sftp.stat(profile_.directory);
  if (!place || (place->permissions && !place->is_directory())) {
    throw SftpError(SftpError::failure,
                    fmt::format("{} is not there, with what lies in it: is its disk mounted? If it is gone for good, "
                                "navette remises taken-back",
                                profile_.directory));
  }
  Removed removed;
  std::vector<std::string> gone;
  for (auto f = r.files.rbegin(); f != r.files.rend(); ++f) {
    const std::string path = path_of(r.remise, *f);
    if (profile_.rename) {
      sftp.remove(path + profile_.temporary_suffix);
      gone.push_back(path + profile_.temporary_suffix);
    }
    // In a directory of all remises another issue's documents have the same names: they stay, should this one not
    // leave.
    const bool shared = !withdrawn && replaces(r) && is_document(*f);
    const auto found = shared ? std::nullopt : sftp.stat(path);
    if (!found) continue;
    if (!(withdrawn && profile_.make_directory) && !r.arrived.contains(f->name) && !is_whole(*found, *f) &&
        !was_begun(*found, *f)) {
      ++removed.foreign;
      continue;
    }
    if (sftp.remove(path)) ++removed.ours;
    gone.push_back(path);
  }
  const auto left = sftp.stat_all(gone);
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (left[i])
      throw SftpError(SftpError::failure, gone[i] + " is still there though the server says that it removed it");
  }
  if (profile_.make_directory && sftp.stat(directory_of(r.remise))) {
    try {
      sftp.remove_directory(directory_of(r.remise));
    } catch (const SftpError& e) {
      if (e.code() != SftpError::failure) throw;  // not empty: the partner has put something of its own there
    }
  }
  return removed;
}

std::vector<std::size_t> SftpSender::picked_up(const std::vector<RemiseThere>& remises) {
  if (profile_.proof != model::PickupProof::disappearance || remises.empty()) return {};
  try {
    connected();
    return find_gone(remises);
  } catch (const SftpError&) {
    throw;  // an answer: the connection is as good as before
  } catch (const Error&) {
    sftp_.reset();
    throw;
  }
}

std::vector<std::size_t> SftpSender::find_gone(const std::vector<RemiseThere>& remises) {
  // A directory that is not there, or not ours to look into, tells nothing.
  const auto place = sftp_->stat(profile_.directory);
  if (!place || (place->permissions && !place->is_directory())) return {};
  const auto paths_of = [&](const RemiseThere& r) {
    std::vector<std::string> paths;
    paths.reserve(r.documents.size());
    for (const model::RemiseFile& f : r.documents) paths.push_back(path_of(r.remise, f));
    return paths;
  };
  // One document a remise; all of them only where that one is gone.
  std::vector<std::string> firsts;
  firsts.reserve(remises.size());
  for (const RemiseThere& r : remises) firsts.push_back(path_of(r.remise, r.documents.at(0)));
  const auto seen = sftp_->stat_all(firsts);
  std::vector<std::size_t> gone;
  for (std::size_t i = 0; i < remises.size(); ++i) {
    if (seen[i]) continue;
    const auto all = sftp_->stat_all(paths_of(remises[i]));
    if (std::none_of(all.begin(), all.end(), [](const auto& found) { return found.has_value(); })) gone.push_back(i);
  }
  return gone;
}

Collected SftpSender::collect(const Collecting& collecting) {
  if (profile_.return_directory.empty()) return {};
  try {
    Collected collected = fetch_returns(connected(), profile_.return_directory, collecting, stop_);
    if (!collected.failure.empty()) sftp_.reset();
    return collected;
  } catch (const Error&) {
    sftp_.reset();
    throw;
  } catch (const std::system_error& e) {  // of our own spool; its message would tell the file's name (R9)
    sftp_.reset();                        // which is still open at the server
    throw Error(fmt::format("what lies in the return directory {} could not be kept in arrivee/{}: {}",
                            profile_.return_directory, collecting.lieu, e.code().message()));
  }
}

}  // namespace navette::channels
