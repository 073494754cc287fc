#include <algorithm>
#include <atomic>
#include <thread>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crypto/sha256.h"
#include "support/stage_site.h"

using namespace navette;
using namespace navette::stages;
using test::StageSite;
using Names = std::vector<std::string>;

namespace {

std::string only_ticket(const StageSite& site) {
  const auto names = site.names("travail/monenfant");
  REQUIRE(names.size() == 1);
  return names[0];
}

std::string rows(const StageSite& site) {
  return site.text("SELECT coalesce(group_concat(nom || ' ' || coalesce(probleme, 'ok'), '; '), '') FROM flux");
}

// A site whose only deposit lies in travail/ under `raw`, as a crash right after the rename leaves it.
void renamed(StageSite& site, const std::string& raw, const std::string& bytes) {
  write_file(site.spool.travail.make_dir("monenfant"), raw, bytes);
}

constexpr const char* ticket = "20261120T050000Z-0011aabb";

// The kernel checks files as for that user while it lives; root stays root otherwise.
class AsNobody {
 public:
  AsNobody() : before_(::setfsuid(65534)) {}
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() { ::setfsuid(static_cast<uid_t>(before_)); }

 private:
  int before_;
};

}  // namespace

TEST_CASE("a complete deposit is moved, copied into an inode of our own, hashed and recorded") {
  StageSite site;
  site.deposit("monenfant", "a.xml", "<a/>");
  const auto inode = Directory::open(site.in("arrivee/monenfant")).status("a.xml")->inode;
  CHECK(site.claim().claimed == 1);
  CHECK(site.names("arrivee/monenfant").empty());
  const std::string name = only_ticket(site);
  const auto work = Directory::open(site.in("travail/monenfant"));
  CHECK(work.read(name) == "<a/>");
  CHECK(work.status(name)->inode != inode);
  CHECK(site.text("SELECT ticket || ' ' || emetteur || ' ' || nom || ' ' || taille || ' ' || sha256 FROM flux") ==
        name + " monenfant a.xml 4 " + crypto::sha256_hex("<a/>"));
  CHECK(site.claim().claimed == 0);
}

TEST_CASE("a sender who still holds the deposit open changes nothing any more") {
  StageSite site;
  site.deposit("monenfant", "a.xml", "<a/>");
  const auto held = Directory::open(site.in("arrivee/monenfant")).open_file("a.xml", O_WRONLY | O_APPEND);
  site.claim();
  write_all(held.get(), "more");
  CHECK(Directory::open(site.in("travail/monenfant")).read(only_ticket(site)) == "<a/>");
}

TEST_CASE("a deposit that changed a moment ago is left alone, unless it was seen closed") {
  StageSite site;
  site.deposit("monenfant", "a.xml", "<a/>");
  const auto changed = Directory::open(site.in("arrivee/monenfant")).status("a.xml")->changed;
  site.claim_clock.set(changed + site.rules.stable_after - std::chrono::milliseconds(1));
  CHECK(site.claim().young == 1);
  CHECK(site.claim({{"monenfant/b.xml"}, {}}).claimed == 0);
  CHECK(site.claim({{"monenfant/a.xml"}, {}}).claimed == 1);
  site.deposit("monenfant", "b.xml", "<b/>");
  const auto later = Directory::open(site.in("arrivee/monenfant")).status("b.xml")->changed;
  site.claim_clock.set(later + site.rules.stable_after);
  // Its sender pauses, and holds it open: nobody saw it closed.
  CHECK(site.claim({{}, {"monenfant/b.xml"}}).young == 1);
  CHECK(site.claim().claimed == 1);
  site.deposit("monenfant", "c.xml", "<c/>");
  const auto last = Directory::open(site.in("arrivee/monenfant")).status("c.xml")->changed;
  site.claim_clock.set(last + site.rules.give_up_after);
  CHECK(site.claim({{}, {"monenfant/c.xml"}}).claimed == 1);
}

TEST_CASE("a deposit dated far in the future, by a clock that was wrong, is not waited for") {
  StageSite site;
  site.deposit("monenfant", "a.xml", "<a/>");
  site.claim_clock.set("2020-01-01T00:00:00Z");
  CHECK(site.claim().claimed == 1);
}

TEST_CASE("names of files being written are not looked at") {
  StageSite site;
  const Names ignored{".a.xml", "a.xml.filepart", "a.xml.part", "a.xml.tmp"};
  for (const auto& name : ignored) site.deposit("monenfant", name, "x");
  const auto report = site.claim({{"monenfant/.a.xml", "monenfant/a.xml.part"}, {}});
  CHECK(report.claimed == 0);
  CHECK(report.young == 0);
  CHECK(site.names("arrivee/monenfant") == ignored);
}

