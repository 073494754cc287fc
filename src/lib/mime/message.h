// E-mails composed by GMime: text, HTML beside it or not, attachments or not; or something encrypted. No GMime or GLib
// header leaves lib/mime.
#pragma once

#include <chrono>
#include <cstdint>
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

struct Attachment {
  std::string name;  // ASCII letters, digits, '.', '_' and '-'
  std::string type;  // "application/pdf"
  std::string bytes;
};

// The message as it goes over SMTP (before dot-stuffing) and into an .eml file: lines end in CR LF, every byte is 7-bit
// ASCII, no line is over 998 bytes, headers are folded (RFC 2047 where needed). Says Auto-Submitted: auto-generated, so
// that no answering machine answers (RFC 3834), and Content-Language: fr.
//
// The same input gives the same bytes: nothing is random, the boundary included, so that what is sent again after a
// crash is what was sent.
//
// Throws Error when an address, the Message-ID, the subject or an attachment's name could break the headers, or a text
// is not UTF-8; the message tells which field, never its value (R9). May be called by several threads.
std::string compose(const Message& message, const std::vector<Attachment>& attachments = {});

// The text and the attachments of a message as a MIME entity of its own, to be encrypted (RFC 8551). `message_id` makes
// its boundary.
std::string compose_entity(const std::string& text, const std::vector<Attachment>& attachments,
                           const std::string& message_id);
// A message whose body is `enveloped`, a CMS EnvelopedData in DER; `text` and `html` do not count.
std::string compose_enveloped(const Message& message, const std::string& enveloped);

// Bytes that one attachment takes in a message, at most.
constexpr std::uint64_t largest_attached(std::uint64_t size, std::uint64_t name) {
  constexpr std::uint64_t headers = 512;  // and the boundary
  constexpr std::uint64_t line = 72;      // of base64, at least, before its CR LF
  const std::uint64_t encoded = (size + 2) / 3 * 4;
  return encoded + (encoded / line + 1) * 2 + headers + 3 * name;
}

}  // namespace navette::mime
