#include "channels/sftp_sender.h"

#include <algorithm>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "channels/sftp_access.h"
#include "channels/sftp_outcome.h"
#include "channels/sftp_returns.h"
#include "channels/verified_copy.h"

namespace navette::channels {
namespace {

using model::Delivered;
using model::Outcome;
using model::Refused;
using model::Retry;
using model::Scope;
using ssh::SftpError;

}  // namespace

ssh::Sftp& SftpSender::connected() {
  if (sftp_) return *sftp_;
  sftp_ = std::make_unique<ssh::Sftp>(ssh::Session(server_of(profile_, credentials_), patience_, stop_));
  return *sftp_;
}

std::string SftpSender::directory_of(const std::string& remise) const {
  return remote_path(profile_.directory, profile_.make_directory ? remise : "");
}

std::string SftpSender::path_of(const std::string& remise, const model::RemiseFile& file) const {
  const bool shared_manifest = file.kind == model::FileKind::manifest && !profile_.make_directory;
  return remote_path(directory_of(remise), (shared_manifest ? remise + "_" : "") + file.name);
}

Outcome SftpSender::send(const RemiseToSend& r) {
  if (auto refused = check_remise(r)) return *std::move(refused);
  std::vector<std::string> arrived;
  wrote_ = false;
  Outcome outcome = guarded([&]() -> Outcome {
    try {
      return attempt(r, arrived);
    } catch (const Interrupted&) {
      if (wrote_) throw SentInPart(std::move(arrived));
      throw NothingSent();
    }
  });
  if (auto* refused = std::get_if<Refused>(&outcome)) {
    refused->left_nothing = !wrote_;
    refused->arrived = std::move(arrived);
  } else if (auto* retry = std::get_if<Retry>(&outcome)) {
    retry->left_nothing = !wrote_;
    retry->arrived = std::move(arrived);
  }
  return outcome;
}

// What the partner or our own side does wrong becomes an Outcome; a connection that is of no more use goes.
Outcome SftpSender::guarded(const std::function<Outcome()>& work) {
  try {
    return work();
  } catch (const CredentialError& e) {
    return Refused{"justificatif", e.what(), Scope::access};
  } catch (const ssh::SshError& e) {
    sftp_.reset();
    return outcome_of_error(e);
  } catch (const SftpError& e) {
    return outcome_of_error(e);
  } catch (const ssh::wire::MalformedPacket& e) {
    sftp_.reset();
    // A greeting of its shell, a notice of works: what it is cannot be told, nor whether it passes.
    return Retry{model::with_code("erreur-serveur", std::string(e.what()) +
                                                        "; the partner must open SFTP, and nothing that prints, to "
                                                        "this account"),
                 std::nullopt, Scope::access};
  } catch (const std::system_error& e) {  // of our own spool
    sftp_.reset();                        // files are still open at the server
    return Retry{model::with_code("erreur-systeme", describe(e)), std::nullopt};
  }
}

// `arrived` tells what is there for certain, also when this throws.
Outcome SftpSender::attempt(const RemiseToSend& r, std::vector<std::string>& arrived) {
  connected();
  if (auto failed = prepare_directory(r)) return *std::move(failed);
  // Until the manifest is there nobody has been told of the remise. Only where the partner says that whatever is gone
  // was picked up is it so before that too; elsewhere it may have been cleared away.
  const std::set<std::string> known = known_to_have_arrived(r);
  std::set<std::string> there;
  if (profile_.proof == model::PickupProof::disappearance) there = known;
  const auto conclude = [&] { arrived.assign(there.begin(), there.end()); };
  try {
    if (auto refused = find_arrived(r, there)) return *std::move(refused);
    std::vector<const model::RemiseFile*> missing;
    std::vector<const model::RemiseFile*> found;
    for (const model::RemiseFile& f : r.files) {
      if (!there.contains(f.name) && f.kind != model::FileKind::manifest) missing.push_back(&f);
      if (there.contains(f.name) && !known.contains(f.name)) found.push_back(&f);
    }
    const bool whole = there.contains(r.files.back().name);
    const bool resumed = missing.size() + 1 < r.files.size();
    auto failed = put(r, missing, there);
    if (!failed && !whole) failed = look_again(r, found, there);
    if (!failed && !whole) failed = look_whether_renamed(r, false, there);
    if (!failed && !whole) {
      note_documents_there(r);
      failed = put(r, {&r.files.back()}, there);
      if (!failed) failed = look_whether_renamed(r, true, there);
    }
    conclude();
    if (failed) return *std::move(failed);
    std::uint64_t bytes = 0;
    for (const model::RemiseFile& f : r.files) bytes += f.size;
    return Delivered{fmt::format("sftp {}:{} {} ({} files, {} bytes{})", profile_.host, profile_.port,
                                 directory_of(r.remise), r.files.size(), bytes,
                                 resumed ? ", part of them by an earlier attempt" : "")};
  } catch (...) {
    conclude();
    throw;
  }
}

namespace {

// In depart/ while the manifest leaves: every document is there. Should we be killed now, the lieu may have taken them
// all before anybody asks again.
constexpr const char* documents_there = "sftp.arrive";

}  // namespace

std::set<std::string> SftpSender::known_to_have_arrived(const RemiseToSend& r) const {
  if (r.nothing_there) {
    r.source.remove(documents_there);  // of an attempt whose files were removed since
    return {};
  }
  std::set<std::string> known = r.arrived;
  if (r.source.contains(documents_there)) {
    for (const model::RemiseFile& f : r.files)
      if (f.kind != model::FileKind::manifest) known.insert(f.name);
  }
  return known;
}

void SftpSender::note_documents_there(const RemiseToSend& r) const {
  if (profile_.proof == model::PickupProof::disappearance) write_file(r.source, documents_there, "");
}

std::optional<Outcome> SftpSender::prepare_directory(const RemiseToSend& r) {
  if (!profile_.make_directory) return std::nullopt;
  const std::string directory = directory_of(r.remise);
  wrote_ = true;
  try {
    sftp_->make_directory(directory, remise_directory_mode);
    return std::nullopt;
  } catch (const SftpError& e) {
    if (e.code() == SftpError::no_such_file) throw;
    // Every server says it in its own way when the directory is there.
    if (is_directory(directory)) return std::nullopt;
    return outcome_of_error(e, advice_on_making_directories(e));
  }
}

// Not a link, which leads where somebody else wants, as far as the server can tell. One that tells no kinds is
// believed.
bool SftpSender::is_directory(const std::string& path) {
  std::optional<ssh::wire::Attributes> found;
  try {
    found = sftp_->lstat(path);
  } catch (const SftpError& e) {
    if (e.code() != SftpError::unsupported && e.code() != SftpError::permission_denied) return false;
    found = sftp_->stat(path);
  }
  return found && (!found->permissions || found->is_directory());
}

// Whether what stands there under its final name is the whole file, as far as can be told: with a server whose sizes
// mean nothing, where only whole files get their names.
bool SftpSender::is_whole(const ssh::wire::Attributes& found, const model::RemiseFile& file) const {
  return profile_.check_size ? found.size == file.size : profile_.rename;
}

bool SftpSender::manifest_there(const RemiseToSend& r) {
  const model::RemiseFile& manifest = r.files.back();
  const auto found = connected().stat(path_of(r.remise, manifest));
  return found && (found->size == manifest.size || is_whole(*found, manifest));
}

// Where files are written under their final names, an attempt that was cut short leaves less than the whole.
bool SftpSender::was_begun(const ssh::wire::Attributes& found, const model::RemiseFile& file) const {
  if (profile_.rename) return false;
  return !profile_.check_size || (found.size && *found.size < file.size);
}

// What stands under its final name with its size was put there by an earlier attempt: names are ours and derived from
// the content. Refused when something else stands there and may not be replaced.
std::optional<Refused> SftpSender::find_arrived(const RemiseToSend& r, std::set<std::string>& there) {
  if (replaces(r)) {
    // Whether a file of that name is this one or that of a former issue, nobody can tell but for the manifest.
    if (!manifest_there(r)) return std::nullopt;
    for (const model::RemiseFile& f : r.files) there.insert(f.name);
    return std::nullopt;
  }
  // As long as no attempt has begun to write nothing of ours is there: what stands there is another's, whatever its
  // size.
  if (r.nothing_there && profile_.overwrite) return std::nullopt;
  std::vector<const model::RemiseFile*> files;
  std::vector<std::string> paths;
  for (const model::RemiseFile& f : r.files) {
    if (there.contains(f.name)) continue;
    files.push_back(&f);
    paths.push_back(path_of(r.remise, f));
  }
  const auto found = sftp_->stat_all(paths);
  const model::RemiseFile& last = r.files.back();
  if (!r.nothing_there && !files.empty() && files.back() == &last && found.back() && is_whole(*found.back(), last)) {
    // The manifest came after all others: who misses one of them has taken it.
    for (const model::RemiseFile& f : r.files) there.insert(f.name);
    return std::nullopt;
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!found[i]) continue;
    if (!r.nothing_there && is_whole(*found[i], *files[i])) {
      there.insert(files[i]->name);
      continue;
    }
    if (profile_.overwrite) continue;
    if (r.nothing_there || !was_begun(*found[i], *files[i])) {
      return Refused{
          "remise-differente",
          paths[i] + " exists at the server with another content; have it moved away, then retry the remise"};
    }
    sftp_->remove(paths[i]);
  }
  return std::nullopt;
}