TEST_CASE("any name is taken: newline, 255 bytes, bytes that are no text, one that only looks like ours") {
  StageSite site;
  const Names names{"a\nb.xml", std::string(255, 'n'), "\xff\xfe.xml", "$(touch x).xml", "20261120T050000Z-00000000"};
  for (const auto& name : names) site.deposit("monenfant", name, "<a/>" + name);
  CHECK(site.claim().claimed == names.size());
  CHECK(site.names("arrivee/monenfant").empty());
  CHECK(site.names("travail/monenfant").size() == names.size());
  CHECK(site.number("SELECT count(*) FROM flux WHERE nom GLOB '*[' || char(1) || '-' || char(31) || ']*'") == 0);
  CHECK(site.number("SELECT count(*) FROM flux WHERE probleme IS NOT NULL") == 0);
}

TEST_CASE("what is no regular file is claimed and answered, never followed or read") {
  StageSite site;
  const auto from = site.in("arrivee/monenfant");
  std::filesystem::create_directories(from / "directory.xml");
  std::ofstream(from / "directory.xml" / "inner") << "x";
  std::filesystem::create_symlink("/etc/passwd", from / "link.xml");
  std::filesystem::create_symlink("nowhere", from / "broken.xml");
  REQUIRE(::mkfifo((from / "pipe.xml").c_str(), 0666) == 0);
  site.deposit("monenfant", "good.xml", "<a/>");
  CHECK(site.claim().claimed == 5);
  CHECK(site.number("SELECT count(*) FROM flux WHERE probleme = 'FICHIER_NON_REGULIER'") == 4);
  CHECK(site.number("SELECT count(*) FROM flux WHERE probleme IS NULL AND nom = 'good.xml'") == 1);
  site.intake();
  CHECK(site.answer() == 5);
  CHECK(site.names("travail/monenfant").empty());
  CHECK(std::filesystem::exists("/etc/passwd"));
  CHECK(site.claim().claimed == 0);
}

TEST_CASE("a file that its mode forbids us to read is claimed and answered; the others go on") {
  StageSite site;
  site.deposit("monenfant", "closed.xml", "<a/>");
  site.deposit("monenfant", "open.xml", "<a/>");
  ::chmod((site.in("arrivee/monenfant") / "closed.xml").c_str(), 0);
  if (::geteuid() == 0) {
    for (const char* d : {"", "arrivee", "arrivee/monenfant", "travail"}) {
      ::chmod(site.in(d).c_str(), 0777);
    }
    ::chmod(site.dir.path().c_str(), 0777);
    ::chmod((site.in("arrivee/monenfant") / "open.xml").c_str(), 0644);
    const AsNobody nobody;
    site.claim();
  } else {
    site.claim();
  }
  CHECK(site.number("SELECT count(*) FROM flux") == 2);
  CHECK(site.text("SELECT probleme FROM flux WHERE nom = 'closed.xml'") == "FICHIER_ILLISIBLE");
  CHECK(site.text("SELECT coalesce(probleme, 'none') FROM flux WHERE nom = 'open.xml'") == "none");
}

TEST_CASE("a sender's directory that we may not open holds up no other sender") {
  StageSite site;
  site.deposit("aaa", "a.xml", "<a/>");
  site.deposit("monenfant", "b.xml", "<b/>");
  const auto run = [&] {
    const auto report = site.claim();
    CHECK(report.failed == 1);
    CHECK(report.claimed == 1);
  };
  ::chmod(site.in("arrivee/aaa").c_str(), 0);
  if (::geteuid() == 0) {
    for (const char* d : {"", "arrivee", "arrivee/monenfant", "travail"}) ::chmod(site.in(d).c_str(), 0777);
    ::chmod(site.dir.path().c_str(), 0777);
    ::chmod((site.in("arrivee/monenfant") / "b.xml").c_str(), 0644);
    const AsNobody nobody;
    run();
  } else {
    run();
  }
  ::chmod(site.in("arrivee/aaa").c_str(), 0750);
}

TEST_CASE("too large a deposit is refused without being copied") {
  StageSite site;
  site.rules.max_bytes = 10;
  site.deposit("monenfant", "large.xml", "12345678901");
  site.deposit("monenfant", "fits.xml", "1234567890");
  CHECK(site.claim().claimed == 2);
  CHECK(site.text("SELECT probleme FROM flux WHERE nom = 'large.xml'") == "TAILLE_EXCESSIVE");
  CHECK(site.text("SELECT coalesce(probleme, 'none') FROM flux WHERE nom = 'fits.xml'") == "none");
}

