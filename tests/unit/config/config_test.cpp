#include "config/config.h"

#include <cctype>
#include <sstream>

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "unit/base/temp_dir.h"

using namespace navette::config;
using navette::test::TempDir;
namespace fs = std::filesystem;

namespace {

const char* const shipped = "config/navette.conf";

std::string read(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Each key and section that stands behind a '#' made active.
std::string uncommented(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const bool is_default = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    out += (is_default ? line.substr(1) : line) + '\n';
  }
  return out;
}

Config load_text(const std::string& text) {
  const TempDir temp;
  return load(temp.put("navette.conf", text));
}

// The messages for `text`, without the name of the file.
std::vector<std::string> errors_of(const std::string& text) {
  const TempDir temp;
  const fs::path file = temp.put("navette.conf", text);
  try {
    load(file);
  } catch (const ConfigError& e) {
    std::vector<std::string> messages = e.messages();
    for (std::string& m : messages) {
      REQUIRE(m.starts_with(file.string() + ":"));
      m.erase(0, file.string().size() + 1);
    }
    return messages;
  }
  return {};
}

std::string error_of(const std::string& text) {
  const auto messages = errors_of(text);
  REQUIRE(messages.size() == 1);
  return messages.front();
}

}  // namespace

TEST_CASE("the shipped file is accepted as it is, and changes nothing") {
  CHECK(load(shipped) == Config{});
}

TEST_CASE("the shipped file shows every key with its default") {
  Config expected;
  // Examples: there is no server, no signature and no log by default, and nobody may send.
  expected.mail = {"navette@localhost",        "smtp.example.org", 587,       MailTls::starttls,
                   "/etc/navette/mail-ca.pem", "navette",          "courriel"};
  expected.signature = {"/etc/navette/signature.pem", "/etc/navette/signature-key.pem"};
  expected.depot.sftp_log = "/var/log/navette-sftp.log";
  expected.emetteurs["monenfant"] = {{"demandes"}, "", {}};
  expected.emetteurs["caf-421"] = {{"habilitations"}, "421", {"42"}};
  const std::string text = uncommented(read(shipped));
  CHECK(load_text(text) == expected);
  // Every key that exists is shown: each fixed section, given an unknown key, lists its keys.
  for (const char* section : {"spool", "state", "depot", "data", "mail", "fonts", "signature", "limits", "log",
                              "daemon", "emetteur.monenfant"}) {
    CAPTURE(section);
    const std::string message =
        error_of(std::string(section).starts_with("emetteur") ? "[emetteur.monenfant]\nflux=demandes\nno_such_key=1\n"
                                                              : "[" + std::string(section) + "]\nno_such_key=1\n");
    const auto keys = message.substr(message.find("there are ") + 10);
    std::istringstream words(keys);
    for (std::string key; words >> key;) {
      if (key.ends_with(',')) key.pop_back();
      CAPTURE(key);
      CHECK(text.find("\n" + key + " = ") != std::string::npos);
    }
  }
}

