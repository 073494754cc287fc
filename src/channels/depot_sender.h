// Delivery into a dépôt: a directory tree of this machine that the lieu reads by SFTP (OpenSSH, chroot).
//
//   <root>/<lieu>/              root's: the lieu's "/" (depot_provision.h)
//   <root>/<lieu>/.en-cours/    remises being written: ours alone, the lieu cannot enter
//   <root>/<lieu>/remises/      remises delivered: the lieu lists and reads, we write
//   <root>/<lieu>/retour/       what the lieu sends back
//
// Order of a delivery: copy into .en-cours/<remise>/, hashing what is written; one barrier for all of it (syncfs); one
// rename of the whole directory to remises/<remise>; sync of remises/. So the lieu sees a remise whole or not at all,
// and whatever it sees survives a power cut. After a crash before the rename the leftover in .en-cours/ is replaced;
// after it, the remise found in place is recognised by its manifest and Delivered, once remises/ has been synced.
#pragma once

#include <filesystem>
#include <string>

#include "channels/file_sender.h"

namespace navette::channels {

class DepotSender final : public FileSender {
 public:
  enum class Missing {
    retry,         // a lieu without a dépôt is a Retry "depot-absent: …": `navette lieux provision` makes it
    create_plain,  // plain directories are made, without chroot (demonstration, shared folder)
  };

  // `root` is opened at each attempt: an encrypted volume may be mounted later, until then remises are retried.
  DepotSender(std::filesystem::path root, Missing missing) : root_(std::move(root)), missing_(missing) {}

  // What provisioning mends is a Retry, so that it leaves by itself once mended: "depot-absent: …", "depot-incomplet:
  // …". Codes of Refused: "depot-incomplet" (directories on two file systems), "remise-differente" (another content
  // stands under that name: a person must look), "source-alteree", "nom-invalide", "droits-locaux". Modes: files
  // 0640, directories 0750, whatever the umask; the group is that of .en-cours (setgid).
  model::Outcome send(const RemiseToSend& remise) override;
  std::optional<model::Delivered> look(const RemiseToSend& remise) override;
  void forget(const RemiseToSend& remise) override;
  model::Outcome withdraw(const RemiseToSend& remise) override;
  // Plain directories only: in a provisioned dépôt the lieu cannot remove anything, and whoever does is not the lieu.
  bool tells_pickups() const override { return true; }
  std::vector<std::size_t> picked_up(const std::vector<RemiseThere>& remises) override;
  // From retour/.
  Collected collect(const Collecting& collecting) override;
  std::string describe_place(const std::string& remise) const override;

 private:
  std::filesystem::path root_;
  Missing missing_;
};

}  // namespace navette::channels