// A server goes on with what a connection had asked for after that is lost: a removal, or a file begun anew. What stood
// there when this attempt began is looked at again before the manifest says that all is there.
std::optional<Outcome> SftpSender::look_again(const RemiseToSend& r, const std::vector<const model::RemiseFile*>& found,
                                              std::set<std::string>& there) {
  std::vector<std::string> paths;
  paths.reserve(found.size());
  for (const model::RemiseFile* f : found) paths.push_back(path_of(r.remise, *f));
  const auto now = sftp_->stat_all(paths);
  std::optional<Outcome> gone;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (now[i] && is_whole(*now[i], *found[i])) continue;
    there.erase(found[i]->name);
    gone = Retry{paths[i] + " was there when this attempt began, and is not any more", std::nullopt};
  }
  return gone;
}

// Some servers say that they rename, and do not; this attempt's files or those of one that was cut short. Under its
// final name a file may be gone at once, its lieu being quick: then nothing is left under the other. What is left there
// waits for a person: sent again, it might be there twice.
std::optional<Outcome> SftpSender::look_whether_renamed(const RemiseToSend& r, bool manifest,
                                                        std::set<std::string>& there) {
  if (!profile_.rename) return std::nullopt;
  std::vector<const model::RemiseFile*> files;
  std::vector<std::string> paths;
  for (const model::RemiseFile& f : r.files) {
    if ((f.kind == model::FileKind::manifest) != manifest) continue;
    files.push_back(&f);
    paths.push_back(path_of(r.remise, f) + profile_.temporary_suffix);
  }
  std::optional<Outcome> stuck;
  try {
    const auto left = sftp_->stat_all(paths);
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (!left[i] || sftp_->stat(path_of(r.remise, *files[i]))) continue;
      there.erase(files[i]->name);
      stuck = Retry{
          model::with_code("erreur-serveur",
                           paths[i] + " is still there though the server said that it renamed it; have the partner let "
                                      "it rename, or its profile say <renommage>false</renommage>; then, if the lieu "
                                      "has nothing of the remise, navette remises taken-back"),
          std::nullopt, Scope::lieu};
    }
  } catch (const SftpError&) {  // who may not look cannot tell
    return std::nullopt;
  }
  return stuck;
}

