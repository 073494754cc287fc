// What lieux send back (acknowledgements): brought from where they leave it into arrivee/<lieu>/, as if they had
// deposited it there. The lieu's identifiant is the sender, whatever the file says.
//
// Taken once. A file is kept here, hidden and durable, then removed there, and only then a deposit: what a crash or a
// lost connection leaves between the two is fetched again when it still lies there, else land_kept() finds it. The
// other way round it could be taken in and still lie there: answered twice, or looked for no more once its pickup is
// known. It is removed only while it is what was read, as looked at right before: SFTP knows no removal of that version
// and no other, and what replaces it within that round trip is lost with it.
//
// What was brought and cannot be removed is known by its mark, and not brought again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "base/directory.h"
#include "lib/crypto/sha256.h"
#include "model/delivery.h"

namespace navette::channels {

// Of a file in a return directory, and of all that a look brings.
constexpr std::uint64_t most_returned = std::uint64_t{2} << 20U;

struct Collecting {
  const Directory& arrivee;
  std::string lieu;                                      // identifiant
  std::chrono::milliseconds stable_after{5000};          // a file that has not changed for so long is complete
  std::uint64_t max_bytes = most_returned;               // at a time; a larger file stays where it is
  std::size_t most = 100;                                // files at a time
  std::function<bool(const std::string&)> is_ignored{};  // half-written names (stages/claim)
  model::ReturnMarks marks{};                            // as the last look left them

  // A name that may be an acknowledgement's: .xml, nothing hidden or half written, none of a remise's own files.
  bool wants(const std::string& name) const;
  // Whether what is wanted can be brought here: no directory or link, not too large, a name that fits beside ours.
  bool can_bring(const std::string& name, bool is_file, std::uint64_t size) const;
};

struct Collected {
  std::vector<std::string> names;   // in arrivee/<lieu>/, whole and durable
  std::vector<std::string> faults;  // for the operator, each once; no file's name, which its sender chose (R9)
  model::ReturnMarks marks;         // of what still lies there
  std::size_t left = 0;             // files for the next looks: more than one brings
  std::string failure{};            // what ended the look before its end; empty: nothing

  void tell(std::string fault);
  // So many entries of `place` are wanted and cannot be brought; none is no fault.
  void tell_unfit(std::size_t entries, const std::string& place, const Collecting& collecting);
};

// What lies in a return directory under a wanted name.
struct ReturnFile {
  std::string name;
  bool is_regular = false;
  std::uint64_t size = 0;     // bytes
  std::int64_t modified = 0;  // in its server's own unit

  std::string mark() const;
};

struct ReturnChoice {
  std::vector<ReturnFile> to_bring;   // as many as may be at a time
  std::vector<ReturnFile> to_remove;  // brought before; as many
};

// Which of `found` are next. Tells `collected` what cannot be brought, what of the former marks still lies there and
// how many are left.
ReturnChoice choose(std::vector<ReturnFile> found, const std::string& place, const Collecting& collecting,
                    Collected& collected);

// One file on its way into arrivee/<lieu>/: invisible until land(). Throws std::system_error.
class Landing {
 public:
  Landing(const Collecting& collecting, std::string name);
  bool is_taken() const { return directory_.contains(name_); }  // a deposit of that name waits there
  void write(std::string_view bytes);
  // Durable, still hidden: now it may be removed where it comes from. False when another one of that name, from before
  // a crash, is kept already: that one is to land first, and this one stays where it is.
  bool keep();
  // What is kept is a deposit under its name; false when one of that name came in the meantime: it stays kept.
  bool land();
  bool is_kept() const { return kept_; }
  std::uint64_t size() const { return size_; }
  const std::string& name() const { return name_; }

 private:
  Directory directory_;
  std::string name_;
  AtomicFile file_;
  crypto::Sha256 digest_;
  std::uint64_t size_ = 0;
  bool kept_ = false;
};

// Lands what former looks kept and what is no more where it came from. Returns the names. Throws std::system_error.
std::vector<std::string> land_kept(const Collecting& collecting,
                                   const std::function<bool(const std::string& name)>& still_there);
// Lands what was kept an hour ago, since when nobody could look or nobody had to (the server is gone, the pickup is
// known otherwise). Should it still lie there it comes again, and is answered as known (DOUBLON).
std::vector<std::string> land_forgotten(const Collecting& collecting);

}  // namespace navette::channels
