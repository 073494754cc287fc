#include "lib/mime/message.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string_view>

#include <gmime/gmime.h>

#include "base/error.h"
#include "base/text.h"
#include "lib/mime/address.h"

namespace navette::mime {
namespace {

struct Unref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, Unref>;

// GObject's own cast macros check the type at run time and are C casts; these types derive by layout, as GObject
// guarantees.
template <typename To, typename From>
To* as(From* object) {
  return reinterpret_cast<To*>(object);
}

void initialise() {
  static std::once_flag once;
  std::call_once(once, [] { g_mime_init(); });
}

bool is_one_line(std::string_view s) {
  return std::none_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

void require(bool fits, const char* what) {
  if (!fits) throw Error(std::string("e-mail: ") + what);
}

void check_text(const std::string& s) {
  require(text::is_valid_utf8(s) && s.find('\0') == std::string::npos, "the text is not UTF-8");
}

void check(const std::vector<Attachment>& attachments) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  for (const Attachment& a : attachments) {
    require(!a.name.empty() && std::all_of(a.name.begin(), a.name.end(), fits),
            "the name of an attachment is not valid");
    require(a.type.find('/') != std::string::npos && is_one_line(a.type), "the type of an attachment is not valid");
  }
}

void check(const Message& m) {
  require(is_valid_address(m.from.address), "the sender's address is not valid");
  require(is_one_line(m.from.name) && text::is_valid_utf8(m.from.name), "the sender's name is not one line of UTF-8");
  require(m.reply_to.empty() || is_valid_address(m.reply_to), "the address for answers is not valid");
  require(!m.to.empty(), "there is no recipient");
  require(std::all_of(m.to.begin(), m.to.end(), is_valid_address), "the address of a recipient is not valid");
  require(is_valid_address(m.message_id), "the Message-ID is not valid");
  require(!m.subject.empty() && is_one_line(m.subject) && text::is_valid_utf8(m.subject),
          "the subject is not one line of UTF-8");
  check_text(m.text);
  require(text::is_valid_utf8(m.html) && m.html.find('\0') == std::string::npos, "the HTML is not UTF-8");
}

// The encoder takes LF as the end of a line; a CR left before it would be encoded as =0D.
std::string with_lf(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\r' && i + 1 < s.size() && s[i + 1] == '\n') continue;
    out += s[i];
  }
  return out;
}

// '=' followed by '_' cannot come out of quoted-printable or base64, so no body can hold it. The digest makes it differ
// from the boundary of a message quoted inside, `what` from one of the same message.
std::string boundary_for(std::string_view what, const Message& m) {
  const std::string all = std::string(what) + m.message_id + '\0' + m.text + '\0' + m.html;
  const std::unique_ptr<gchar, void (*)(gpointer)> digest(
      g_compute_checksum_for_string(G_CHECKSUM_SHA256, all.data(), static_cast<gssize>(all.size())), g_free);
  return "=_navette_" + std::string(digest.get()).substr(0, 32);
}

void set_content(GMimePart* part, const std::string& bytes, GMimeContentEncoding encoding) {
  g_mime_part_set_content_encoding(part, encoding);
  const Owned<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(bytes.data(), bytes.size()));
  const Owned<GMimeDataWrapper> content(
      g_mime_data_wrapper_new_with_stream(stream.get(), GMIME_CONTENT_ENCODING_DEFAULT));
  g_mime_part_set_content(part, content.get());
}