namespace {

class StoredFile final : public ssh::Source {
 public:
  StoredFile(const Directory& directory, const model::RemiseFile& file) : reader_(directory, file) {}
  std::size_t read(char* buffer, std::size_t size) override { return reader_.read(buffer, size); }
  bool intact() override { return !reader_.fault(); }

 private:
  VerifiedReader reader_;
};

}  // namespace

// Nothing when all of `files` are there; `there` grows by what is.
std::optional<Outcome> SftpSender::put(const RemiseToSend& r, const std::vector<const model::RemiseFile*>& files,
                                       std::set<std::string>& there) {
  std::vector<ssh::Upload> uploads;
  std::uint64_t needed = 0;
  for (const model::RemiseFile* f : files) {
    ssh::Upload u;
    u.path = path_of(r.remise, *f);
    if (profile_.rename) u.temporary = u.path + profile_.temporary_suffix;
    u.size = f->size;
    u.open = [&r, f] { return std::make_unique<StoredFile>(r.source, *f); };
    needed += f->size;
    uploads.push_back(std::move(u));
  }
  wrote_ = true;
  ssh::UploadReport report;
  const auto note = [&] {
    for (std::size_t i = 0; i < report.done.size(); ++i) {
      if (report.done[i]) there.insert(files[i]->name);
    }
  };
  try {
    sftp_->upload(uploads, {profile_.check_size, profile_.overwrite || replaces(r), !r.nothing_there}, report);
  } catch (...) {
    note();
    throw;
  }
  note();
  if (!report.failure) return std::nullopt;
  if (report.failure->code == SftpError::ok)  // nothing that the server said
    return Refused{
        "source-alteree",
        fmt::format("{}: {}; put it back into {} from a copy, or have the remise made anew: navette demandes "
                    "hold one of its demandes, remises retry, run, then demandes release",
                    files[report.failure->index]->name, report.failure->what, r.source.path().string())};
  // A server that renames some and not this one.
  if (report.failure->operation == ssh::Operation::rename && report.failure->code == SftpError::permission_denied &&
      !there.empty())
    return Refused{"droits-insuffisants", report.failure->what +
                                              "; others of this remise were renamed: something of that name stands "
                                              "there that this account may not replace; have it moved away, then "
                                              "retry the remise"};
  return outcome_of(*report.failure, needed);
}

