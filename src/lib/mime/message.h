// An e-mail of two equivalent parts, text and HTML, composed by GMime. No GMime or GLib header leaves lib/mime.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"

namespace navette::mime {

struct Mailbox {
  std::string name;     // shown to the reader, UTF-8; may be empty
  std::string address;  // is_valid_address
};

struct Message {
  Mailbox from;
  std::string reply_to;         // an address; empty: no such header
  std::vector<std::string> to;  // addresses, one at least
  std::string subject;          // UTF-8, one line
  Instant date;
  std::chrono::minutes utc_offset{0};  // in which the date is written: Europe/Paris has +60 or +120
  std::string message_id;              // local@domain, without angle brackets
  std::string text;                    // UTF-8; any of LF, CR LF ends its lines
  std::string html;                    // a whole HTML document, UTF-8; empty: text alone
};

// The message as it goes over SMTP (before dot-stuffing) and into an .eml file: lines end in CR LF, every byte is 7-bit
// ASCII, no line is over 998 bytes, headers are folded (RFC 2047 where needed). Says Auto-Submitted: auto-generated, so
// that no answering machine answers (RFC 3834), and Content-Language: fr.
//
// The same input gives the same bytes: nothing is random, the boundary included, so that what is sent again after a
// crash is what was sent.
//
// Throws Error when an address, the Message-ID or the subject could break the headers, or a text is not UTF-8; the
// message tells which field, never its value (R9). May be called by several threads.
std::string compose(const Message& message);

}  // namespace navette::mime
