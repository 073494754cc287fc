// What every FileSender promises (channels/file_sender.h), tried on each: the dépôt, plain and provisioned, SFTP to a
// real OpenSSH server under the profiles that partners have, and e-mail, by a real mail server and as files, opened as
// the lieu does.
#include <functional>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "channels/mail_directory.h"
#include "channels/sftp_sender.h"
#include "support/sshd.h"
#include "unit/channels/courriel_fixture.h"
#include "unit/channels/depot_fixture.h"
#include "unit/channels/provision_fixture.h"

using namespace navette;
using namespace std::chrono_literals;
using model::Delivered;
using model::Outcome;
using model::Refused;
using model::Retry;
namespace fs = std::filesystem;

namespace {

// One kind of channel, and where its files come to lie.
struct Place {
  std::unique_ptr<channels::FileSender> sender;
  std::function<fs::path(const std::string& file)> path;  // of a file of the remise, at the lieu
  fs::path root;                                          // nothing else may lie below
  fs::path returns{};                                     // what the lieu sends back; empty: by no such way
  bool sees_what_is_gone = false;                         // a lieu may remove its documents, and navette look
  bool has_hours = false;
};

// A partner's server: what it can do, and the profile that says so.
struct Partner {
  const char* name;
  const char* subsystem;
  bool rename;
  bool overwrite;
  bool make_directory;
  bool check_size = true;
};
const Partner partners[] = {{"a directory a remise", "internal-sftp", true, false, true},
                            {"all in one directory", "internal-sftp", true, false, false},
                            {"replacing", "internal-sftp", true, true, true},
                            {"without extensions", "internal-sftp -P fsync,posix-rename,statvfs", true, true, true},
                            {"without rename", "internal-sftp -P rename,posix-rename", false, false, true},
                            {"sizes not looked at", "internal-sftp", true, false, true, false}};

class World {
 public:
  // What encrypts a remise as one PDF reads the pages of its files.
  World() : depot(dir.path(), test::small_pdf(200000)) {}

  // Each call is as another process would begin.
  Place plain_depot() const {
    const fs::path remises = depot.root / "rpe-firminy/remises";
    return {std::make_unique<channels::DepotSender>(depot.root, channels::DepotSender::Missing::create_plain),
            [=](const std::string& file) { return remises / "R1" / file; }, remises, depot.root / "rpe-firminy/retour",
            true};
  }
  // As `lieux provision` makes it; takes root.
  Place provisioned_depot() {
    if (!srv) srv = std::make_unique<test::RootOwnedDir>();
    channels::provision_depot(test::plan_for(srv->path()), depot.remise().lieu);
    const fs::path remises = srv->path() / "rpe-firminy/remises";
    return {std::make_unique<channels::DepotSender>(srv->path(), channels::DepotSender::Missing::retry),
            [=](const std::string& file) { return remises / "R1" / file; }, remises,
            srv->path() / "rpe-firminy/retour"};
  }
  Place sftp(const test::Sshd& sshd, const Partner& partner) const { return sftp(sshd, partner, proof); }
  Place sftp(const test::Sshd& sshd, const Partner& partner, model::PickupProof proven_by,
             std::stop_token stop = {}) const {
    const fs::path there = dir / "partner";
    fs::create_directories(there);
    fs::create_directories(dir / "credentials");
    dir.put("credentials/cle", sshd.dir.get("client"));
    fs::permissions(dir / "credentials/cle", fs::perms::owner_read);
    model::SftpProfile p;
    p.host = "127.0.0.1";
    p.port = sshd.port();
    p.user = test::Sshd::user();
    p.credential = "cle";
    p.fingerprint = sshd.fingerprint();
    p.directory = there.string();
    p.temporary_suffix = ".part";
    p.rename = partner.rename;
    p.overwrite = partner.overwrite;
    p.make_directory = partner.make_directory;
    p.check_size = partner.check_size;
    p.proof = proven_by;
    p.window = window;
    if (sends_back) {
      fs::create_directories(dir / "retour");
      p.return_directory = (dir / "retour").string();
    }
    const bool flat = !partner.make_directory;
    return {std::make_unique<channels::SftpSender>(p, credentials, 5s, std::move(stop)),
            [=](const std::string& file) {
              if (!flat) return there / "R1" / file;
              return there / (file == "remise.xml" ? "R1_" + file : file);
            },
            there,
            sends_back ? dir / "retour" : fs::path(),
            proven_by == model::PickupProof::disappearance,
            window.has_value()};
  }

