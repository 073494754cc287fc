// Delivery to a partner's own SFTP server.
//
//   <directory>/<remise>/DI_….pdf, DI_….xml, manifeste.xml      where the profile lets us make a directory a remise
//   <directory>/DI_….pdf, DI_….xml, <remise>_manifeste.xml      where it does not
//
// Order of a delivery: look what is there; every file under a temporary name, synced, its size compared, renamed; the
// manifest in the same way once all others are there. So a lieu that waits for the manifest sees a remise whole. After
// a doubt (connection lost, process killed) the next attempt looks first: what has its final name and its size is
// there, and is not sent again; what an earlier attempt confirmed and has since gone was picked up.
// A remise that is issued again where its former issue lies replaces it, whatever the profile says of replacing: the
// files are ours.
//
// Where the server cannot rename, files are written under their final names, the manifest last; one that is shorter
// than ours after an attempt that failed is ours, and is written again.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "channels/credentials.h"
#include "channels/file_sender.h"
#include "lib/ssh/sftp.h"
#include "model/partner_profile.h"

namespace navette::channels {

class SftpSender final : public FileSender {
 public:
  // `patience` bounds each silence of the server; a stop ends it too, with Interrupted thrown.
  SftpSender(model::SftpProfile profile, const Credentials& credentials, std::chrono::milliseconds patience,
             std::stop_token stop = {})
      : profile_(std::move(profile)), credentials_(credentials), patience_(patience), stop_(std::move(stop)) {}

  // A stop throws Interrupted, NothingSent before anything was written. Codes of Refused that are the partner's:
  // "cle-hote", "connexion-refusee" (login), "echange-cles", "sftp-absent", "justificatif", "repertoire-absent",
  // "droits-insuffisants", "operation-absente"; the remise's own: "remise-differente", "source-alteree",
  // "nom-invalide".
  model::Outcome send(const RemiseToSend& remise) override;
  std::optional<model::Delivered> look(const RemiseToSend& remise) override;
  void forget(const RemiseToSend& remise) override;
  model::Outcome withdraw(const RemiseToSend& remise) override;
  // By disappearance, where the profile says so.
  bool tells_pickups() const override {
    return profile_.proof == model::PickupProof::disappearance || !profile_.return_directory.empty();
  }
  std::vector<std::size_t> picked_up(const std::vector<RemiseThere>& remises) override;
  Collected collect(const Collecting& collecting) override;
  std::optional<Instant> opens_at(Instant now) const override {
    return profile_.window ? model::next_opening(*profile_.window, now) : std::nullopt;
  }
  std::string describe_place(const std::string& remise) const override;

 private:
  ssh::Sftp& connected();
  std::string directory_of(const std::string& remise) const;
  std::string path_of(const std::string& remise, const model::RemiseFile& file) const;
  // Issued again among the files of its former issue, which bear the same names.
  bool replaces(const RemiseToSend& remise) const { return !remise.reissue_of.empty() && !profile_.make_directory; }
  model::Outcome guarded(const std::function<model::Outcome()>& work);
  void ask(const std::function<void()>& work);  // throws CannotTell
  struct Removed {
    std::size_t ours = 0;     // files that were there and are gone
    std::size_t foreign = 0;  // that bear a name of ours and stay
  };
  bool taken_by_lieu(const RemiseToSend& remise);
  Removed remove_all(const RemiseToSend& remise, bool withdrawn);
  model::Outcome attempt(const RemiseToSend& remise, std::vector<std::string>& arrived);
  std::set<std::string> known_to_have_arrived(const RemiseToSend& r) const;
  void note_documents_there(const RemiseToSend& r) const;
  std::optional<model::Outcome> prepare_directory(const RemiseToSend& remise);
  bool is_directory(const std::string& path);
  std::optional<model::Refused> find_arrived(const RemiseToSend& remise, std::set<std::string>& there);
  bool manifest_there(const RemiseToSend& r);
  bool is_whole(const ssh::wire::Attributes& found, const model::RemiseFile& file) const;
  bool was_begun(const ssh::wire::Attributes& found, const model::RemiseFile& file) const;
  std::optional<model::Outcome> look_again(const RemiseToSend& remise,
                                           const std::vector<const model::RemiseFile*>& found,
                                           std::set<std::string>& there);
  std::optional<model::Outcome> look_whether_renamed(const RemiseToSend& remise, bool manifest,
                                                     std::set<std::string>& there);
  std::optional<model::Outcome> put(const RemiseToSend& remise, const std::vector<const model::RemiseFile*>& files,
                                    std::set<std::string>& there);
  model::Outcome outcome_of(const ssh::UploadFailure& failure, std::uint64_t needed);
  std::vector<std::size_t> find_gone(const std::vector<RemiseThere>& remises);

  model::SftpProfile profile_;
  const Credentials& credentials_;
  std::chrono::milliseconds patience_;
  std::stop_token stop_;
  std::unique_ptr<ssh::Sftp> sftp_;
  bool wrote_ = false;  // this attempt, perhaps: files, or a directory
};

}  // namespace navette::channels