TEST_CASE("the same name twice is two deposits") {
  StageSite site;
  site.deposit("monenfant", "a.xml", "<a/>");
  site.claim();
  site.deposit("monenfant", "a.xml", "<b/>");
  site.claim();
  CHECK(site.number("SELECT count(DISTINCT ticket) FROM flux WHERE nom = 'a.xml'") == 2);
}

TEST_CASE("what lies outside a sender's directory is left and reported; README.md is ours") {
  StageSite site;
  write_file(site.spool.arrivee, "README.md", "x");
  write_file(site.spool.arrivee, "stray.xml", "x");
  std::filesystem::create_directory(site.in("arrivee/Nobody!"));
  CHECK(site.claim().misplaced == 2);
  CHECK(site.names("arrivee") == Names{"Nobody!", "README.md", "stray.xml"});
}

TEST_CASE("more deposits than one batch are all claimed in one scan") {
  StageSite site;
  std::filesystem::create_directory(site.in("arrivee/monenfant"));
  for (int i = 0; i < 230; ++i) {
    std::ofstream(site.in("arrivee/monenfant") / ("f" + std::to_string(i) + ".xml")) << i;
  }
  CHECK(site.claim().claimed == 230);
}

TEST_CASE("crash after the rename: the next scan copies and records it, under its own name") {
  StageSite site;
  renamed(site, std::string(ticket) + ".a.b.xml", "<a/>");
  CHECK(site.claim().claimed == 1);
  CHECK(only_ticket(site) == ticket);
  CHECK(rows(site) == "a.b.xml ok");
}

TEST_CASE("crash in the middle of the copy: half a copy goes, the whole is made again") {
  StageSite site;
  renamed(site, std::string(ticket) + ".a.xml", "<a/>");
  renamed(site, "." + std::string(ticket) + ".tmp", "<");
  renamed(site, ".20261119T050000Z-00000000.over.tmp", "<");
  CHECK(site.claim().claimed == 1);
  CHECK(only_ticket(site) == ticket);
  CHECK(Directory::open(site.in("travail/monenfant")).read(ticket) == "<a/>");
}

TEST_CASE("crash between the copy and the row: recorded once, under its deposited name") {
  StageSite site;
  renamed(site, std::string(ticket) + ".a.xml", "<a/>");
  renamed(site, ticket, "<a/>");
  CHECK(site.claim().claimed == 1);
  CHECK(only_ticket(site) == ticket);
  CHECK(rows(site) == "a.xml ok");
}

TEST_CASE("crash between the row and the removal: the deposit goes, nothing is recorded twice, even once answered") {
  StageSite site;
  renamed(site, std::string(ticket) + ".a.xml", "<a/>");
  site.claim();
  renamed(site, std::string(ticket) + ".a.xml", "<a/>");
  CHECK(site.claim().claimed == 0);
  CHECK(only_ticket(site) == ticket);
  renamed(site, std::string(ticket) + ".a.xml", "<a/>");
  site.intake();
  site.answer();
  CHECK(site.claim().claimed == 0);
  CHECK(site.names("travail/monenfant").empty());
}

TEST_CASE("crash after the row of something that is no file: it stays until it is answered") {
  StageSite site;
  std::filesystem::create_directories(site.in("travail/monenfant") / (std::string(ticket) + ".d.xml"));
  CHECK(site.claim().claimed == 1);
  CHECK(site.claim().claimed == 0);
  CHECK(site.names("travail/monenfant") == Names{std::string(ticket) + ".d.xml"});
}

TEST_CASE("a stop leaves deposits where they are") {
  StageSite site;
  site.deposit("monenfant", "a.xml", "<a/>");
  site.stop.request_stop();
  site.claim();
  CHECK(site.number("SELECT count(*) FROM flux") == 0);
  CHECK(site.names("arrivee/monenfant").size() + site.names("travail/monenfant").size() == 1);
}

TEST_CASE("a round takes its share of each sender, whatever lies there of another") {
  StageSite site;
  site.rules.share = 100;
  for (int i = 0; i < 230; ++i) site.deposit("monenfant", "f" + std::to_string(i) + ".xml", "<a/>");
  site.deposit("zzz", "z.xml", "<z/>");
  const auto first = site.claim();
  CHECK(first.claimed == 101);
  CHECK(first.more);
  CHECK(site.names("arrivee/zzz").empty());
  CHECK(site.claim().more);
  const auto last = site.claim();
  CHECK(last.claimed == 30);
  CHECK_FALSE(last.more);
}