TEST_CASE("every key reaches its field") {
  const Config c = load_text(
      "[spool]\ndirectory=/a\nstable_after=200ms\n[state]\ndatabase=/b/n.db\n[depot]\ndirectory=/"
      "c\ncreate=yes\nsftp_log=/c.log\n"
      "[data]\ndirectory=/d\n[mail]\nfrom=navette@caf.example\nserver=[::1]:465\ntls=implicit\nca=/m/ca.pem\nuser=a b\n"
      "credential=smtp-1\n"
      "[fonts]\nregular=/f/1\nbold=/f/2\nitalic=/f/3\nbold_italic=/f/4\n"
      "fallback_regular=/f/5\nfallback_bold=/f/6\nfallback_italic=/f/7\nfallback_bold_italic=/f/8\n"
      "[signature]\ncertificate=/s/c.pem\nkey=/s/k.pem\n"
      "[limits]\nflux_size=2GiB\nrecord_size=2MiB\ntext_size=2KiB\ndepth=40\n[log]\nlevel=debug\n"
      "[daemon]\nscan_every=10s\nworkers=4\n"
      "[emetteur.caf-2a1]\nflux=habilitations, demandes\ncaf=201\ndepartements=2B,2A\n");
  CHECK(c.spool == Spool{"/a", std::chrono::milliseconds(200)});
  CHECK(c.state == State{"/b/n.db"});
  CHECK(c.depot == Depot{"/c", true, "/c.log"});
  CHECK(c.data.schemas() == "/d/xsd");
  CHECK(c.data.stylesheets() == "/d/xslt");
  CHECK(c.data.communes() == "/d/data/communes.tsv");
  CHECK(c.mail == Mail{"navette@caf.example", "[::1]", 465, MailTls::implicit, "/m/ca.pem", "a b", "smtp-1"});
  CHECK(c.fonts == Fonts{{"/f/1", "/f/2", "/f/3", "/f/4"}, {"/f/5", "/f/6", "/f/7", "/f/8"}});
  CHECK(c.signature == Signature{"/s/c.pem", "/s/k.pem"});
  CHECK(c.limits == Limits{2147483648U, 2097152U, 2048U, 40U});
  CHECK(c.log.level == navette::log::Level::debug);
  CHECK(c.daemon == Daemon{std::chrono::seconds(10), 4U});
  REQUIRE(c.emetteurs.size() == 1);
  CHECK(c.emetteurs.at("caf-2a1") == Emetteur{{"demandes", "habilitations"}, "201", {"2A", "2B"}});
  CHECK(c.emetteurs.at("caf-2a1").may_send("demandes"));
  CHECK_FALSE(c.emetteurs.at("caf-2a1").may_send("structures"));
}

TEST_CASE("who acknowledges for lieux says for which Caf's") {
  CHECK_THAT(error_of("[emetteur.extranet]\nflux=retrait\n"),
             Catch::StartsWith("1: ") && Catch::Contains("sends retrait; write for which Caf"));
  CHECK(load_text("[emetteur.extranet]\nflux=retrait\ncaf=421\n").emetteurs.at("extranet").may_send("retrait"));
}

TEST_CASE("settings of the mail server that make no sense are told") {
  const auto error = [](const std::string& lines) { return error_of("[mail]\n" + lines); };
  for (const char* server : {"smtp.example.org", "smtp.example.org:", "smtp.example.org:0", "smtp.example.org:65536",
                             ":25", "a b:25", "a/b:25", "user@host:25", "-a:25", "[::1:25", "[]:25"}) {
    CAPTURE(server);
    CHECK_THAT(error(std::string("server=") + server + "\n"), Catch::Contains("write smtp.exemple.fr:587"));
  }
  CHECK_THAT(error("server=a:25\ntls=maybe\n"),
             Catch::StartsWith("3: ") && Catch::Contains("starttls, implicit or none"));
  CHECK_THAT(error("server=a:25\nuser=\ncredential=b\n"), Catch::StartsWith("3: ") && Catch::Contains("account"));
  CHECK_THAT(error("server=a:25\nuser=a\ncredential=../b\n"), Catch::StartsWith("4: ") && Catch::Contains("no path"));
  CHECK_THAT(error("server=a:25\nuser=a\n"), Catch::StartsWith("3: ") && Catch::Contains("write both"));
  CHECK_THAT(error("server=a:25\ncredential=a\n"), Catch::StartsWith("3: ") && Catch::Contains("write both"));
  CHECK_THAT(error("tls=none\n"), Catch::StartsWith("2: ") && Catch::Contains("tls without server"));
  CHECK_THAT(error("server=a:25\ntls=none\nca=b\n"), Catch::StartsWith("4: ") && Catch::Contains("without TLS"));
  CHECK_THAT(error("server=a:25\ntls=none\nuser=b\ncredential=c\n"),
             Catch::StartsWith("4: ") && Catch::Contains("in clear"));
}

TEST_CASE("a signature takes a certificate and a key") {
  CHECK_FALSE(load_text("[signature]\n").signature.wanted());
  CHECK_THAT(error_of("[signature]\nkey=k\n"), Catch::StartsWith("2: ") && Catch::Contains("write both"));
  CHECK_THAT(error_of("[signature]\ncertificate=c\n"), Catch::StartsWith("2: ") && Catch::Contains("write both"));
}