  // What came by mail is opened when it is asked for, once. No `server`: the mail is a file.
  Place courriel(model::Protection protection, const test::Smtpd* server = nullptr) {
    const fs::path there = dir / "ouvert";
    fs::create_directories(there);
    const fs::path eml = server != nullptr ? server->dir / "mails/1.eml" : dir / "courriels/R1-contenu.eml";
    if (!mail && server != nullptr) {
      mail = std::make_unique<channels::SmtpSender>(
          channels::SmtpSettings{"127.0.0.1", server->port(), curl::Tls::starttls, server->certificate(), "", ""},
          credentials, 10s);
    } else if (!mail) {
      fs::create_directories(dir / "courriels");
      mail = std::make_unique<channels::MailDirectory>(dir / "courriels");
    }
    if (!keys) keys = std::make_unique<test::Keys>(dir.path(), protection);
    clock.set(SystemClock().now() + 1h);  // the certificate is made now
    const channels::CourrielTools tools{*mail, credentials, clock, "navette@caf.example.org", test::Box::short_text};
    return {std::make_unique<channels::CourrielSender>(
                model::CourrielProfile{"rpe@example.org", protection, "cle-rpe-pdf", 10U << 20U}, tools),
            [=, this](const std::string& file) {
              if (fs::exists(eml) && !fs::exists(there / file)) {
                std::ifstream in(eml, std::ios::binary);
                const std::string bytes{std::istreambuf_iterator<char>(in), {}};
                dir.put("ouvert/" + file, keys->opened(bytes, file));
              }
              return there / file;
            },
            there};
  }

  test::TempDir dir;
  test::Depot depot;
  channels::Credentials credentials{dir / "credentials"};
  // What partners' profiles say.
  model::PickupProof proof = model::PickupProof::none;
  bool sends_back = false;
  std::optional<model::SendingWindow> window;