TEST_CASE("a share is bounded in bytes as well, and is one deposit at least") {
  StageSite site;
  site.rules.share_bytes = 10;
  for (const char* name : {"a.xml", "b.xml", "c.xml"}) site.deposit("monenfant", name, "123456789");
  site.deposit("zzz", "z.xml", "12345678901234567890");
  const auto first = site.claim();
  CHECK(first.claimed == 3);
  CHECK(first.more);
  CHECK(site.names("arrivee/monenfant") == Names{"c.xml"});
  CHECK(site.claim().claimed == 1);
}

TEST_CASE("the holes of a sparse deposit cost no disk in its copy") {
  StageSite site;
  site.deposit("monenfant", "sparse.xml", "<a>");
  const auto path = site.in("arrivee/monenfant") / "sparse.xml";
  std::filesystem::resize_file(path, std::uintmax_t{64} << 20U);
  std::ofstream(path, std::ios::app) << "</a>";
  struct stat of_deposit {};
  REQUIRE(::stat(path.c_str(), &of_deposit) == 0);
  const std::string bytes = test::slurp(path);
  CHECK(site.claim().claimed == 1);
  const auto copy = site.in("travail/monenfant") / only_ticket(site);
  struct stat of_copy {};
  REQUIRE(::stat(copy.c_str(), &of_copy) == 0);
  CHECK(test::slurp(copy) == bytes);
  CHECK(site.text("SELECT sha256 FROM flux") == crypto::sha256_hex(bytes));
  CHECK(of_copy.st_blocks <= of_deposit.st_blocks + 256);
}

TEST_CASE("a directory that is not ours to move is set aside and answered; its sender's files go on", "[root]") {
  if (::geteuid() != 0) {
    WARN("needs root: not tried");
    return;
  }
  StageSite site;
  site.deposit("monenfant", "good.xml", "<a/>");
  std::filesystem::create_directory(site.in("arrivee/monenfant/directory.xml"));
  for (const char* d : {"", "arrivee", "arrivee/monenfant", "travail"}) ::chmod(site.in(d).c_str(), 0777);
  ::chmod(site.dir.path().c_str(), 0777);
  ::chmod((site.in("arrivee/monenfant") / "good.xml").c_str(), 0644);
  {
    const AsNobody nobody;  // may write in arrivee/monenfant/, not into what root made there
    const auto report = site.claim();
    CHECK(report.claimed == 2);
    CHECK(report.failed == 0);
    CHECK(site.claim().claimed == 0);
  }
  CHECK(site.text("SELECT probleme FROM flux WHERE nom = 'directory.xml'") == "FICHIER_NON_REGULIER");
  const auto left = site.names("arrivee/monenfant");
  REQUIRE(left.size() == 1);
  CHECK(left[0] == ".refuse-" + site.text("SELECT ticket FROM flux WHERE nom = 'directory.xml'") + ".directory.xml");
  site.intake();
  CHECK(site.answer() == 2);
  CHECK(site.names("arrivee/monenfant") == left);
}

TEST_CASE("crash while something was set aside: the next scan answers it, once") {
  StageSite site;
  renamed(site, ".20261120T050000Z-0011aabbccdd.refus", "FICHIER_NON_REGULIER\n7\nd.xml");
  renamed(site, ".20261120T050000Z-0011aabbccde.refus", "half");
  CHECK(site.claim().claimed == 1);
  CHECK(rows(site) == "d.xml FICHIER_NON_REGULIER");
  CHECK(site.names("travail/monenfant").empty());
  site.claim();
  CHECK(site.number("SELECT count(*) FROM flux") == 1);
}

TEST_CASE("names of a sender's that look like ours are dot-files as any other, and hold nobody up") {
  StageSite site;
  const Names forged{".refuse-20260101T000000Z-000000000000.a", ".refuse-20260101T000000Z-000000000000.b"};
  for (const auto& name : forged) site.deposit("aaa", name, "x");
  site.deposit("aaa", ".20260101T000000Z-000000000000.refus", "FICHIER_ILLISIBLE\n1\nx");
  site.deposit("monenfant", "good.xml", "<a/>");
  CHECK(site.claim().claimed == 1);
  CHECK(rows(site) == "good.xml ok");
  CHECK(site.names("arrivee/aaa").size() == 3);
}

