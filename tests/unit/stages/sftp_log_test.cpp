// What lines of the log of internal-sftp prove, and what they do not.
#include "stages/sftp_log.h"

#include <fstream>

#include <catch2/catch.hpp>

#include "support/stage_site.h"

using namespace navette;
using stages::parse_sftp_log_line;
using test::StageSite;
namespace fs = std::filesystem;

namespace {

const std::string head = "2026-11-20T06:00:00.250000+01:00 sftp internal-sftp[42]: ";

std::optional<store::FileRead> read_in(const std::string& line) {
  const auto event = parse_sftp_log_line(line);
  if (!event || !std::holds_alternative<store::FileRead>(*event)) return std::nullopt;
  return std::get<store::FileRead>(*event);
}

// A lieu with a delivered remise (a PDF of 100 bytes, an XML of 101), and a log.
struct Logged : StageSite {
  Logged() {
    take_in("caf-421", test::slurp("tests/data/habilitations/ok-annexe-loire.xml"));
    remise("rpe-gier-20261119-1", "rpe-gier");
    remise("rpe-ondaine-20261119-1", "rpe-ondaine");
    auto& db = store->connection();
    db.execute(
        "INSERT INTO demande (flux_id, emetteur, reference, jour, sha256, admise) SELECT id, 'monenfant', 'A', "
        "'2026-11-18', '', 1 FROM flux");
    db.execute("UPDATE remise_fichier SET demande_id = (SELECT id FROM demande) WHERE genre <> 'manifeste'");
  }
  void say(const std::string& text, const std::string& name = "sftp.log") {
    std::ofstream(dir / name, std::ios::app | std::ios::binary) << text;
  }
  void session(const std::string& account, int pid = 42) {
    say("2026-11-20T05:59:00+01:00 sftp internal-sftp[" + std::to_string(pid) + "]: session opened for local user " +
        account + " from [192.0.2.10]\n");
  }
  void close(const std::string& path, int bytes, int pid = 42) {
    say("2026-11-20T06:00:00+01:00 sftp internal-sftp[" + std::to_string(pid) + "]: close \"" + path +
        "\" bytes read " + std::to_string(bytes) + " written 0\n");
  }
  // Remises picked up, by name, after reading on.
  std::string picked_up() {
    stages::read_sftp_log(dir / "sftp.log", *store, clock, stop.get_token());
    return text(
        "SELECT coalesce(group_concat(nom || ' ' || retrait_preuve, ','), '') FROM remise WHERE retiree_le IS "
        "NOT NULL");
  }
};

const std::string pdf = "/remises/rpe-gier-20261119-1/DI_monenfant_A.pdf";
const std::string gier = "rpe-gier-20261119-1 journal";

}  // namespace

TEST_CASE("a line tells who opened a session, and what was read, when") {
  const auto opened = parse_sftp_log_line(
      "Nov 20 06:00:00 sftp internal-sftp[7]: session opened for local user rpe-gier "
      "from [2001:db8::1]");
  REQUIRE(opened);
  CHECK(std::get<store::SessionOpened>(*opened).pid == 7);
  CHECK(std::get<store::SessionOpened>(*opened).account == "rpe-gier");
  const auto closed =
      parse_sftp_log_line("<86>Nov 20 06:00:00 internal-sftp[7]: session closed for local user rpe-gier");
  REQUIRE(closed);
  CHECK(std::get<store::SessionClosed>(*closed).pid == 7);
  const auto read = read_in(head + "close \"/remises/R1/DI_x_A.pdf\" bytes read 41230 written 0");
  REQUIRE(read);
  CHECK(read->pid == 42);
  CHECK(read->remise == "R1");
  CHECK(read->file == "DI_x_A.pdf");
  CHECK(read->bytes == 41230);
  CHECK(read->at == test::at("2026-11-20T05:00:00Z"));
  // Sessions begin in /remises.
  CHECK(read_in(head + "close \"R1/DI_x_A.pdf\" bytes read 1 written 0"));
  CHECK_FALSE(read_in("Nov 20 06:00:00 sftp internal-sftp[7]: close \"/remises/R1/a.xml\" bytes read 1 written 0")->at);
}

