#include "lib/ssh/sftp_wire.h"

#include <catch2/catch.hpp>

using namespace navette::ssh::wire;

TEST_CASE("a packet is its length, its type and its fields, big-endian") {
  CHECK(Builder(Type::init).u32(3).finish() == std::string("\0\0\0\5\1\0\0\0\3", 9));
  CHECK(Builder(Type::close).u32(0x01020304).string("ab").finish() ==
        std::string("\0\0\0\x0b\4\1\2\3\4\0\0\0\2ab", 15));
  CHECK(Builder(Type::write).u64(0x1122334455667788).finish() ==
        std::string("\0\0\0\x09\6\x11\x22\x33\x44\x55\x66\x77\x88", 13));
}

TEST_CASE("what is built is read again") {
  const std::string packet =
      Builder(Type::status).u32(7).u64(1ULL << 40U).string(std::string("\0é", 3)).attributes({12, 0100640}).finish();
  Parser p(std::string_view(packet).substr(4));
  CHECK(p.u8() == 101);
  CHECK(p.u32() == 7);
  CHECK(p.u64() == 1ULL << 40U);
  CHECK(p.string() == std::string("\0é", 3));
  const Attributes a = p.attributes();
  CHECK(a.size == 12U);
  CHECK(a.permissions == 0100640U);
  CHECK_FALSE(a.is_directory());
  CHECK(p.at_end());
}

TEST_CASE("attributes that nobody asked for are passed over") {
  const std::string packet = Builder(Type::attributes)
                                 .u32(0x8000000F)
                                 .u64(5)
                                 .u32(1000)
                                 .u32(1000)
                                 .u32(040755)
                                 .u32(1)
                                 .u32(2)
                                 .u32(1)
                                 .string("name@example")
                                 .string("value")
                                 .finish();
  Parser p(std::string_view(packet).substr(5));
  const Attributes a = p.attributes();
  CHECK(a.size == 5U);
  CHECK(a.is_directory());
  CHECK(p.at_end());
}

TEST_CASE("a packet cut short anywhere is an error, never a read beyond its end") {
  const std::string packet = Builder(Type::status).u32(7).string("abc").attributes({12, 0100640}).finish().substr(4);
  for (std::size_t size = 0; size < packet.size(); ++size) {
    const std::string cut = packet.substr(0, size);
    const auto read = [&] {
      Parser p(cut);
      p.u8();
      p.u32();
      p.string();
      p.attributes();
    };
    CHECK_THROWS_AS(read(), MalformedPacket);
  }
  Parser huge("\xff\xff\xff\xff");
  CHECK_THROWS_AS(huge.string(), MalformedPacket);
}
