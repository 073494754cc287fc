// The bytes of SFTP version 3 (draft-ietf-secsh-filexfer-02; extensions: OpenSSH's PROTOCOL, section 4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace navette::ssh::wire {

// What the other side sent is no SFTP.
class MalformedPacket : public Error {
 public:
  using Error::Error;
};

enum class Type : std::uint8_t {
  init = 1,
  version = 2,
  open = 3,
  close = 4,
  read = 5,
  write = 6,
  lstat = 7,
  fstat = 8,
  opendir = 11,
  readdir = 12,
  remove = 13,
  mkdir = 14,
  rmdir = 15,
  realpath = 16,
  stat = 17,
  rename = 18,
  status = 101,
  handle = 102,
  data = 103,
  name = 104,
  attributes = 105,
  extended = 200,
  extended_reply = 201,
};

enum OpenFlags : std::uint32_t {
  open_read = 0x01,
  open_write = 0x02,
  open_create = 0x08,
  open_truncate = 0x10,
  open_exclusive = 0x20
};

struct Attributes {
  std::optional<std::uint64_t> size;         // bytes
  std::optional<std::uint32_t> permissions;  // with the file type, as stat(2)
  std::optional<std::uint32_t> modified{};   // seconds since 1970
  bool is_directory() const { return permissions && (*permissions & 0170000U) == 0040000U; }
  // Where the server tells no type, it is taken for one.
  bool is_regular() const { return !permissions || (*permissions & 0170000U) == 0100000U; }
};

// Builds one packet; finish() puts its length in front.
class Builder {
 public:
  explicit Builder(Type type) { u8(static_cast<std::uint8_t>(type)); }
  Builder& u8(std::uint8_t v);
  Builder& u32(std::uint32_t v);
  Builder& u64(std::uint64_t v);
  Builder& string(std::string_view v);
  Builder& attributes(const Attributes& a);
  std::string finish() const;

 private:
  std::string bytes_;
};

// Reads one packet, without its length. Throws MalformedPacket where it ends too soon.
class Parser {
 public:
  explicit Parser(std::string_view packet) : rest_(packet) {}
  std::uint8_t u8();
  std::uint32_t u32();
  std::uint64_t u64();
  std::string_view string();
  Attributes attributes();
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view take(std::size_t n);
  std::string_view rest_;
};

struct Status {
  std::uint32_t code;
  std::string words;  // the server's, made fit for a log line; never empty
};
Status status_from(Parser& body);

constexpr std::size_t chunk = 32768;  // bytes of one READ or WRITE: what every server takes

// Names of extensions.
constexpr const char* fsync = "fsync@openssh.com";
constexpr const char* posix_rename = "posix-rename@openssh.com";

}  // namespace navette::ssh::wire
