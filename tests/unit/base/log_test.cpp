#include "base/log.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace navette;

TEST_CASE("a log line is key=value, quoted where a reader of keys would stumble") {
  CHECK(log::format_line("flux-accepte", {{"flux", 12}, {"enregistrements", 3U}, {"code", "TOTAUX_FAUX"}}) ==
        "event=flux-accepte flux=12 enregistrements=3 code=TOTAUX_FAUX");
  CHECK(log::format_line("e", {{"fichier", "a b.xml"}}) == "event=e fichier=\"a b.xml\"");
  CHECK(log::format_line("e", {{"fichier", ""}}) == "event=e fichier=\"\"");
  CHECK(log::format_line("e", {{"fichier", "a\"b"}}) == "event=e fichier=\"a\\\"b\"");
  CHECK(log::format_line("e", {{"fichier", "x=1"}}) == "event=e fichier=\"x=1\"");
  CHECK(log::format_line("e", {{"lieu", "relais-forézien"}}) == "event=e lieu=relais-forézien");
}

TEST_CASE("no value can begin a line of its own") {
  const std::string line = log::format_line("e", {{"fichier", "a.xml\n<3>event=forged level=\x1b[0m"}});
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.find('\x1b') == std::string::npos);
  CHECK(line == "event=e fichier=\"a.xml\\x0a<3>event=forged level=\\x1b[0m\"");
}

TEST_CASE("a literal backslash cannot be taken for an escaped control character") {
  CHECK(log::format_line("e", {{"f", "\n"}}) == "event=e f=\"\\x0a\"");
  CHECK(log::format_line("e", {{"f", "\\x0a"}}) == "event=e f=\"\\\\x0a\"");
}

TEST_CASE("levels are read by name") {
  CHECK(log::parse_level("debug") == log::Level::debug);
  CHECK(log::parse_level("error") == log::Level::error);
  CHECK_THROWS_AS(log::parse_level("verbose"), Error);
  CHECK_THROWS_AS(log::parse_level(""), Error);
}

TEST_CASE("describe tells the whole chain of causes") {
  try {
    try {
      throw Error("the disk is full");
    } catch (const Error&) {
      std::throw_with_nested(Error("cannot write the accusé"));
    }
  } catch (const Error& e) {
    CHECK(describe(e) == "cannot write the accusé: the disk is full");
  }
}
