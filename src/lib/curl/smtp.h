// One connection to a mail server: connected, secured and logged in by libcurl at the first message, kept for the
// following ones, made anew when the server has ended it. No libcurl header leaves lib/curl.
//
// The transaction itself is ours (RFC 5321), over the connection that libcurl made (CURLOPT_CONNECT_ONLY): libcurl's
// own tells the last refusal only, or none when it may go on without those refused, cannot ask for delivery status
// notifications (RFC 3461), and does not tell whether the end of a message went out before an answer was lost.
//
// A message is one transaction, whatever the number of its recipients: it crosses the line once, and all of its
// recipients have the same answer to its content.
//
// The server is told the full name of this machine, or else its address (lib/curl/own_name.h).
//
// One object belongs to one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace navette::curl {

// What a server answers: an address of the envelope, or the mail itself.
enum class Asked { recipient, sender, content };

// Words of the server, all lines of them, as they came: they may be no UTF-8, and often hold the recipient's address.
struct Reply {
  int code = 0;  // RFC 5321: 2xx done, 4xx not now, 5xx no; 0: none, the server hung up on another recipient
  std::string words;
  Asked asked = Asked::recipient;

  bool accepted() const { return code / 100 == 2; }
};

// What failed, and so who can mend it. Up to `busy` it may heal by itself; from `tls` on somebody must change something
// here or at the server.
enum class Fault {
  resolution,   // the name has no address
  connection,   // refused, unreachable
  timed_out,    // no connection, or no whole answer, for as long as it is waited for
  lost,         // ended by the other side or the network, or by us since what comes is no SMTP: what was under way may
                // be done or not
  busy,         // the server takes nothing for now (4xx before any message)
  tls,          // no TLS there, or a certificate that is not the server's, or whose CA is not known
  login,        // the account or its password is not accepted
  turned_away,  // the server does not want us (5xx before any message)
};

class SmtpError : public Error {
 public:
  SmtpError(Fault fault, const std::string& message, Reply reply, bool in_doubt = false)
      : Error(message), fault_(fault), reply_(std::move(reply)), in_doubt_(in_doubt) {}
  Fault fault() const { return fault_; }
  bool may_heal() const { return fault_ <= Fault::busy; }
  // With a code from 400 on when the server said why; not part of what().
  const Reply& reply() const { return reply_; }
  // The whole message went out, and its answer did not come: the server may have taken it over.
  bool in_doubt() const { return in_doubt_; }

 private:
  Fault fault_;
  Reply reply_;
  bool in_doubt_;
};

// A stop was asked for while the server was waited for.
class Interrupted : public Error {
 public:
  explicit Interrupted(bool in_doubt = false)
      : Error("stopped while waiting for the mail server"), in_doubt_(in_doubt) {}
  bool in_doubt() const { return in_doubt_; }  // as SmtpError's

 private:
  bool in_doubt_;
};

enum class Tls {
  starttls,  // begun in clear, and nothing is said before TLS is there
  implicit,  // TLS from the first byte (port 465)
  none,      // in clear
};

struct MailServer {
  std::string host;  // name or address, IPv6 in brackets
  std::uint16_t port = 587;
  Tls tls = Tls::starttls;
  std::string ca_file;   // PEM; the only CA that count. Empty: the system's
  std::string user;      // empty: no login
  std::string password;  // sent as it is (PLAIN, LOGIN): TLS hides it
};

struct Envelope {
  std::string from;
  std::vector<std::string> recipients;  // one at least
  // Where the server offers it (DSN), failures and delays are told to `from` under this identifier, with the headers
  // alone: what a message holds comes back to nobody. Empty: not asked for.
  std::string id;
  // Called, unless empty, right before the last bytes of the message, without which the server takes nothing over, and
  // again at every other attempt of the same send(). What it throws comes out of send(), and the message has not left.
  std::function<void()> before_end{};
};

// How long a server may take to answer the end of a message (RFC 5321 4.5.3.2.6): it looks through the whole of it
// before it says yes, and whoever has gone by then makes the message come twice.
constexpr std::chrono::milliseconds patience_after_message = std::chrono::minutes(10);

class Smtp {
 public:
  // Does not connect yet. `patience` bounds the whole of connecting and logging in, then each whole answer of the
  // server and each time in which it takes nothing of a message; the whole of a message may take it once, and once more
  // for each MiB. The answer to the whole message alone is waited for as long as `after_message`. Rounded up to
  // seconds.
  Smtp(MailServer server, std::chrono::milliseconds patience,
       std::chrono::milliseconds after_message = patience_after_message);
  Smtp(Smtp&&) noexcept;
  Smtp& operator=(Smtp&&) noexcept;
  ~Smtp();

  // Sends `message` (whole, lines ended by CR LF) and returns what the server says for each recipient, in their order:
  // accepted means that it has taken the message over. A server that hangs up once it has refused a recipient has
  // answered for that one; the others have no answer, and may be asked for again. Addresses must be valid
  // (mime::is_valid_address): they are written as they are, line ends included. A stop ends any waiting within about a
  // second. Throws SmtpError, Interrupted; then nobody's answer is known, and the next message goes over a new
  // connection.
  std::vector<Reply> send(const Envelope& envelope, std::string_view message, const std::stop_token& stop = {});
  // Connects, secures and logs in as send() would, and begins a message that it takes back before it names a recipient:
  // what the server says of that sender. Throws as send() does.
  Reply greet(const std::string& from, const std::stop_token& stop = {});

 private:
  std::vector<Reply> deliver(const Envelope& envelope, std::string_view message, const std::stop_token& stop);

  class Connection;
  MailServer server_;
  std::chrono::milliseconds patience_;
  std::chrono::milliseconds after_message_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace navette::curl
