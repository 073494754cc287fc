#include "lib/xml/record_parser.h"

#include <vector>

#include <catch2/catch.hpp>
#include <sys/mman.h>

#include "base/directory.h"
#include "base/unique_fd.h"

using namespace navette::xml;

namespace {

struct Collector final : RecordHandler {
  bool root(Node node, ParseLimits& /*limits*/) override {
    root_name = node.name();
    return true;
  }
  bool begins(Node child) override {
    child.set_rank(++count);
    return true;
  }
  bool ends(Record child) override {
    if (child.fault()) faults.push_back(child.fault()->fault);
    seen.push_back(child.node().path() + "=" + child.node().text());
    if (keep) kept.push_back(std::move(child));
    return count < stop_after;
  }
  bool stray_text(Node /*root*/) override {
    stray = true;
    return true;
  }

  std::string root_name;
  std::uint64_t count = 0;
  std::uint64_t stop_after = 1'000'000;
  bool stray = false;
  bool keep = false;
  std::vector<std::string> seen;
  std::vector<Fault> faults;
  std::vector<Record> kept;
};

navette::UniqueFd file_of(std::string_view bytes) {
  navette::UniqueFd fd(::memfd_create("records", MFD_CLOEXEC));
  navette::write_all(fd.get(), bytes);
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

ParseResult parse(std::string_view bytes, Collector& collector, const ParseLimits& limits = {}) {
  const auto fd = file_of(bytes);
  return RecordParser(collector, limits).read(fd.get());
}

}  // namespace

TEST_CASE("children of the root come one at a time, indentation dropped, texts whole") {
  Collector c;
  const auto result =
      parse("<r>\n <a> <b>x<!-- no -->y</b>\n <b> </b></a>\n<?pi no?><c>&lt;<![CDATA[&]]>&#233;</c></r>", c);
  CHECK(result.fault == Fault::none);
  CHECK_FALSE(c.stray);
  CHECK(c.root_name == "r");
  CHECK(c.seen == std::vector<std::string>{"/r/a[1]=xy ", "/r/c[2]=<&é"});
}

TEST_CASE("a record that is kept can be read until the parser goes") {
  Collector c;
  c.keep = true;
  const auto fd = file_of("<r xmlns='urn:x'><a><b>1</b></a><a><b>2</b></a></r>");
  RecordParser parser(c);
  CHECK(parser.read(fd.get()).fault == Fault::none);
  REQUIRE(c.kept.size() == 2);
  CHECK(c.kept[1].node().child("b").path() == "/r/a[2]/b");
  CHECK(c.kept[1].node().child("b").space() == "urn:x");
  CHECK(Document::copy_of(c.kept[0].node()).serialise().find("<a xmlns=\"urn:x\"><b>1</b></a>") != std::string::npos);
  c.kept.clear();
}

TEST_CASE("a handler stops the reading") {
  Collector c;
  c.stop_after = 1;
  const auto result = parse("<r><a/><a/></r>", c);
  CHECK(result.stopped);
  CHECK(result.fault == Fault::none);
  CHECK(c.count == 1);
}

TEST_CASE("text beside records is told, and an empty root is fine") {
  Collector c;
  CHECK(parse("<r>x<a/></r>", c).fault == Fault::none);
  CHECK(c.stray);
  Collector empty;
  CHECK(parse("<r/>", empty).fault == Fault::none);
  CHECK(empty.root_name == "r");
}

TEST_CASE("every cut of a document is malformed, and nothing else") {
  const std::string whole = "<?xml version='1.0'?><r a='1'><b>é<![CDATA[x]]></b><!-- c --></r>";
  for (std::size_t size = 1; size < whole.size(); ++size) {
    Collector c;
    const auto result = parse(whole.substr(0, size), c);
    INFO(size);
    CHECK((result.fault == Fault::malformed || result.fault == Fault::encoding));
  }
  Collector c;
  CHECK(parse(whole, c).fault == Fault::none);
}

TEST_CASE("limits hold") {
  ParseLimits limits;
  limits.depth = 3;
  limits.text = 10;
  limits.record = 100;
  limits.elements = 4;
  limits.attributes = 2;
  const auto fault = [&](const std::string& bytes) {
    Collector c;
    const Fault whole = parse(bytes, c, limits).fault;
    if (whole != Fault::none || c.faults.empty()) return whole;
    CHECK(c.faults.size() == 1);
    return c.faults.front();
  };
  CHECK(fault("<r><a><b/></a></r>") == Fault::none);
  CHECK(fault("<r><a><b><c/></b></a></r>") == Fault::depth);
  CHECK(fault("<r><a>0123456789</a></r>") == Fault::none);
  CHECK(fault("<r><a>0123456789x</a></r>") == Fault::text);
  CHECK(fault("<r><a>01234<!-- -->56789x</a></r>") == Fault::text);
  CHECK(fault("<r><a x='0123456789'/></r>") == Fault::none);
  CHECK(fault("<r><a x='0123456' y='789x'/></r>") == Fault::text);
  CHECK(fault("<r><a x='' y='' z=''/></r>") == Fault::text);
  CHECK(fault("<r><a><b/><b/><b/></a></r>") == Fault::none);
  CHECK(fault("<r><a><b/><b/><b/><b/></a></r>") == Fault::record);
  CHECK(fault("<r><a><!--" + std::string(100, '-').replace(1, 98, std::string(98, 'x')) + "--><b/></a></r>") ==
        Fault::malformed);
  CHECK(fault("<r><a><!--" + std::string(100, 'x') + "--><b/></a></r>") == Fault::record);
  CHECK(fault("<r x='0123456789x'><a/></r>") == Fault::text);
}

TEST_CASE("what goes beyond the limits in a child is not kept, and the next child comes whole") {
  ParseLimits limits;
  limits.text = 10;
  limits.elements = 4;
  limits.counted = "e";
  Collector c;
  c.keep = true;
  const auto fd = file_of("<r><a>0123456789abc<e/></a><b><x/><x/><x/><x/>lost<e><e/>lost</e></b><c><e/>whole</c></r>");
  RecordParser parser(c, limits);
  CHECK(parser.read(fd.get()).fault == Fault::none);
  CHECK(c.seen == std::vector<std::string>{"/r/a[1]=0123456789", "/r/b[2]=", "/r/c[3]=whole"});
  CHECK(c.faults == std::vector<Fault>{Fault::text, Fault::record});
  CHECK(c.kept[1].fault()->counted == 2);
  CHECK_FALSE(c.kept[2].fault());
  c.kept.clear();
}