TEST_CASE("relative paths are relative to the directory of the file") {
  const TempDir temp;
  const fs::path file =
      temp.put("navette.conf", "[spool]\ndirectory = spool/\n[state]\ndatabase = ./state/../state/navette.db\n");
  CHECK(load(file).spool.directory == temp / "spool");
  CHECK(load(file).state.database == temp / "state/navette.db");
  CHECK(load(fs::relative(file)).spool.directory.is_absolute());
}

TEST_CASE("every error is told at once, in the order of the lines") {
  const auto messages = errors_of(
      "stray = 1\n"
      "[spool]\n"
      "stable_after = soon\n"
      "colour = blue\n"
      "just words\n"
      "[nonsense]\n"
      "key = value\n"
      "[daemon]\n"
      "workers = 0\n"
      "[emetteur.monenfant]\n");
  REQUIRE(messages.size() == 7);
  CHECK_THAT(messages[0], Catch::StartsWith("1: ") && Catch::Contains("before the first [section]"));
  CHECK_THAT(messages[1], Catch::StartsWith("3: ") && Catch::Contains("stable_after") && Catch::Contains("5s"));
  CHECK_THAT(messages[2], Catch::StartsWith("4: ") && Catch::Contains("unknown key colour") &&
                              Catch::Contains("directory, stable_after"));
  CHECK_THAT(messages[3], Catch::StartsWith("5: "));
  CHECK_THAT(messages[4], Catch::StartsWith("6: ") && Catch::Contains("[nonsense]") && Catch::Contains("[spool]"));
  CHECK_THAT(messages[5], Catch::StartsWith("9: ") && Catch::Contains("from 1 to 64"));
  CHECK_THAT(messages[6], Catch::StartsWith("10: ") && Catch::Contains("may send nothing"));
}

TEST_CASE("the exception's text holds every message") {
  const TempDir temp;
  const fs::path file = temp.put("navette.conf", "[spool]\na = 1\nb = 2\n");
  CHECK_THROWS_WITH(load(file), Catch::Contains(":2: unknown key a") && Catch::Contains("\n") &&
                                    Catch::Contains(":3: unknown key b"));
}

TEST_CASE("a key or a section given twice is refused, naming the first") {
  CHECK_THAT(error_of("[log]\nlevel=info\n\nlevel=debug\n"), Catch::StartsWith("4: ") && Catch::Contains("line 2"));
  CHECK_THAT(error_of("[log]\n[spool]\n[log]\n"), Catch::StartsWith("3: ") && Catch::Contains("line 1"));
}

TEST_CASE("comments, blanks and line ends of other systems are understood") {
  CHECK(load_text("\xEF\xBB\xBF[log]\r\n  level =  debug   # while we look\r\n# level = error\r\n").log.level ==
        navette::log::Level::debug);
  CHECK(load_text("") == Config{});
  CHECK(load_text("[log]\nlevel=debug").log.level == navette::log::Level::debug);
  CHECK_THAT(error_of("[spool]\ndirectory=/srv/a#b\n"), Catch::StartsWith("2: ") && Catch::Contains("'#'"));
}

TEST_CASE("what is not text is refused with its line") {
  CHECK_THAT(error_of("[mail]\n# caf\xE9\n"), Catch::StartsWith("2: ") && Catch::Contains("UTF-8"));
  CHECK_THAT(error_of(std::string("[log]\nlevel=in\0fo\n", 18)),
             Catch::StartsWith("2: ") && Catch::Contains("control"));
  for (const char* bad : {"[]", "[.]", "[spool", "spool]", "[spo ol]", "= x", "le vel = info"}) {
    CAPTURE(bad);
    CHECK_THAT(error_of("[log]\n" + std::string(bad) + "\n"), Catch::StartsWith("2: "));
  }
  SECTION("what stands below a section that cannot be read is not blamed on the one before") {
    CHECK_THAT(error_of("[log]\n[spo ol]\nlevel=info\ndirectory=/a\n"), Catch::StartsWith("2: "));
  }
}

