#include "lib/ssh/sftp_wire.h"

#include <fmt/format.h>

#include "base/text.h"

namespace navette::ssh::wire {
namespace {

constexpr std::uint32_t has_size = 0x1;
constexpr std::uint32_t has_owner = 0x2;
constexpr std::uint32_t has_permissions = 0x4;
constexpr std::uint32_t has_times = 0x8;
constexpr std::uint32_t has_extensions = 0x80000000;

void append(std::string& out, std::uint64_t v, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(v >> static_cast<unsigned>(shift));
}

}  // namespace

Builder& Builder::u8(std::uint8_t v) {
  append(bytes_, v, 1);
  return *this;
}
Builder& Builder::u32(std::uint32_t v) {
  append(bytes_, v, 4);
  return *this;
}
Builder& Builder::u64(std::uint64_t v) {
  append(bytes_, v, 8);
  return *this;
}
Builder& Builder::string(std::string_view v) {
  u32(static_cast<std::uint32_t>(v.size()));
  bytes_ += v;
  return *this;
}

Builder& Builder::attributes(const Attributes& a) {
  u32((a.size ? has_size : 0) | (a.permissions ? has_permissions : 0));
  if (a.size) u64(*a.size);
  if (a.permissions) u32(*a.permissions);
  return *this;
}

std::string Builder::finish() const {
  std::string out;
  out.reserve(bytes_.size() + 4);
  append(out, bytes_.size(), 4);
  return out += bytes_;
}

std::string_view Parser::take(std::size_t n) {
  if (n > rest_.size()) throw MalformedPacket("the server's SFTP packet ends too soon");
  const std::string_view taken = rest_.substr(0, n);
  rest_.remove_prefix(n);
  return taken;
}

std::uint8_t Parser::u8() {
  return static_cast<std::uint8_t>(take(1)[0]);
}
std::uint32_t Parser::u32() {
  std::uint32_t v = 0;
  for (const char c : take(4)) v = v << 8U | static_cast<unsigned char>(c);
  return v;
}
std::uint64_t Parser::u64() {
  const std::uint64_t high = u32();
  return high << 32U | u32();
}
std::string_view Parser::string() {
  return take(u32());
}

Attributes Parser::attributes() {
  Attributes a;
  const std::uint32_t flags = u32();
  if ((flags & has_size) != 0) a.size = u64();
  if ((flags & has_owner) != 0) take(8);
  if ((flags & has_permissions) != 0) a.permissions = u32();
  if ((flags & has_times) != 0) {
    take(4);  // of the last access
    a.modified = u32();
  }
  if ((flags & has_extensions) != 0) {
    for (std::uint32_t n = u32(); n > 0; --n) {
      string();
      string();
    }
  }
  return a;
}

Status status_from(Parser& body) {
  Status s{body.u32(), {}};
  if (!body.at_end()) s.words = text::printable(text::truncated(text::printable(body.string()), 200));
  if (s.words.empty()) s.words = fmt::format("status {}", s.code);
  return s;
}

}  // namespace navette::ssh::wire