Outcome SftpSender::outcome_of(const ssh::UploadFailure& failure, std::uint64_t needed) {
  // A full disk is told by nothing but the space that is left, where the server tells that.
  std::optional<std::uint64_t> free;
  try {
    if (failure.code == SftpError::failure) free = sftp_->free_space(profile_.directory);
  } catch (const SftpError&) {
    free.reset();  // it names the extension and refuses it: what failed is said as it is
  }
  if (free && *free < needed) {
    return Retry{
        fmt::format("espace-insuffisant: the partner's disk is full: {} bytes are left, {} are needed", *free, needed),
        std::nullopt, Scope::lieu};
  }
  return outcome_of_failure(failure);
}

std::optional<Delivered> SftpSender::look(const RemiseToSend& r) {
  std::optional<Delivered> there;
  ask([&] {
    if (!manifest_there(r)) return;
    there =
        Delivered{fmt::format("sftp {}:{} {} (already there)", profile_.host, profile_.port, directory_of(r.remise))};
  });
  return there;
}

void SftpSender::forget(const RemiseToSend& r) {
  // First: whatever of it goes, should the rest not, none may be taken for picked up.
  if (r.source.remove(documents_there)) r.source.sync();
  ask([&] { remove_all(r, false); });
}

void SftpSender::ask(const std::function<void()>& work) {
  Outcome outcome = guarded([&]() -> Outcome {
    work();
    return Delivered{};
  });
  if (!std::holds_alternative<Delivered>(outcome)) throw CannotTell(std::move(outcome));
}

std::string SftpSender::describe_place(const std::string& remise) const {
  const std::string directory = profile_.directory == "." ? "" : profile_.directory;
  if (!profile_.make_directory)
    return directory.empty() ? fmt::format("serveur SFTP {}, dossier d’arrivée", profile_.host)
                             : fmt::format("serveur SFTP {}, dossier {}", profile_.host, directory);
  return fmt::format("serveur SFTP {}, dossier {}{}{}", profile_.host, directory,
                     directory.empty() || directory.back() == '/' ? "" : "/", remise);
}

}  // namespace navette::channels