TEST_CASE("names and paths that a lieu chooses pass for no other line") {
  const std::string wanted = "internal-sftp[9]: close \"/remises/R1/DI_x_A.pdf\" bytes read 10 written 0";
  for (const std::string& message : std::vector<std::string>{
           "open \"/retour/" + wanted + "\" flags READ mode 0666",
           "open \"/retour/x\\n" + wanted,
           "close \"/retour/" + wanted + "\" bytes read 10 written 0",
           "close \"/remises/R1/DI_x_A.pdf\" bytes read 10 written 0\" bytes read 0 written 0",
           "close \"/remises/R1/DI_x_A.pdf\" bytes read 10 written 0 " + wanted,
           "close \"/remises/R1/../../retour/x\" bytes read 10 written 0",
           "close \"/remises/R1/DI_x_A.pdf\" bytes read 10 written 5",
           "close \"/remises/R1/DI_x_A.pdf\" bytes read 99999999999999999999999 written 0",
           "session opened for local user rpe gier from [192.0.2.1]",
           "sent status No such file " + wanted,
       }) {
    INFO(message);
    CHECK_FALSE(parse_sftp_log_line(head + message));
  }
  CHECK_FALSE(parse_sftp_log_line(""));
  CHECK_FALSE(parse_sftp_log_line("internal-sftp[x]: close"));
  CHECK_FALSE(
      parse_sftp_log_line("2026-11-20T06:00:00+01:00 sftp sshd[9]: close \"/remises/R1/a.pdf\" bytes read 1 "
                          "written 0"));
}

TEST_CASE("a complete read of the PDF or the XML by the lieu's account is the pickup, at the line's time") {
  Logged site;
  site.session("rpe-gier");
  site.close(pdf, 99);
  CHECK(site.picked_up() == "");
  site.close("/remises/rpe-gier-20261119-1/manifeste.xml", 102);
  CHECK(site.picked_up() == "");
  site.close(pdf, 100);
  CHECK(site.picked_up() == gier);
  CHECK(site.text("SELECT datetime(retiree_le / 1000, 'unixepoch') FROM remise ORDER BY id") == "2026-11-20 05:00:00");
  CHECK(site.number("SELECT count(*) FROM echeance WHERE etat = 'ouverte'") == 1);
  CHECK(site.picked_up() == gier);
  CHECK(site.number("SELECT count(*) FROM trace WHERE action = 'remise.retiree'") == 1);
}

TEST_CASE("no other account picks a remise up, and none without a session or after its end") {
  Logged site;
  site.close(pdf, 100);
  site.session("rpe-ondaine");
  site.close(pdf, 100);
  site.session("rpe-gier", 43);
  site.say(
      "2026-11-20T06:00:00+01:00 sftp internal-sftp[43]: session closed for local user rpe-gier from [192.0.2.10]\n");
  site.close(pdf, 100, 43);
  CHECK(site.picked_up() == "");
  site.session("rpe-gier", 43);  // the process's number, used again
  site.close(pdf, 100, 43);
  CHECK(site.picked_up() == gier);
}

TEST_CASE("a log is read on where reading stopped, over a rotation too; a line counts once it is whole") {
  Logged site;
  site.session("rpe-gier");
  CHECK(site.picked_up() == "");
  const std::string line = head + "close \"" + pdf + "\" bytes read 100 written 0";
  SECTION("half a line") {
    site.say(line);
    CHECK(site.picked_up() == "");
    site.say("\n");
    CHECK(site.picked_up() == gier);
  }
  SECTION("rotated by rename: the rest of the former file is read first") {
    site.say(line + "\n");
    fs::rename(site.dir / "sftp.log", site.dir / "sftp.log.1");
    site.say("x\n");
    CHECK(site.picked_up() == gier);
    CHECK(site.number("SELECT position FROM journal") == 2);
  }
  SECTION("rotated by truncation") {
    std::ofstream(site.dir / "sftp.log", std::ios::trunc).close();
    site.say(line + "\n");
    CHECK(site.picked_up() == gier);
  }
  SECTION("rotated, and nothing written since") {
    fs::rename(site.dir / "sftp.log", site.dir / "sftp.log.1");
    CHECK(site.picked_up() == "");
    site.say(line + "\n");
    CHECK(site.picked_up() == gier);
  }
}

TEST_CASE("what follows the middle of a line is no line, nor is the rest of one that is too long") {
  Logged site;
  site.session("rpe-gier");
  CHECK(site.picked_up() == "");
  const std::string line = "internal-sftp[42]: close \"" + pdf + "\" bytes read 100 written 0\n";
  SECTION("another file under the same number") {
    const std::string before = head + "open \"/retour/";
    site.say(before + line);
    site.store->connection()
        .query("UPDATE journal SET position = position + ?")
        .bind(static_cast<std::int64_t>(before.size()))
        .run();
    CHECK(site.picked_up() == "");
  }
  SECTION("endless") {
    site.say(head + std::string(400'000, 'x') + line);
    CHECK(site.picked_up() == "");
  }
  site.close(pdf, 100);
  CHECK(site.picked_up() == gier);
}