Owned<GMimePart> text_part(const char* subtype, const std::string& utf8) {
  Owned<GMimePart> part(g_mime_part_new_with_type("text", subtype));
  g_mime_object_set_content_type_parameter(as<GMimeObject>(part.get()), "charset", "utf-8");
  g_mime_object_set_header(as<GMimeObject>(part.get()), "Content-Language", "fr", nullptr);
  set_content(part.get(), with_lf(utf8), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
  return part;
}

Owned<GMimePart> attached_part(const Attachment& a) {
  const auto slash = a.type.find('/');
  Owned<GMimePart> part(g_mime_part_new_with_type(a.type.substr(0, slash).c_str(), a.type.substr(slash + 1).c_str()));
  g_mime_part_set_filename(part.get(), a.name.c_str());  // sets Content-Disposition and the type's name
  set_content(part.get(), a.bytes, GMIME_CONTENT_ENCODING_BASE64);
  return part;
}

Owned<GMimeObject> multipart(const char* subtype, const std::string& boundary) {
  GMimeMultipart* parts = g_mime_multipart_new_with_subtype(subtype);
  g_mime_multipart_set_boundary(parts, boundary.c_str());
  return Owned<GMimeObject>(as<GMimeObject>(parts));
}

void add(const Owned<GMimeObject>& parts, GMimeObject* part) {
  g_mime_multipart_add(as<GMimeMultipart>(parts.get()), part);
}

Owned<GMimeObject> texts_of(const Message& m) {
  if (m.html.empty()) return Owned<GMimeObject>(as<GMimeObject>(text_part("plain", m.text).release()));
  auto alternative = multipart("alternative", boundary_for("", m));
  // Plain first: readers take the last part that they understand (RFC 2046).
  add(alternative, as<GMimeObject>(text_part("plain", m.text).get()));
  add(alternative, as<GMimeObject>(text_part("html", m.html).get()));
  return alternative;
}

Owned<GMimeObject> body_of(const Message& m, const std::vector<Attachment>& attachments) {
  if (attachments.empty()) return texts_of(m);
  auto mixed = multipart("mixed", boundary_for("mixed", m));
  add(mixed, texts_of(m).get());
  for (const Attachment& a : attachments) add(mixed, as<GMimeObject>(attached_part(a).get()));
  return mixed;
}

void set_headers(GMimeMessage* message, const Message& m) {
  g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_FROM, m.from.name.empty() ? nullptr : m.from.name.c_str(),
                             m.from.address.c_str());
  if (!m.reply_to.empty()) {
    g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_REPLY_TO, nullptr, m.reply_to.c_str());
  }
  for (const std::string& address : m.to) {
    g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_TO, nullptr, address.c_str());
  }
  g_mime_message_set_subject(message, m.subject.c_str(), "utf-8");

  const std::unique_ptr<GTimeZone, void (*)(GTimeZone*)> zone(
      g_time_zone_new_offset(static_cast<gint32>(std::chrono::seconds(m.utc_offset).count())), g_time_zone_unref);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(m.date).time_since_epoch().count();
  const std::unique_ptr<GDateTime, void (*)(GDateTime*)> utc(g_date_time_new_from_unix_utc(seconds), g_date_time_unref);
  require(utc != nullptr, "the date is out of range");
  const std::unique_ptr<GDateTime, void (*)(GDateTime*)> local(g_date_time_to_timezone(utc.get(), zone.get()),
                                                               g_date_time_unref);
  g_mime_message_set_date(message, local.get());
  g_mime_message_set_message_id(message, m.message_id.c_str());
  g_mime_object_set_header(as<GMimeObject>(message), "Auto-Submitted", "auto-generated", nullptr);
}

std::string serialise(GMimeObject* object) {
  const std::unique_ptr<GMimeFormatOptions, void (*)(GMimeFormatOptions*)> options(g_mime_format_options_new(),
                                                                                   g_mime_format_options_free);
  g_mime_format_options_set_newline_format(options.get(), GMIME_NEWLINE_FORMAT_DOS);
  const Owned<GMimeStream> stream(g_mime_stream_mem_new());
  if (g_mime_object_write_to_stream(object, options.get(), stream.get()) < 0)
    throw Error("e-mail: GMime cannot write the message");
  const GByteArray* bytes = g_mime_stream_mem_get_byte_array(as<GMimeStreamMem>(stream.get()));
  return {bytes->data, bytes->data + bytes->len};
}

std::string message_with(const Message& m, GMimeObject* body) {
  const Owned<GMimeMessage> message(g_mime_message_new(FALSE));
  set_headers(message.get(), m);
  g_mime_message_set_mime_part(message.get(), body);
  return serialise(as<GMimeObject>(message.get()));
}

}  // namespace

std::string compose(const Message& m, const std::vector<Attachment>& attachments) {
  check(m);
  check(attachments);
  initialise();
  return message_with(m, body_of(m, attachments).get());
}

std::string compose_entity(const std::string& text, const std::vector<Attachment>& attachments,
                           const std::string& message_id) {
  check_text(text);
  check(attachments);
  initialise();
  Message m;
  m.message_id = message_id;
  m.text = text;
  return serialise(body_of(m, attachments).get());
}

std::string compose_enveloped(const Message& m, const std::string& enveloped) {
  check(m);
  initialise();
  const auto part = attached_part({"smime.p7m", "application/pkcs7-mime", enveloped});
  g_mime_object_set_content_type_parameter(as<GMimeObject>(part.get()), "smime-type", "enveloped-data");
  return message_with(m, as<GMimeObject>(part.get()));
}

}  // namespace navette::mime