TEST_CASE("each value out of its kind is refused where it stands") {
  const auto refuses = [](const std::string& section, const std::string& line) {
    CAPTURE(section, line);
    CHECK_THAT(error_of("[" + section + "]\n" + line + "\n"), Catch::StartsWith("2: "));
  };
  refuses("spool", "directory =");
  refuses("spool", "stable_after = 5");
  refuses("spool", "stable_after = 2h");
  refuses("daemon", "scan_every = 0s");
  refuses("daemon", "workers = 65");
  refuses("depot", "create = oui");
  refuses("limits", "flux_size = 0B");
  refuses("limits", "text_size = 64KB");
  refuses("limits", "depth = 7");
  refuses("log", "level = verbose");
  for (const char* address : {"", "navette", "@x.fr", "a@", "a@b@c", "a b@c.fr", "Navette <a@b.fr>", "a@b.fr,c@d.fr"}) {
    refuses("mail", "from = " + std::string(address));
  }
}

TEST_CASE("émetteurs: names, kinds, Caf and départements") {
  for (const char* bad :
       {"a", "Monenfant", "1enfant", "mon_enfant", "mon.enfant", "-a", "abcdefghijabcdefghijabcdefghijab"}) {
    CAPTURE(bad);
    CHECK_THAT(error_of("[emetteur." + std::string(bad) + "]\nflux=demandes\n"), Catch::StartsWith("1: "));
  }
  CHECK(load_text("[emetteur.abcdefghijabcdefghijabcdefghija]\nflux=demandes\n").emetteurs.size() == 1);
  CHECK_THAT(error_of("[emetteur.x1]\nflux=demandes, cartes\n"), Catch::StartsWith("2: ") && Catch::Contains("cartes"));
  CHECK_THAT(error_of("[emetteur.x1]\nflux=,\n"), Catch::StartsWith("1: "));
  CHECK_THAT(error_of("[emetteur.x1]\nflux=habilitations\n"), Catch::StartsWith("1: ") && Catch::Contains("caf = 421"));
  CHECK_THAT(error_of("[emetteur.x1]\nflux=demandes\ndepartements=42\n"), Catch::StartsWith("1: "));
  for (const char* caf : {"42", "4210", "42A", ""}) {
    CAPTURE(caf);
    CHECK_THAT(error_of("[emetteur.x1]\nflux=habilitations\ncaf=" + std::string(caf) + "\n"), Catch::StartsWith("3: "));
  }
  for (const char* departement : {"00", "20", "96", "2C", "2a", "4", "042", "970"}) {
    CAPTURE(departement);
    CHECK_THAT(error_of("[emetteur.x1]\nflux=habilitations\ncaf=421\ndepartements=42," + std::string(departement)),
               Catch::StartsWith("4: "));
  }
}

TEST_CASE("dépôts, database and spool do not lie within one another") {
  CHECK_THAT(error_of("[spool]\ndirectory=/x\n[depot]\ndirectory=/x/depot\n"), Catch::StartsWith("4: "));
  CHECK_THAT(error_of("[depot]\ndirectory=/x\n[spool]\ndirectory=/x/\n"), Catch::StartsWith("4: "));
  CHECK_THAT(error_of("[depot]\ndirectory=/var\n[state]\ndatabase=/y/n.db\n"), Catch::StartsWith("2: "));
  CHECK_THAT(error_of("[depot]\ndirectory=/x\n[state]\ndatabase=/x/navette.db\n"), Catch::StartsWith("4: "));
  CHECK_NOTHROW(load_text("[depot]\ndirectory=/x/spool-depot\n[spool]\ndirectory=/x/spool\n"));
}

TEST_CASE("a file that cannot be read is one error that says what to do") {
  const TempDir temp;
  REQUIRE(::mkfifo((temp / "fifo").c_str(), 0600) == 0);
  temp.put("large", std::string((1U << 20U) + 1, '#'));
  for (const fs::path& file : {temp / "missing", temp.path(), temp / "fifo", temp / "large"}) {
    CAPTURE(file);
    try {
      load(file);
      FAIL("it was read");
    } catch (const ConfigError& e) {
      REQUIRE(e.messages().size() == 1);
      CHECK_THAT(e.messages()[0], Catch::StartsWith(file.string() + ": ") && Catch::Contains("-c"));
    }
  }
  temp.put("real.conf", "[log]\nlevel=debug\n");
  fs::create_symlink("real.conf", temp / "navette.conf");
  CHECK(load(temp / "navette.conf").log.level == navette::log::Level::debug);
}
