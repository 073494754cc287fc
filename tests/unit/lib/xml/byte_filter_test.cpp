#include "lib/xml/byte_filter.h"

#include <catch2/catch.hpp>

using navette::xml::ByteFault;
using navette::xml::ByteFilter;

namespace {

struct Filtered {
  std::string text;
  ByteFault fault;
  long line;
  long column;
};

// Feeds `bytes` in pieces of `step`.
Filtered filter(const std::string& bytes, std::size_t step) {
  ByteFilter filter;
  std::string out;
  if (filter.begin(bytes) == ByteFault::none) {
    for (std::size_t i = 0; i < bytes.size(); i += step) out += filter.filter(std::string_view(bytes).substr(i, step));
    filter.finish();
  }
  return {out, filter.fault(), filter.place().line, filter.place().column};
}

}  // namespace

TEST_CASE("UTF-8 goes through unchanged, whatever the pieces") {
  const std::string text = "<a>é€\xF0\x9F\x91\xB6 plain text of some length\r\n\tend</a>";
  for (std::size_t step = 1; step < 20; ++step) {
    const auto result = filter(text, step);
    CHECK(result.fault == ByteFault::none);
    CHECK(result.text == text);
  }
}

TEST_CASE("a bad byte is found where it stands, whatever the pieces") {
  for (const std::string bad : {"\xE9", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC3", "\x80", "\xFF"}) {
    for (std::size_t step = 1; step < 20; ++step) {
      const auto result = filter("<a>\n1234567é9" + bad, step);
      CHECK(result.fault == ByteFault::encoding);
      CHECK(result.text == "<a>\n1234567é9");
      CHECK(result.line == 2);
      CHECK(result.column == 10);
    }
  }
  for (std::size_t step = 1; step < 20; ++step) {
    const auto result = filter(std::string("<a>12345678\n\0", 13), step);
    CHECK(result.fault == ByteFault::not_xml);
    CHECK(result.line == 2);
  }
}

TEST_CASE("declared ISO-8859-1 becomes UTF-8") {
  const auto result = filter("<?xml version='1.0' encoding='iso-8859-1'?><a>\xE9\xFF</a>", 7);
  CHECK(result.fault == ByteFault::none);
  CHECK(result.text == "<?xml version='1.0' encoding='iso-8859-1'?><a>éÿ</a>");
}

TEST_CASE("other encodings and what is no XML are told apart") {
  const auto fault = [](const std::string& bytes) { return filter(bytes, 64).fault; };
  CHECK(fault(std::string("\xFF\xFE<\0", 4)) == ByteFault::encoding);
  CHECK(fault(std::string("\0<\0?", 4)) == ByteFault::encoding);
  CHECK(fault("<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>") == ByteFault::encoding);
  CHECK(fault("\xEF\xBB\xBF<?xml version='1.0' encoding='ISO-8859-1'?><a/>") == ByteFault::encoding);
  // Windows-1252 under another name: an apostrophe, a euro.
  CHECK(fault("<?xml version='1.0' encoding='ISO-8859-1'?><a>l\x92"
              "aîné</a>") == ByteFault::encoding);
  CHECK(fault("<?xml version='1.0' encoding='ISO-8859-1'?><a>300 \x80</a>") == ByteFault::encoding);
  CHECK(fault("\x1F\x8B\x08") == ByteFault::not_xml);
  CHECK(fault("name;surname\n") == ByteFault::not_xml);
  CHECK(fault("\xEF\xBB\xBF<a/>") == ByteFault::none);
  CHECK(fault(" \n<a/>") == ByteFault::none);
}
