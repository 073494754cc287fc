// What is under way at lieux and at partners' accounts, and whether something more may begin beside it. No thread, no
// clock: a value that whoever begins things fills and asks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "model/convention.h"
#include "store/records.h"

namespace navette::stages {

// Whom a partner's server sees. An EPCI may have one account for all its lieux. Our own mail server is one account with
// one connection for all lieux that get their remises by e-mail: what waits for its turn is not begun, so that rights
// are checked right before it leaves.
struct Account {
  std::string host;  // in lower case; empty: our mail server
  std::uint16_t port = 0;
  std::string user;
  bool operator==(const Account&) const = default;
  bool operator<(const Account& o) const { return std::tie(host, port, user) < std::tie(o.host, o.port, o.user); }
};

// Remises and looks under way over the network, whatever the partners. Each is a thread that waits for a server almost
// all of its time, holds 4 MiB at most unanswered (lib/ssh/sftp.h), and a dozen descriptors: the processors do not
// bound their number, memory does (256 MiB), and the 1024 descriptors that a service has by default. Lieux whose last
// attempt failed get half of the places: where more partners are dead or stalled at a time than there are, as when the
// host of many is down, the others wait for one time-out of theirs, the first, and not again at each new try.
constexpr unsigned partners_at_a_time = 64;

struct Access {
  Account account;
  unsigned connections = 1;  // at a time, at most
};
// Nothing for a channel without an account: dépôt, e-mail that carries nothing. Throws Error for a damaged profile.
std::optional<Access> access_of(const model::Channel& channel);

// Something under way: a remise on its way there or back, or a look at what a lieu did with its remises.
struct Passage {
  store::RowId lieu = 0;
  store::RowId first_issue = 0;    // of the remise; 0: a look
  std::optional<Account> account;  // nothing: it counts for the lieu alone
};

class Traffic {
 public:
  void add(Passage passage);
  void close(const Account& account) { closed_.insert(account); }  // nothing more begins at it

  // An account is full for a remise when it has as many passages as the remise's own profile lets it have. Without an
  // account one passage a lieu. Never beside a look at its lieu, which would take what changes meanwhile for a pickup,
  // nor beside another issue of the same content, which may lie under the same names.
  //
  // Ask in the order in which things are to begin: what finds its account full closes it to those asked after. Else a
  // profile that lets in one at a time would wait for ever behind others that let in two. A remise that is let in
  // counts from here.
  bool take(const store::DueRemise& remise);
  // Only when nothing of the lieu is under way.
  bool admits(const store::AwaitingLieu& lieu);

 private:
  bool has_room(const Access& access);
  // The same few profiles are asked for again and again.
  const Access* known_access(const model::Channel& channel);

  std::set<store::RowId> lieux_;
  std::set<store::RowId> looked_at_;
  std::set<store::RowId> issues_;
  std::map<Account, unsigned> at_;
  std::set<Account> closed_;
  std::map<std::string, std::optional<Access>> known_;  // by profile
};

}  // namespace navette::stages
