// How a remise leaves: one interface, one implementation a kind of channel (dépôt, SFTP; later e-mail).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/directory.h"
#include "base/error.h"
#include "channels/returns.h"
#include "model/delivery.h"

namespace navette::channels {

struct RemiseToSend {
  std::string remise;                    // its identifier: the directory's name at the lieu
  std::string lieu;                      // identifiant
  const Directory& source;               // depart/<lieu>/<remise>/: the stored bytes, sent as they are
  std::vector<model::RemiseFile> files;  // what must arrive; the manifest is there, and last
  // Names of files that an earlier attempt saw there, or all of them once it is delivered. Where that proves a pickup,
  // gone since means picked up.
  std::set<std::string> arrived{};
  // R15: the remise that this one issues again; empty for a first issue. Files of the same names that lie there are
  // ours then, damaged perhaps.
  std::string reissue_of{};
  // The lieu has nothing of it, for certain: nothing was sent, or an operator says so. What bears its names is
  // another's.
  bool nothing_there = false;
  // It was delivered whole, and nothing of it was removed by us since: for withdraw().
  bool untouched = false;
};

// A remise that the lieu has.
struct RemiseThere {
  std::string remise;
  std::string lieu;
  std::vector<model::RemiseFile> documents;  // its PDF and XML
};

inline bool is_document(const model::RemiseFile& file) {
  return file.kind == model::FileKind::pdf || file.kind == model::FileKind::xml;
}

// Of a withdrawn remise some of which its lieu took before we came: it has the data. `removed`: what was done.
model::Outcome by_lieu(const std::string& removed);

// Whether names and order are those a channel may trust; Refused "nom-invalide" or "source-alteree" when not.
std::optional<model::Refused> check_remise(const RemiseToSend& remise);

// The partner could not be asked: why, as an attempt would tell it.
class CannotTell : public Error {
 public:
  explicit CannotTell(model::Outcome why) : Error("the partner could not be asked"), why_(std::move(why)) {}
  const model::Outcome& why() const { return why_; }

 private:
  model::Outcome why_;
};

// A stop ended an attempt before it wrote anything.
class NothingSent : public Interrupted {};

// A stop ended an attempt after it had begun to write.
class SentInPart : public Interrupted {
 public:
  explicit SentInPart(std::vector<std::string> arrived) : arrived_(std::move(arrived)) {}
  const std::vector<std::string>& arrived() const { return arrived_; }  // files that are there for certain

 private:
  std::vector<std::string> arrived_;
};

// Of one partner; one thread uses it. It may keep a connection from one remise to the next.
class FileSender {
 public:
  FileSender() = default;
  FileSender(const FileSender&) = delete;
  FileSender& operator=(const FileSender&) = delete;
  virtual ~FileSender() = default;

  // One attempt. Delivered: every file is at the lieu, whole and durable as far as the channel can tell, and the lieu
  // sees the remise. Anything else: the lieu does not see the remise, no manifest being there; at a partner's server
  // single files may be. May be repeated at will, after a crash at any point as well: a remise that is already there is
  // Delivered again, nothing is sent twice.
  //
  // What the channel and its partner do wrong is an Outcome, never an exception; `source` whose bytes are not those of
  // `files` is Refused "source-alteree" and shown to nobody. Reasons and facts name directories, sizes and codes,
  // nothing personal (R9).
  virtual model::Outcome send(const RemiseToSend& remise) = 0;

  // Whether the lieu has it already: for an attempt that began and whose outcome nobody wrote down, when the remise
  // must not be sent any more (a right was lost meanwhile). Nothing when it is not there; throws CannotTell,
  // std::system_error or Error when that cannot be told.
  virtual std::optional<model::Delivered> look(const RemiseToSend& remise) = 0;

  // Removes what an interrupted attempt left of a remise that will not be sent any more; what the lieu has stays.
  // Throws as look() does.
  virtual void forget(const RemiseToSend& remise) = 0;

  // Removes at the lieu what it has of a remise that an operator withdrew, whole or in part (what is gone before that
  // the lieu took: by_lieu()); what another put there
  // under the same names stays, as far as that can be told. For one that was tried or delivered. Delivered: nothing of
  // it is there any more, its facts tell what was. Refused, and the remise's own: this channel takes nothing back, the
  // lieu must be asked. Only `remise`, `lieu`, `files`, `arrived`, `nothing_there` and `untouched` are looked at. May
  // be repeated at will.
  virtual model::Outcome withdraw(const RemiseToSend& remise) = 0;

  // Whether the channel can ever tell of a pickup; else the two that follow need not be called.
  virtual bool tells_pickups() const { return false; }

  // Of remises that were delivered by this very channel: the indices of those that the lieu took away. Only what is
  // certain: its documents are not there any more although their place is (the manifest may have stayed). Throws
  // std::system_error or Error when it cannot be told.
  virtual std::vector<std::size_t> picked_up(const std::vector<RemiseThere>& /*remises*/) { return {}; }

  // Brings what the lieu left for us into arrivee/, and removes it there once it is durable here: a crash in between
  // brings it twice. Throws as picked_up() does.
  virtual Collected collect(const Collecting& /*collecting*/) { return {}; }

  // When the partner's hours begin; nothing while remises may be sent.
  virtual std::optional<Instant> opens_at(Instant) const { return std::nullopt; }

  // Where the lieu finds that remise: French, fit for « Emplacement : … » in its notification; no full stop.
  virtual std::string describe_place(const std::string& remise) const = 0;
};

}  // namespace navette::channels
