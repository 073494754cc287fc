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
  Deflate deflate;
  return writer.finish(root, {{"Producer", "(test)"}}, deflate);
}
}  // namespace

TEST_CASE("streams come out byte for byte, other objects packed into object streams") {
  const std::string bytes("a\0b\nendstream", 13);
  const std::string out = file(bytes);
  CHECK(out.rfind("%PDF-1.7\n", 0) == 0);
  CHECK(out.find(bytes) != std::string::npos);
  CHECK(out.find("/Length 13") != std::string::npos);
  CHECK(out.find("/Type/Catalog") == std::string::npos);
  CHECK(out.find("/Type /ObjStm") != std::string::npos);
}

TEST_CASE("what is to be found as it is stands behind all else") {
  ObjectWriter writer;
  Deflate deflate;
  const auto clear = writer.add_in_clear("<</Type/Sig>>");
  const auto root = writer.add("<</Type/Catalog/Sig " + std::to_string(clear) + " 0 R>>");
  writer.add_stream({}, "later");
  const std::string out = writer.finish(root, {}, deflate);
  CHECK(out.find("1 0 obj\n<</Type/Sig>>\nendobj\n") > out.find("/ObjStm"));
  CHECK(out.find("/Type/Sig") > out.find("later"));
  CHECK(out.find("/Type/Sig") < out.find("/XRef"));
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