TEST_CASE("what our own travail/ refuses is no fault of the deposit's: it stays and is taken once mended", "[root]") {
  if (::geteuid() != 0) {
    WARN("needs root: not tried");
    return;
  }
  StageSite site;
  site.deposit("monenfant", "good.xml", "<a/>");
  site.spool.travail.make_dir("monenfant");
  for (const char* d : {"", "arrivee", "arrivee/monenfant", "travail"}) ::chmod(site.in(d).c_str(), 0777);
  ::chmod(site.dir.path().c_str(), 0777);
  ::chmod((site.in("arrivee/monenfant") / "good.xml").c_str(), 0644);
  ::chmod(site.in("travail/monenfant").c_str(), 0555);
  {
    const AsNobody nobody;
    const auto report = site.claim();
    CHECK(report.claimed == 0);
    REQUIRE(report.faults.size() == 1);
    CHECK_THAT(report.faults[0], Catch::StartsWith("arrivee/monenfant: ") && !Catch::Contains("good.xml"));
  }
  CHECK(site.names("arrivee/monenfant") == Names{"good.xml"});
  CHECK(site.number("SELECT count(*) FROM flux") == 0);
  ::chmod(site.in("travail/monenfant").c_str(), 0777);
  CHECK(site.claim().claimed == 1);
}

TEST_CASE("a claimed file that its sender never stops writing is refused in the end") {
  StageSite site;
  site.claim_clock.set("2026-11-20T05:05:00Z");
  renamed(site, std::string(ticket) + ".a.xml", "<a/>");
  const auto path = site.in("travail/monenfant") / (std::string(ticket) + ".a.xml");
  // Changes under the copy: a file of /proc would do as well, this one grows whenever it is read to its end.
  std::filesystem::resize_file(path, std::uintmax_t{64} << 20U);
  std::atomic<bool> ended = false;
  std::jthread writer([&] {
    while (!ended) std::ofstream(path, std::ios::app) << "x";
  });
  CHECK(site.claim().young == 1);
  CHECK(site.number("SELECT count(*) FROM flux") == 0);
  site.claim_clock.set("2026-11-20T05:11:00Z");
  site.claim();
  ended = true;
  CHECK(rows(site) == "a.xml FICHIER_ILLISIBLE");
}

TEST_CASE("a power cut that undid the removal of an answered flux: our copy goes with the next scan") {
  StageSite site;
  site.take_in("monenfant", test::slurp("tests/data/demandes/ok-minimale.xml"));
  renamed(site, site.text("SELECT ticket FROM flux"), "<a/>");
  site.claim();
  CHECK(site.names("travail/monenfant").empty());
}

TEST_CASE("arrivee/ on a file system of its own is claimed by copy; what cannot be copied is answered too", "[root]") {
  StageSite site;
  site.rules.max_bytes = 10;
  std::filesystem::create_directory(site.in("arrivee/monenfant"));
  const std::string where = site.in("arrivee/monenfant").string();
  if (::mount("tmpfs", where.c_str(), "tmpfs", 0, "size=1m,mode=0777") != 0) {
    WARN("not allowed to mount: not tried");
    return;
  }
  site.deposit("monenfant", "a.xml", "<a/>");
  site.deposit("monenfant", "closed.xml", "<a/>");
  site.deposit("monenfant", "large.xml", "12345678901");
  std::filesystem::create_symlink("/etc/passwd", site.in("arrivee/monenfant") / "link.xml");
  ::chmod((site.in("arrivee/monenfant") / "closed.xml").c_str(), 0);
  ::chmod((site.in("arrivee/monenfant") / "a.xml").c_str(), 0644);
  for (const char* d : {"", "arrivee", "travail"}) ::chmod(site.in(d).c_str(), 0777);
  ::chmod(site.dir.path().c_str(), 0777);
  stages::ClaimReport report;
  {
    const AsNobody nobody;
    report = site.claim();
    CHECK(site.claim().claimed == 0);
  }
  const auto left = site.names("arrivee/monenfant");
  ::umount2(where.c_str(), MNT_DETACH);
  CHECK(report.claimed == 4);
  CHECK(report.failed == 0);
  CHECK(left.size() == 3);
  CHECK(std::all_of(left.begin(), left.end(), [](const auto& name) { return name.starts_with(".refuse-"); }));
  CHECK(site.text("SELECT group_concat(nom || ' ' || coalesce(probleme, 'ok'), '; ') FROM (SELECT * FROM flux ORDER BY "
                  "nom)") ==
        "a.xml ok; closed.xml FICHIER_ILLISIBLE; large.xml TAILLE_EXCESSIVE; link.xml FICHIER_NON_REGULIER");
  CHECK(Directory::open(site.in("travail/monenfant")).read(only_ticket(site)) == "<a/>");
}