 private:
  std::unique_ptr<test::RootOwnedDir> srv;
  std::unique_ptr<test::Keys> keys;  // of the lieu that gets mails
  test::FakeClock clock{"2026-11-25T12:00:00Z"};
  std::unique_ptr<channels::MailSender> mail;
};

void put(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> files_below(const fs::path& root) {
  std::vector<fs::path> out;
  if (!fs::exists(root)) return out;
  for (const auto& e : fs::recursive_directory_iterator(root)) {
    if (e.is_regular_file()) out.push_back(e.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool is_delivered(const Outcome& outcome) {
  if (const auto* r = std::get_if<Refused>(&outcome)) WARN(r->code + ": " + r->reason);
  if (const auto* r = std::get_if<Retry>(&outcome)) WARN(r->reason);
  return std::holds_alternative<Delivered>(outcome);
}

// Before an attempt wrote anything.
channels::RemiseToSend untried(const World& world) {
  auto remise = world.depot.remise();
  remise.nothing_there = true;
  return remise;
}

std::string refused(const Outcome& outcome) {
  const auto* r = std::get_if<Refused>(&outcome);
  return r == nullptr ? "not refused" : r->code;
}

void check_whole(const World& world, const Place& place) {
  std::vector<fs::path> expected;
  for (const auto& f : world.depot.files) {
    expected.push_back(place.path(f.name));
    CHECK(content(place.path(f.name)) == world.depot.source.read(f.name));
  }
  std::sort(expected.begin(), expected.end());
  CHECK(files_below(place.root) == expected);
}

// Calls `work` with a world of its own for every kind of place; `make` makes another sender to it.
using Work = std::function<void(const World&, const std::function<Place()>& make, bool overwrites)>;
struct Scope {
  // Only where something of another's may stand under a name of ours, as it cannot in a box for mails.
  bool by_name = false;
  std::function<void(World&)> prepare = [](World&) {};
};

void for_each_place(const Work& work, const Scope& scope = {}) {
  const auto in = [&](World& world, const std::function<Place()>& make, bool overwrites) {
    scope.prepare(world);
    work(world, make, overwrites);
  };
  if (!scope.by_name) {
    for (const auto protection : {model::Protection::smime, model::Protection::pdf}) {
      SECTION(protection == model::Protection::smime ? "courriel, S/MIME" : "courriel, PDF") {
        const test::Smtpd server;
        World world;
        in(
            world, [&] { return world.courriel(protection, &server); }, false);
        CHECK_FALSE(server.has(2));
      }
    }
    SECTION("courriel, as a file") {
      World world;
      in(
          world, [&] { return world.courriel(model::Protection::smime); }, false);
    }
  }
  SECTION("dépôt") {
    World world;
    in(
        world, [&] { return world.plain_depot(); }, false);
  }
  SECTION("dépôt, provisioned") {
    if (!test::is_root()) return;
    World world;
    in(
        world, [&] { return world.provisioned_depot(); }, false);
  }
  for (const Partner& partner : partners) {
    SECTION(partner.name) {
      const test::Sshd sshd({{"ed25519"}, partner.subsystem, ""});
      World world;
      in(
          world, [&] { return world.sftp(sshd, partner); }, partner.overwrite);
    }
  }
}

channels::RemiseThere there(const World& world) {
  return {"R1", "rpe-firminy", {world.depot.files[0], world.depot.files[1]}};
}

using Indices = std::vector<std::size_t>;
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("contract: a remise arrives whole, once, and again is the same") {
  for_each_place([](const World& world, const auto& make, bool) {
    const Place place = make();
    CHECK_FALSE(place.sender->look(world.depot.remise()));
    REQUIRE(is_delivered(place.sender->send(world.depot.remise())));
    check_whole(world, place);
    CHECK(place.sender->look(world.depot.remise()));
    const auto written = fs::last_write_time(place.path("DI_monenfant_A1.pdf"));
    CHECK(is_delivered(make().sender->send(world.depot.remise())));
    check_whole(world, place);
    CHECK(fs::last_write_time(place.path("DI_monenfant_A1.pdf")) == written);
    CHECK_THAT(place.sender->describe_place("R1"), Catch::StartsWith("dépôt SFTP") ||
                                                       Catch::StartsWith("serveur SFTP") ||
                                                       Catch::StartsWith("boîte des remises"));
  });
}

TEST_CASE("contract: bytes that are not those announced are shown to nobody") {
  for_each_place([](const World& world, const auto& make, bool) {
    auto remise = world.depot.remise();
    remise.files[0].sha256 = std::string(64, '0');
    const Place place = make();
    CHECK(refused(place.sender->send(remise)) == "source-alteree");
    CHECK_FALSE(fs::exists(place.path("DI_monenfant_A1.pdf")));
    CHECK_FALSE(fs::exists(place.path("remise.xml")));
    CHECK(is_delivered(place.sender->send(world.depot.remise())));
    check_whole(world, place);
  });
}

TEST_CASE("contract: what stands there under the same name is not replaced unless the partner allows it") {
  for_each_place(
      [](const World& world, const auto& make, bool overwrites) {
        const Place place = make();
        put(place.path("remise.xml"), "of another");
        put(place.path("DI_monenfant_A1.xml"), "of another");
        const auto remise = untried(world);
        if (overwrites) {
          CHECK(is_delivered(place.sender->send(remise)));
          check_whole(world, place);
        } else {
          CHECK(refused(place.sender->send(remise)) == "remise-differente");
          CHECK(content(place.path("remise.xml")) == "of another");
          CHECK(content(place.path("DI_monenfant_A1.xml")) == "of another");
        }
      },
      {.by_name = true});
}

TEST_CASE("contract: names that are no file names go nowhere") {
  for_each_place([](const World& world, const auto& make, bool) {
    for (const char* name : {"../x", "a/b", "", ".hidden"}) {
      auto remise = world.depot.remise();
      remise.files[0].name = name;
      CHECK(refused(make().sender->send(remise)) == "nom-invalide");
    }
    CHECK(files_below(make().root).empty());
  });
}

TEST_CASE("contract: what an attempt left of a remise that will not leave any more is removed") {
  for_each_place([](const World& world, const auto& make, bool) {
    auto broken = world.depot.remise();
    broken.files[1].sha256 = std::string(64, '0');
    const Place place = make();
    CHECK(refused(place.sender->send(broken)) == "source-alteree");
    CHECK_FALSE(place.sender->look(world.depot.remise()));
    place.sender->forget(world.depot.remise());
    CHECK(files_below(place.root).empty());
  });
}

TEST_CASE("a file that was cut short under its final name is removed as well") {
  const Partner& partner = partners[4];
  REQUIRE_FALSE(partner.rename);
  const test::Sshd sshd({{"ed25519"}, partner.subsystem, ""});
  const World world;
  const Place place = world.sftp(sshd, partner);
  put(place.path("DI_monenfant_A1.pdf"), std::string(1000, 'p'));
  put(place.path("remise.xml"), "");
  place.sender->forget(world.depot.remise());
  CHECK(files_below(place.root).empty());
}

TEST_CASE("contract: what is withdrawn is gone, whole or in part, and what is not ours stays") {
  for_each_place(
      [](const World& world, const auto& make, bool) {
        const Place place = make();
        REQUIRE(is_delivered(place.sender->send(world.depot.remise())));
        fs::remove(place.path("DI_monenfant_A1.xml"));   // the lieu has begun to fetch
        put(place.path("DI_monenfant_A1.pdf"), "%PDF");  // cut short, or damaged
        put(place.root / "du-lieu.txt", "of the lieu");
        auto delivered = world.depot.remise();
        for (const auto& f : delivered.files) delivered.arrived.insert(f.name);
        CHECK(is_delivered(make().sender->withdraw(delivered)));
        CHECK(files_below(place.root) == std::vector<fs::path>{place.root / "du-lieu.txt"});
        CHECK(is_delivered(make().sender->withdraw(delivered)));
        CHECK_FALSE(place.sender->look(world.depot.remise()));
      },
      {.by_name = true});
}

TEST_CASE(
    "of a remise that did not arrive, what an attempt may have left goes; what another put under its names stays") {
  const auto [rename, arrived] = GENERATE(std::pair{true, false}, std::pair{true, true}, std::pair{false, false});
  const test::Sshd sshd({{"ed25519"}, rename ? "internal-sftp" : "internal-sftp -P rename,posix-rename", ""});
  const World world;
  const Place place = world.sftp(sshd, {"flat", "", rename, false, false});
  const fs::path pdf = place.path("DI_monenfant_A1.pdf");
  const std::string larger(world.depot.files[0].size + 1, 'x');
  put(place.path("DI_monenfant_A1.xml"), world.depot.source.read("DI_monenfant_A1.xml"));
  put(rename ? place.path("remise.xml").string() + ".part" : place.path("remise.xml").string(), "<rem");
  put(pdf, larger);
  auto remise = world.depot.remise();
  if (arrived) remise.arrived = {"DI_monenfant_A1.pdf"};  // and was changed since
  const bool forgets = GENERATE(true, false);
  if (forgets) {
    place.sender->forget(remise);
  } else {
    const Outcome outcome = place.sender->withdraw(remise);
    REQUIRE(is_delivered(outcome));
    CHECK_THAT(std::get<Delivered>(outcome).facts,
               Catch::Contains(fmt::format(" {} of 3 files removed", (rename ? 1 : 2) + (arrived ? 1 : 0))));
    CHECK((std::get<Delivered>(outcome).facts.find("1 that navette did not write stays") == std::string::npos) ==
          arrived);
  }
  CHECK(files_below(place.root) == (arrived ? std::vector<fs::path>{} : std::vector<fs::path>{pdf}));
  if (!arrived) CHECK(content(pdf) == larger);
}

TEST_CASE("contract: what is gone from its place, whole, was picked up; where nothing can be gone nothing is told") {
  const auto proof = GENERATE(model::PickupProof::disappearance, model::PickupProof::none);
  for_each_place(
      [&](const World& world, const auto& make, bool) {
        const Place place = make();
        REQUIRE(is_delivered(place.sender->send(world.depot.remise())));
        channels::RemiseThere gone = there(world);  // an earlier one, whose documents had other names
        gone.remise = "R0";
        gone.documents.erase(gone.documents.begin());
        gone.documents[0].name = "DI_monenfant_B1.xml";
        CHECK(place.sender->picked_up({}).empty());
        CHECK(place.sender->picked_up({there(world)}).empty());
        CHECK(place.sender->picked_up({there(world), gone}) == (place.sees_what_is_gone ? Indices{1} : Indices{}));
        if (place.sees_what_is_gone) CHECK(place.sender->tells_pickups());
        fs::remove(place.path("DI_monenfant_A1.pdf"));  // of a mail: the lieu's copy, which nobody sees
        CHECK(make().sender->picked_up({there(world)}).empty());
        fs::remove(place.path("DI_monenfant_A1.xml"));
        CHECK(fs::exists(place.path("remise.xml")));
        CHECK(place.sender->picked_up({gone, there(world)}) == (place.sees_what_is_gone ? Indices{0, 1} : Indices{}));
        // A place that is not there tells nothing.
        fs::rename(place.root, place.root.string() + "-ailleurs");
        CHECK(place.sender->picked_up({gone, there(world)}).empty());
      },
      {.prepare = [&](World& world) { world.proof = proof; }});
}

TEST_CASE("contract: what the lieu sends back is brought whole, once, and removed where it lay; all else stays") {
  for_each_place(
      [](const World& world, const auto& make, bool) {
        const Place place = make();
        REQUIRE(is_delivered(place.sender->send(world.depot.remise())));
        const Directory arrivee = Directory::create(world.dir / "arrivee");
        channels::Collecting collecting{arrivee, "rpe-firminy", 1ms};
        collecting.is_ignored = [](const std::string& name) { return name.ends_with(".tmp.xml"); };
        const fs::path here = world.dir / "arrivee/rpe-firminy/recu.xml";
        const std::string first = "<retrait>" + std::string(100000, '1') + "</retrait>";
        const auto collected = [&] {
          std::this_thread::sleep_for(5ms);  // what lies there has not changed for `stable_after`
          return make().sender->collect(collecting);
        };
        if (place.returns.empty()) {
          put(world.dir / "retour/recu.xml", first);  // nobody was told of that
          CHECK(collected().names.empty());
          CHECK(files_below(world.dir / "arrivee").empty());
          CHECK(content(world.dir / "retour/recu.xml") == first);
          return;
        }
        CHECK(place.sender->tells_pickups());
        CHECK(collected().names.empty());
        CHECK(collected().faults.empty());
        const char* const strangers[] = {"recu.xml.part",    ".cache.xml",       "note.txt",      "DI_monenfant_A1.xml",
                                         "BORDEREAU_R1.xml", "R1_manifeste.xml", "moitie.tmp.xml"};
        for (const char* name : strangers) put(place.returns / name, name);
        put(place.returns / "recu.xml", first);
        CHECK(collected().names == Names{"recu.xml"});
        CHECK(content(here) == first);
        CHECK_FALSE(fs::exists(place.returns / "recu.xml"));
        CHECK(collected().names.empty());  // no second time

        // Another of that name waits until the first was taken.
        put(place.returns / "recu.xml", "<retrait>2</retrait>");
        CHECK(collected().names.empty());
        CHECK(content(here) == first);
        CHECK(content(place.returns / "recu.xml") == "<retrait>2</retrait>");
        fs::remove(here);
        CHECK(collected().names == Names{"recu.xml"});
        CHECK(content(here) == "<retrait>2</retrait>");
        CHECK_FALSE(fs::exists(place.returns / "recu.xml"));

        // R9: its sender chose the name.
        collecting.max_bytes = 10;
        put(place.returns / "zqnom.xml", "<retrait>3</retrait>");
        fs::create_directories(place.returns / "zqprenom.xml");
        put(world.dir / "ailleurs.xml", "<x/>");
        fs::create_symlink(world.dir / "ailleurs.xml", place.returns / "zqlien.xml");
        const channels::Collected unfit = collected();
        CHECK(unfit.names.empty());
        REQUIRE(unfit.faults.size() == 1);
        CHECK_THAT(unfit.faults[0], Catch::StartsWith("3 entries") && !Catch::Contains("zq"));
        CHECK(content(place.returns / "zqnom.xml") == "<retrait>3</retrait>");
        CHECK(fs::exists(place.returns / "zqlien.xml"));
        for (const char* name : strangers) CHECK(content(place.returns / name) == name);
        CHECK(files_below(world.dir / "arrivee") == std::vector<fs::path>{here});
      },
      {.prepare = [](World& world) { world.sends_back = true; }});
}

TEST_CASE("contract: only as many are brought at a time as were asked for, and none is left behind") {
  for_each_place(
      [](const World& world, const auto& make, bool) {
        const Place place = make();
        REQUIRE(is_delivered(place.sender->send(world.depot.remise())));
        if (place.returns.empty()) return;
        const Directory arrivee = Directory::create(world.dir / "arrivee");
        channels::Collecting collecting{arrivee, "rpe-firminy", 1ms};
        collecting.most = 2;
        for (int n = 1; n <= 5; ++n) put(place.returns / fmt::format("r{}.xml", n), fmt::format("<r>{}</r>", n));
        std::vector<std::size_t> counts;
        for (int look = 0; look < 4; ++look) {
          std::this_thread::sleep_for(5ms);
          counts.push_back(place.sender->collect(collecting).names.size());
        }
        CHECK(counts == std::vector<std::size_t>{2, 2, 1, 0});
        CHECK(files_below(place.returns).empty());
        for (int n = 1; n <= 5; ++n)
          CHECK(content(world.dir / fmt::format("arrivee/rpe-firminy/r{}.xml", n)) == fmt::format("<r>{}</r>", n));
      },
      {.prepare = [](World& world) { world.sends_back = true; }});
}

TEST_CASE("contract: who has hours says when they begin, and they have begun then; others are open at any time") {
  const bool at_night = GENERATE(true, false);
  for_each_place(
      [&](const World&, const auto& make, bool) {
        const Place place = make();
        const auto opens_at = [&](const char* utc) { return place.sender->opens_at(test::at(utc)); };
        const auto evening = test::at("2026-11-25T20:00:00Z");  // 21:00 in Paris
        for (const char* closed : {"2026-11-25T05:00:00Z", "2026-11-25T11:00:00Z", "2026-11-25T19:59:59Z"})
          CHECK(opens_at(closed) == (place.has_hours ? std::optional(evening) : std::nullopt));
        CHECK_FALSE(place.sender->opens_at(evening));
        for (const char* open : {"2026-11-25T04:59:59Z", "2026-11-25T22:30:00Z", "2026-11-25T23:30:00Z"})
          CHECK_FALSE(opens_at(open));
      },
      {.prepare = [&](World& world) {
        if (at_night) world.window = model::SendingWindow{21h, 6h};
      }});
}

TEST_CASE("a lieu that sends nothing back, and whose documents prove nothing, is not looked at") {
  const test::Sshd sshd;
  World world;
  CHECK_FALSE(world.sftp(sshd, partners[0]).sender->tells_pickups());
  world.sends_back = true;
  CHECK(world.sftp(sshd, partners[0]).sender->tells_pickups());
}

TEST_CASE("a partner that is gone tells neither what was picked up nor what it sends back") {
  test::Sshd sshd;
  World world;
  world.proof = model::PickupProof::disappearance;
  world.sends_back = true;
  REQUIRE(is_delivered(world.sftp(sshd, partners[0]).sender->send(world.depot.remise())));
  const Place place = world.sftp(sshd, partners[0]);
  const Directory arrivee = Directory::create(world.dir / "arrivee");
  put(place.returns / "recu.xml", "<retrait/>");
  fs::remove_all(place.root / "R1");
  sshd.stop();
  CHECK_THROWS_AS(place.sender->picked_up({there(world)}), Error);
  CHECK_THROWS_AS(place.sender->collect({arrivee, "rpe-firminy", 1ms}), Error);
  CHECK(files_below(world.dir / "arrivee").empty());
  sshd.start();
  CHECK(place.sender->picked_up({there(world)}) == Indices{0});
  CHECK(place.sender->collect({arrivee, "rpe-firminy", 1ms}).names == Names{"recu.xml"});
}

TEST_CASE("contract: a mail that was sent cannot be withdrawn, and the lieu must be asked") {
  World world;
  const Place place = world.courriel(model::Protection::smime);
  REQUIRE(is_delivered(place.sender->send(world.depot.remise())));
  const Outcome outcome = place.sender->withdraw(world.depot.remise());
  REQUIRE(std::holds_alternative<Refused>(outcome));
  CHECK(std::get<Refused>(outcome).scope == model::Scope::remise);
  CHECK_THAT(std::get<Refused>(outcome).reason, Catch::Contains("cannot be taken back: ask the lieu"));
  check_whole(world, place);
}

TEST_CASE("R15: a remise issued again among its former files replaces them, whatever the profile says of others") {
  const test::Sshd sshd;
  const World world;
  const Place place = world.sftp(sshd, partners[1]);
  REQUIRE(is_delivered(place.sender->send(world.depot.remise())));
  const std::string intact = content(place.path("DI_monenfant_A1.pdf"));
  put(place.path("DI_monenfant_A1.pdf"), std::string(intact.size(), 'x'));  // damaged: the same size
  auto again = world.depot.remise();
  again.remise = "R2";
  again.reissue_of = "rpe-a-20261121-1";
  REQUIRE(is_delivered(place.sender->send(again)));
  CHECK(content(place.path("DI_monenfant_A1.pdf")) == intact);
  CHECK(fs::exists(place.root / "R2_remise.xml"));
  // Its answer was lost: what is there since is not sent a third time.
  put(place.path("DI_monenfant_A1.pdf"), "changed by the lieu");
  REQUIRE(is_delivered(place.sender->send(again)));
  CHECK(content(place.path("DI_monenfant_A1.pdf")) == "changed by the lieu");
}

TEST_CASE("an attempt over SFTP that was cut short is completed, and nothing is sent twice") {
  for (const Partner& partner : partners) {
    SECTION(partner.name) {
      const test::Sshd sshd({{"ed25519"}, partner.subsystem, ""});
      const World world;
      const Place place = world.sftp(sshd, partner);
      // One file is there, of another the temporary one (where there is no rename: half of it under its final name).
      put(place.path("DI_monenfant_A1.xml"), world.depot.source.read("DI_monenfant_A1.xml"));
      const auto half = place.path("DI_monenfant_A1.pdf").string() + (partner.rename ? ".part" : "");
      put(half, std::string(1000, 'p'));
      const auto written = fs::last_write_time(place.path("DI_monenfant_A1.xml"));
      auto remise = world.depot.remise();
      REQUIRE(is_delivered(place.sender->send(remise)));
      check_whole(world, place);
      CHECK(fs::last_write_time(place.path("DI_monenfant_A1.xml")) == written);
    }
  }
}

TEST_CASE(
    "what an earlier attempt confirmed and has since gone was picked up where that proves it, else it is sent again") {
  const test::Sshd sshd;
  const World world;
  const auto proof = GENERATE(model::PickupProof::disappearance, model::PickupProof::none, model::PickupProof::flux);
  const bool taken = proof == model::PickupProof::disappearance;
  const Place place = world.sftp(sshd, partners[0], proof);
  auto remise = world.depot.remise();
  remise.arrived = {"DI_monenfant_A1.pdf"};
  REQUIRE(is_delivered(place.sender->send(remise)));
  CHECK(fs::exists(place.path("DI_monenfant_A1.pdf")) != taken);
  CHECK(fs::exists(place.path("remise.xml")));
}

TEST_CASE("what is to be cleared is not taken for picked up, however far the clearing gets") {
  test::Sshd sshd;
  const World world;
  Place place = world.sftp(sshd, partners[0], model::PickupProof::disappearance);
  const Directory& source = world.depot.source;
  write_file(source, "sftp.arrive", "");  // all documents were there: killed, or cut off, at the manifest
  SECTION("nothing is cleared: what is gone was picked up") {
    REQUIRE(is_delivered(place.sender->send(world.depot.remise())));
    CHECK_FALSE(fs::exists(place.path("DI_monenfant_A1.pdf")));
  }
  SECTION("the partner cannot be reached") {
    sshd.stop();
    CHECK_THROWS_AS(place.sender->forget(world.depot.remise()), channels::CannotTell);
    sshd.start();
    REQUIRE(is_delivered(place.sender->send(world.depot.remise())));
    CHECK(fs::exists(place.path("DI_monenfant_A1.pdf")));
  }
}

TEST_CASE("an attempt that found nobody tells that it left nothing; one that began does not") {
  test::Sshd sshd;
  const World world;
  Place place = world.sftp(sshd, partners[0]);
  sshd.stop();
  CHECK(std::get<Retry>(place.sender->send(world.depot.remise())).left_nothing);
  CHECK_THROWS_AS(place.sender->look(world.depot.remise()), channels::CannotTell);
  CHECK_THROWS_AS(place.sender->forget(world.depot.remise()), channels::CannotTell);
  sshd.start();
  put(place.path("DI_monenfant_A1.pdf"), "another's");
  CHECK_FALSE(std::get<Refused>(place.sender->send(untried(world))).left_nothing);  // a directory
  fs::remove_all(place.root);
  place = world.sftp(sshd, partners[1]);
  put(place.path("DI_monenfant_A1.pdf"), "another's");
  CHECK(std::get<Refused>(place.sender->send(untried(world))).left_nothing);
  fs::remove(place.path("DI_monenfant_A1.pdf"));
  auto broken = untried(world);
  broken.files[1].sha256 = std::string(64, '0');
  CHECK_FALSE(std::get<Refused>(place.sender->send(broken)).left_nothing);
}

TEST_CASE("an attempt that a stop ends before it wrote anything tells that") {
  const test::Sshd sshd;
  const World world;
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(
      world.sftp(sshd, partners[1], model::PickupProof::none, stop.get_token()).sender->send(untried(world)),
      channels::NothingSent);
}

TEST_CASE("the manifest gets its name at the server when all others have theirs") {
  const test::TempDir traces;
  const std::string trace = (traces / "calls").string();
  const test::Sshd sshd(
      {{"ed25519"}, "/usr/bin/strace -e trace=link,rename -o " + trace + " /usr/lib/openssh/sftp-server", ""});
  const World world;
  const Place place = world.sftp(sshd, partners[1]);
  REQUIRE(is_delivered(place.sender->send(world.depot.remise())));
  REQUIRE(place.sender->look(world.depot.remise()));  // answered: what came before is in the trace
  std::ifstream in(trace);
  std::vector<std::string> names;
  for (std::string line; std::getline(in, line);) {
    if (line.find(".part") != std::string::npos) names.push_back(line);
  }
  REQUIRE(names.size() == 3);
  CHECK_THAT(names.back(), Catch::Contains("R1_remise.xml.part"));
}

TEST_CASE("what stands there before the first attempt is another's, whatever its size") {
  const test::Sshd sshd;
  const World world;
  for (const Partner& partner : {partners[0], partners[1], partners[4]}) {
    const Place place = world.sftp(sshd, partner);
    const fs::path path = place.path("DI_monenfant_A1.pdf");
    put(path, std::string(world.depot.files[0].size, 'x'));
    CHECK(refused(place.sender->send(untried(world))) == "remise-differente");
    CHECK(content(path) == std::string(world.depot.files[0].size, 'x'));
    CHECK_FALSE(fs::exists(place.path("remise.xml")));
    fs::remove_all(place.path("remise.xml").parent_path());
    fs::create_directories(place.root);
  }
}

TEST_CASE("a file larger than ours is another's, where an attempt that was cut short leaves less") {
  const Partner& partner = partners[4];
  REQUIRE_FALSE(partner.rename);
  const test::Sshd sshd({{"ed25519"}, partner.subsystem, ""});
  const World world;
  const Place place = world.sftp(sshd, partner);
  const std::string larger(world.depot.files[0].size + 1, 'x');
  put(place.path("DI_monenfant_A1.pdf"), larger);
  auto remise = world.depot.remise();
  CHECK(refused(place.sender->send(remise)) == "remise-differente");
  CHECK(content(place.path("DI_monenfant_A1.pdf")) == larger);
  CHECK_FALSE(fs::exists(place.path("remise.xml")));
  place.sender->forget(remise);
  CHECK(files_below(place.root) == std::vector<fs::path>{place.path("DI_monenfant_A1.pdf")});
}

TEST_CASE("where somebody of the partner's put a link, nothing goes through it") {
  const test::Sshd sshd;
  const World world;
  put(world.dir / "ailleurs/victime", "as it was");
  SECTION("in the place of a temporary file: removed") {
    const Place place = world.sftp(sshd, partners[1]);
    fs::create_symlink(world.dir / "ailleurs/victime", place.root / "DI_monenfant_A1.pdf.part");
    REQUIRE(is_delivered(place.sender->send(world.depot.remise())));
    check_whole(world, place);
  }
  SECTION("in the place of the remise's directory") {
    const Place place = world.sftp(sshd, partners[0]);
    fs::create_symlink(world.dir / "ailleurs", place.root / "R1");
    CHECK_FALSE(std::holds_alternative<Delivered>(place.sender->send(world.depot.remise())));
  }
  CHECK(content(world.dir / "ailleurs/victime") == "as it was");
  CHECK(files_below(world.dir / "ailleurs").size() == 1);
}

TEST_CASE("a server that tells no size, under a profile that says so, gets each file once") {
  const test::Sshd sshd({{"ed25519"}, "internal-sftp -P fstat,stat,lstat", ""});
  const World world;
  const Place place = world.sftp(sshd, {"", "", true, true, true, false});
  REQUIRE(is_delivered(place.sender->send(untried(world))));
  check_whole(world, place);
}

TEST_CASE("once the manifest is there nothing is sent again of what the lieu has taken since") {
  for (const Partner& partner : partners) {
    SECTION(partner.name) {
      const test::Sshd sshd({{"ed25519"}, partner.subsystem, ""});
      const World world;
      const Place place = world.sftp(sshd, partner);
      auto remise = world.depot.remise();
      REQUIRE(is_delivered(place.sender->send(remise)));
      fs::remove(place.path("DI_monenfant_A1.pdf"));
      REQUIRE(is_delivered(place.sender->send(remise)));
      CHECK_FALSE(fs::exists(place.path("DI_monenfant_A1.pdf")));
    }
  }
}

TEST_CASE("what goes while an attempt completes another is not taken for delivered") {
  const test::Sshd sshd;
  World world;
  const Place place = world.sftp(sshd, partners[0]);
  world.depot.files.insert(world.depot.files.begin(),
                           test::put_once(world.depot.source, "DI_monenfant_A0.pdf", model::FileKind::pdf,
                                          std::string(std::size_t{40} << 20U, 'p')));
  put(place.path("DI_monenfant_A1.xml"), world.depot.source.read("DI_monenfant_A1.xml"));
  auto remise = world.depot.remise();
  // A removal that a former connection had asked for.
  const std::jthread former([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && !fs::exists(place.path("DI_monenfant_A0.pdf.part")))
      std::this_thread::sleep_for(1ms);
    fs::remove(place.path("DI_monenfant_A1.xml"));
  });
  const Outcome outcome = place.sender->send(remise);
  const auto* retry = std::get_if<Retry>(&outcome);
  REQUIRE(retry != nullptr);
  CHECK_THAT(retry->reason, Catch::Contains("DI_monenfant_A1.xml was there"));
  CHECK(retry->arrived == std::vector<std::string>{"DI_monenfant_A0.pdf", "DI_monenfant_A1.pdf"});
  CHECK_FALSE(fs::exists(place.path("remise.xml")));
  remise.arrived = {retry->arrived.begin(), retry->arrived.end()};
  REQUIRE(is_delivered(place.sender->send(remise)));
  check_whole(world, place);
}

TEST_CASE("faults of a partner's server are the partner's, with what mends them") {
  test::Sshd sshd;
  const World world;
  const auto outcome = [&](const Partner& partner = partners[0]) {
    return world.sftp(sshd, partner).sender->send(world.depot.remise());
  };
  const auto refusal = [&](const Outcome& o) {
    const auto* r = std::get_if<Refused>(&o);
    if (r == nullptr) return std::string("not refused");
    const auto whose = r->scope == model::Scope::access ? "access: " : r->scope == model::Scope::lieu ? "lieu: " : "";
    return whose + r->code;
  };
  SECTION("missing directory") {
    const Place place = world.sftp(sshd, partners[1]);
    fs::remove_all(place.root);
    CHECK(refusal(place.sender->send(world.depot.remise())) == "lieu: repertoire-absent");
  }
  SECTION("a credential that is missing, or open to everybody") {
    Place place = world.sftp(sshd, partners[0]);
    fs::permissions(world.dir / "credentials/cle", fs::perms::others_read, fs::perm_options::add);
    CHECK(refusal(place.sender->send(world.depot.remise())) == "access: justificatif");
    fs::remove(world.dir / "credentials/cle");
    CHECK(refusal(place.sender->send(world.depot.remise())) == "access: justificatif");
  }
  SECTION("another host key") {
    Place place = world.sftp(sshd, partners[0]);
    sshd.stop();
    sshd.make_key("host_ed25519", "ed25519");
    sshd.start();
    CHECK(refusal(place.sender->send(world.depot.remise())) == "access: cle-hote");
  }
  SECTION("a login that is not accepted") {
    sshd.dir.put("authorized_keys", "");
    CHECK(refusal(outcome()) == "access: connexion-refusee");
  }
  SECTION("nobody there: it may heal") {
    Place place = world.sftp(sshd, partners[0]);
    sshd.stop();
    const Outcome o = place.sender->send(world.depot.remise());
    REQUIRE(std::holds_alternative<Retry>(o));
    CHECK(std::get<Retry>(o).scope == model::Scope::access);
    sshd.start();
    CHECK(is_delivered(place.sender->send(world.depot.remise())));
  }
  SECTION("the connection is lost between two remises: the next one connects anew") {
    Place place = world.sftp(sshd, partners[0]);
    CHECK(is_delivered(place.sender->send(world.depot.remise())));
    sshd.signal_sessions(SIGKILL);
    const Outcome lost = place.sender->send(world.depot.remise());
    REQUIRE(std::holds_alternative<Retry>(lost));
    CHECK(is_delivered(place.sender->send(world.depot.remise())));
  }
  SECTION("a server that cannot rename, under a profile that says it can") {
    const test::Sshd without({{"ed25519"}, "internal-sftp -P rename,posix-rename", ""});
    const Outcome o = world.sftp(without, partners[0]).sender->send(world.depot.remise());
    CHECK(refusal(o) == "lieu: operation-absente");
    CHECK_THAT(std::get<Refused>(o).reason, Catch::Contains("renommage"));
  }
}
