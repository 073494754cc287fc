#include "lib/pdf/object_writer.h"

#include <catch2/catch.hpp>

#include "lib/pdf/colour_profile.h"
#include "lib/pdf/deflate.h"

using namespace navette::pdf;

namespace {
std::string file(std::string_view content) {
  ObjectWriter writer;
  const auto stream = writer.add_stream({{"Kind", "/Test"}}, content);
  const auto root = writer.add("<</Type/Catalog/Test " + std::to_string(stream) + " 0 R>>");
  return writer.finish(root, {{"Producer", "(test)"}});
}
}  // namespace

TEST_CASE("objects come out as they were given, streams byte for byte") {
  const std::string bytes("a\0b\nendstream", 13);
  const std::string out = file(bytes);
  CHECK(out.rfind("%PDF-1.7\n", 0) == 0);
  CHECK(out.find(bytes) != std::string::npos);
  CHECK(out.find("<</Type/Catalog/Test 1 0 R>>") != std::string::npos);
  CHECK(out.find("/Length 13") != std::string::npos);
}

TEST_CASE("the same objects give the same file, others another ID") {
  CHECK(file("a") == file("a"));
  const auto id = [](const std::string& f) { return f.substr(f.rfind("/ID"), 75); };
  CHECK(id(file("a")) != id(file("b")));
}

TEST_CASE("the colour profile and compression are the same at every call") {
  CHECK(srgb_profile() == srgb_profile());
  CHECK(srgb_profile().size() > 400);
  CHECK(Deflate().compress("aaaa") == Deflate().compress("aaaa"));
}
