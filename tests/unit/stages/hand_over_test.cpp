// From an accepted flux to the lieu's dépôt and the notification, with the real renderer, dépôt and directory of mails.
#include <atomic>

#include <catch2/catch.hpp>

#include "channels/courriel_message.h"
#include "channels/mail_directory.h"
#include "flux/channel_profile.h"
#include "model/civil_time.h"
#include "stages/alert.h"
#include "stages/deliver.h"
#include "stages/notify.h"
#include "stages/pack.h"
#include "store/listing.h"
#include "support/conventions.h"
#include "support/stage_site.h"

using namespace navette;
using namespace std::chrono_literals;
using test::convention;
using test::day;
using test::lieu;
using test::new_version;
using test::replaced;
using test::same_version;
using test::slurp;
using Names = std::vector<std::string>;

namespace {

const render::Renderer& renderer() {
  static const render::Renderer loaded("xslt/demande-fo.xsl", render::Renderer::default_fonts());
  return loaded;
}

const xml::Stylesheet& notification() {
  static const auto loaded = xml::Stylesheet::load("xslt/notification.xsl");
  return loaded;
}

// Counts what leaves, and can be told to fail or to do something in the middle.
class Watched final : public channels::FileSender {
 public:
  explicit Watched(std::filesystem::path root)
      : depot_(std::move(root), channels::DepotSender::Missing::create_plain) {}
  model::Outcome send(const channels::RemiseToSend& remise) override {
    ++attempts;
    if (before) before();
    if (fail) return model::Retry{"no answer", std::nullopt};
    const auto outcome = depot_.send(remise);
    return lose_answer ? model::Retry{"the answer was lost", std::nullopt} : outcome;
  }
  std::optional<model::Delivered> look(const channels::RemiseToSend& remise) override { return depot_.look(remise); }
  void forget(const channels::RemiseToSend& remise) override { depot_.forget(remise); }
  model::Outcome withdraw(const channels::RemiseToSend& remise) override {
    if (fail) return model::Retry{"no answer", std::nullopt, model::Scope::access};
    return depot_.withdraw(remise);
  }
  std::string describe_place(const std::string& remise) const override { return depot_.describe_place(remise); }

  std::atomic<int> attempts = 0;
  bool fail = false;
  bool lose_answer = false;
  std::function<void()> before;

 private:
  channels::DepotSender depot_;
};

// Each partner has a sender of its own; all of them are the watched one here.
class Forward final : public channels::FileSender {
 public:
  explicit Forward(Watched& watched) : watched_(watched) {}
  model::Outcome send(const channels::RemiseToSend& remise) override { return watched_.send(remise); }
  std::optional<model::Delivered> look(const channels::RemiseToSend& remise) override { return watched_.look(remise); }
  void forget(const channels::RemiseToSend& remise) override { watched_.forget(remise); }
  model::Outcome withdraw(const channels::RemiseToSend& remise) override { return watched_.withdraw(remise); }
  std::string describe_place(const std::string& remise) const override { return watched_.describe_place(remise); }

 private:
  Watched& watched_;
};

// A mail server that says what it is told to, to each person by turns.
class Postbox final : public channels::MailSender {
 public:
  channels::MailOutcome send(const channels::Mail& mail, const std::stop_token& /*stop*/) override {
    mails.push_back(mail);
    if (during) during();
    channels::MailOutcome result;
    result.outcome = outcome;
    result.in_doubt = in_doubt;
    result.of_recipient = of_recipient;
    const auto& asked = asked_before.empty() ? mail.recipients : asked_before;
    for (std::size_t i = 0; i < asked.size(); ++i)
      result.recipients.push_back({asked[i], persons.empty() ? outcome : persons.at(i)});
    return result;
  }

  model::Outcome outcome;
  bool in_doubt = false;
  bool of_recipient = false;
  std::vector<model::Outcome> persons;      // empty: all of them `outcome`
  std::vector<std::string> asked_before{};  // the answer is to an earlier asking, of these
  std::vector<channels::Mail> mails;
  std::function<void()> during;
};

// Two demandes accepted, one lieu that covers their commune.
struct Delivery : test::StageSite {
  explicit Delivery(model::Channel channel = model::DepotChannel{}) : mail(spool.courriels.path()) {
    contract.annexe.lieux[0].channel = std::move(channel);
    watched = std::make_unique<Watched>(dir / "depot");
    habilitate({new_version(contract)});
    for (const char* reference : {"A", "B"}) demande(reference);
    route();
  }
  void demande(const std::string& reference) {
    auto bytes = replaced(slurp("tests/data/demandes/ok-minimale.xml"), "T-ok-minimale", "T-" + reference);
    if (reference != "A") bytes = replaced(bytes, "<reference>A<", "<reference>" + reference + "<");
    REQUIRE(take_in("monenfant", bytes) == "accepte ");
  }
  void suspend_contract() {
    contract.suspension = model::Suspension{model::paris_day(clock.now()), "travaux"};
    habilitate({same_version(contract)});
  }
  stages::PackReport pack(bool all = false, const std::function<void(std::size_t)>& progress = {},
                          std::size_t remise_max = 500) {
    stages::Packing packing({spool, *store, *drawn_by, test::communes(), clock, 2, remise_max}, all, progress,
                            stop.get_token());
    while (packing.some()) continue;
    return packing.report();
  }
  stages::DeliverReport deliver(unsigned workers = 2) {
    stages::Delivering delivering({spool, *store, sender_for, test::communes(), clock, workers});
    const std::stop_callback interrupted(stop.get_token(), [&] { delivering.interrupt(); });
    while (delivering.step(std::chrono::seconds(1))) continue;
    return delivering.take_report();
  }
  std::size_t alert() {
    static const auto stylesheet = xml::Stylesheet::load("xslt/alerte.xsl");
    return stages::alert({*store, *mailer, stylesheet, test::communes(), senders, "navette@caf.example.org", clock},
                         stop.get_token())
        .accepted;
  }
  stages::NotifyReport notify(std::chrono::milliseconds slice = std::chrono::hours(1)) {
    return stages::notify({*store, *mailer, sender_for, notification(), "navette@caf.example.org", clock, slice},
                          stop.get_token());
  }
  // By an avenant.
  void add_person(const std::string& numero, const std::string& address) {
    auto avenant = contract;
    avenant.version = 2;
    avenant.annexe.personnes.push_back(test::personne(numero, address));
    habilitate({new_version(avenant)});
  }
  Names depot(const std::string& remise = "") const {
    const auto path = dir / "depot" / "rpe-a" / "remises" / remise;
    if (!std::filesystem::is_directory(path)) return {};
    return remise.empty() ? Directory::open(path).names() : without_cover_sheet(Directory::open(path).names(), remise);
  }
  Names stored(const std::string& remise) const { return without_cover_sheet(names("depart/rpe-a/" + remise), remise); }
  // Which each remise has.
  static Names without_cover_sheet(Names names, const std::string& remise) {
    const auto sheet = std::find(names.begin(), names.end(), "BORDEREAU_" + remise + ".pdf");
    REQUIRE(sheet != names.end());
    names.erase(sheet);
    return names;
  }
  std::string states() const {
    return text("SELECT group_concat(etat, ' ') FROM (SELECT etat FROM acheminement ORDER BY id)");
  }
  // The whole database as it is now, and back to it: what a death loses is what was not committed.
  void save() {
    store->connection().execute("PRAGMA wal_checkpoint(TRUNCATE)");
    std::filesystem::copy_file(dir / "navette.db", dir / "saved.db", std::filesystem::copy_options::overwrite_existing);
  }
  // As a death in the middle of the attempt leaves it: the intent is written, the outcome is not.
  void save_in_attempt() {
    const auto id = store->due_remises(clock.now()).at(0).id;
    store->begin_attempts({id}, clock.now());
    save();
    store->abandon_attempt(id, false, clock.now());
  }
  void restore() {
    store.reset();
    for (const char* suffix : {"-wal", "-shm"})
      std::filesystem::remove(dir.path() / ("navette.db" + std::string(suffix)));
    std::filesystem::copy_file(dir / "saved.db", dir / "navette.db", std::filesystem::copy_options::overwrite_existing);
    open();
  }

  model::Convention contract = convention("C1", {lieu("rpe-a", {"42218"})});
  const render::Renderer* drawn_by = &renderer();
  std::unique_ptr<Watched> watched;
  stages::SenderFactory sender_for = [this](const model::Channel&, const std::stop_token&) {
    return std::make_unique<Forward>(*watched);
  };
  channels::MailDirectory mail;
  channels::MailSender* mailer = &mail;
};

// Delivered, and to be told by a mail server that says what it is told to.
struct Posted : Delivery {
  Posted() {
    mailer = &post;
    pack();
    deliver();
  }
  Postbox post;
};

// Whose cover sheets fail where `test` holds of them.
render::Renderer faulty_where(const std::string& test, const std::filesystem::path& stylesheets) {
  if (!std::filesystem::exists(stylesheets)) std::filesystem::copy("xslt", stylesheets);
  const std::string where = "<xsl:apply-templates select=\"b:lieu\"/>";
  std::ofstream(stylesheets / "bordereau-fo.xsl")
      << replaced(slurp("xslt/bordereau-fo.xsl"), where,
                  "<xsl:if test=\"" + test + "\"><fo:block colour=\"red\"/></xsl:if>" + where);
  return render::Renderer((stylesheets / "demande-fo.xsl").string(), render::Renderer::default_fonts());
}

constexpr const char* first = "rpe-a-20261120-1";
const Names files{"DI_monenfant_A.pdf", "DI_monenfant_A.xml", "DI_monenfant_B.pdf", "DI_monenfant_B.xml",
                  "manifeste.xml"};

std::map<std::string, std::string> bytes_of(const std::filesystem::path& path) {
  std::map<std::string, std::string> out;
  const auto directory = Directory::open(path);
  for (const auto& name : directory.names()) out[name] = directory.read(name);
  return out;
}

}  // namespace

TEST_CASE("R2: demandes reach the dépôt as PDF and XML with a manifest, and depart/ is empty afterwards") {
  Delivery site;
  CHECK(site.pack().demandes == 2);
  CHECK(site.names("depart/rpe-a") == Names{first});
  CHECK(site.stored(first) == files);
  CHECK(site.depot().empty());
  CHECK(site.deliver().delivered == 1);
  CHECK(site.depot(first) == files);
  CHECK(site.states() == "remis remis");
  CHECK(site.names("depart/rpe-a").empty());
  const auto bytes = bytes_of(site.dir / "depot" / "rpe-a" / "remises" / first);
  CHECK_THAT(bytes.at("DI_monenfant_A.pdf"), Catch::StartsWith("%PDF-"));
  CHECK_THAT(bytes.at("DI_monenfant_A.xml"), Catch::Contains("<reference>A</reference>"));
  CHECK_THAT(bytes.at("manifeste.xml"), Catch::Contains(crypto::sha256_hex(bytes.at("DI_monenfant_B.pdf"))));
  CHECK(site.pack().remises == 0);
  CHECK(site.deliver().delivered == 0);
  CHECK(site.watched->attempts == 1);
}

TEST_CASE("what waits for its hour leaves at its hour, or at once when the operator says so") {
  Delivery site;
  site.store->connection().execute("UPDATE acheminement SET du = du + 3600000");
  CHECK(site.pack().remises == 0);
  site.clock.advance(1h);
  CHECK(site.pack().remises == 1);
  Delivery now;
  now.store->connection().execute("UPDATE acheminement SET du = du + 3600000");
  CHECK(now.pack(true).remises == 1);
}

TEST_CASE("the bytes stored are sent at every attempt, the same ones") {
  Delivery site;
  site.pack();
  const auto stored = bytes_of(site.in("depart/rpe-a") / first);
  site.watched->fail = true;
  CHECK(site.deliver().deferred == 1);
  CHECK(site.deliver().deferred == 0);  // not before its time
  CHECK(bytes_of(site.in("depart/rpe-a") / first) == stored);
  site.watched->fail = false;
  site.clock.advance(2min);
  CHECK(site.deliver().delivered == 1);
  CHECK(bytes_of(site.dir / "depot" / "rpe-a" / "remises" / first) == stored);
}

TEST_CASE("five days without success hold the remise; its demandes are not lost") {
  Delivery site;
  site.pack();
  site.watched->fail = true;
  int rounds = 0;
  while (site.store->counts().held_remises == 0 && ++rounds < 1000) {
    site.deliver();
    site.clock.advance(1h + 15min);
  }
  CHECK(rounds > 90);
  CHECK(rounds < 110);
  CHECK(site.states() == "en-remise en-remise");
  site.watched->fail = false;
  site.store->release_remise(first, site.clock.now());
  CHECK(site.deliver().delivered == 1);
}

TEST_CASE("a crash while packing leaves a directory that nobody owns: swept at start, replaced at packing") {
  Delivery site;
  const Directory depart = site.spool.depart.make_dir("rpe-a");
  for (const char* left : {first, ".rpe-a-20261120-1.tmp", "rpe-a-20261119-7"}) {
    write_file(depart.make_dir(left), "DI_monenfant_A.pdf", "half");
  }
  CHECK(site.pack().remises == 1);
  CHECK(site.stored(first) == files);
  stages::sweep_depart(site.spool, *site.store);
  CHECK(site.names("depart/rpe-a") == Names{first});
  CHECK(site.deliver().delivered == 1);
}

TEST_CASE("a death between the packed bytes and their row packs again; the same demandes make the same bytes") {
  Delivery site;
  site.save();
  site.pack();
  const auto once = bytes_of(site.in("depart/rpe-a") / first);
  site.restore();
  stages::sweep_depart(site.spool, *site.store);
  CHECK(site.names("depart/rpe-a").empty());
  CHECK(site.pack().remises == 1);
  CHECK(bytes_of(site.in("depart/rpe-a") / first) == once);
}

TEST_CASE("a death after the rename in the dépôt and before the row: found there, delivered once") {
  Delivery site;
  site.pack();
  site.save_in_attempt();
  site.deliver();
  const auto manifest = site.dir / "depot" / "rpe-a" / "remises" / first / "manifeste.xml";
  const auto inode = Directory::open(manifest.parent_path()).status("manifeste.xml")->inode;
  // depart/ still holds the bytes where the row had not been written.
  site.restore();
  const auto kept = site.spool.depart.make_dir("rpe-a").make_dir(first);
  for (const auto& [name, bytes] : bytes_of(manifest.parent_path())) write_file(kept, name, bytes);
  CHECK(site.deliver().delivered == 1);
  CHECK(site.depot() == Names{first});
  CHECK(Directory::open(manifest.parent_path()).status("manifeste.xml")->inode == inode);
  CHECK(site.states() == "remis remis");
  CHECK(site.number("SELECT count(*) FROM notification") == 1);
}

TEST_CASE("a death after the rename, then rights lost: the lieu has it, nobody else gets it too") {
  Delivery site;
  site.pack();
  site.save_in_attempt();
  site.deliver();
  const auto there = bytes_of(site.dir / "depot" / "rpe-a" / "remises" / first);
  site.restore();
  const auto kept = site.spool.depart.make_dir("rpe-a").make_dir(first);
  for (const auto& [name, bytes] : there) write_file(kept, name, bytes);
  site.suspend_contract();
  const auto report = site.deliver();
  CHECK(report.delivered == 1);
  CHECK(report.dissolved == 0);
  CHECK(site.watched->attempts == 1);
  CHECK(site.states() == "remis remis");
}

TEST_CASE("R8: what a death left in .en-cours goes with a remise that is taken apart") {
  Delivery site;
  site.pack();
  site.watched->fail = true;
  site.deliver();
  const auto left = Directory::create(site.dir / "depot" / "rpe-a" / ".en-cours" / first);
  Directory::create(site.dir / "depot" / "rpe-a" / "remises");
  write_file(left, "DI_monenfant_A.xml", "half");
  site.clock.set(site.clock.now() + std::chrono::hours(2));
  site.suspend_contract();
  CHECK(site.deliver().dissolved == 1);
  CHECK(Directory::open(site.dir / "depot" / "rpe-a" / ".en-cours").names().empty());
}

TEST_CASE("R1: rights lost between routing and packing: nothing leaves, the demandes wait for a lieu") {
  Delivery site;
  site.suspend_contract();
  CHECK(site.pack().rights_lost == 2);
  CHECK(site.names("depart/rpe-a").empty());
  CHECK(site.route().sans_lieu == 2);
  CHECK(site.store->counts().sans_lieu == 2);
  site.contract.suspension.reset();
  site.habilitate({same_version(site.contract)});
  CHECK(site.route().acheminements == 2);
  site.pack();
  CHECK(site.deliver().delivered == 1);
}

TEST_CASE("R1, R8: rights lost between packing and delivery, on a later day: nothing of the remise leaves") {
  Delivery site;
  site.contract.termination =
      model::Termination{model::TerminationCause::manquement, day("2026-11-20"), day("2026-11-20")};
  site.habilitate({same_version(site.contract)});
  CHECK(site.pack().remises == 1);  // the 20th is its last day
  site.clock.set("2026-11-20T23:00:00Z");
  const auto report = site.deliver();
  CHECK(report.dissolved == 1);
  CHECK(report.delivered == 0);
  CHECK(site.watched->attempts == 0);
  CHECK(site.depot().empty());
  CHECK(site.names("depart/rpe-a").empty());
  CHECK(site.states() == "annule annule");
  site.habilitate({new_version(convention("C2", {lieu("rpe-b", {"42218"})}))});
  CHECK(site.route().acheminements == 2);
  site.pack();
  CHECK(site.deliver().delivered == 1);
  CHECK(site.depot().empty());
}

TEST_CASE("R1: a demande whose commune left the annexe is taken out, the others leave in another remise") {
  Delivery site;
  const auto other = replaced(replaced(slurp("tests/data/demandes/ok-minimale.xml"), "T-ok-minimale", "T-C"),
                              "<codeInsee>42218<", "<codeInsee>42207<");
  auto wide = convention("C1", {lieu("rpe-a", {"42218", "42207"})});
  wide.version = 2;
  site.habilitate({new_version(wide)});
  REQUIRE(site.take_in("monenfant", replaced(other, "<reference>A<", "<reference>C<")) == "accepte ");
  site.route();
  CHECK(site.pack().demandes == 3);
  auto narrow = convention("C1", {lieu("rpe-a", {"42218"})});
  narrow.version = 3;
  site.habilitate({new_version(narrow)});
  CHECK(site.deliver().dissolved == 1);
  CHECK(site.states() == "a-remettre a-remettre annule");
  site.pack();
  CHECK(site.deliver().delivered == 1);
  CHECK(site.depot("rpe-a-20261120-2") == files);
  CHECK(site.depot() == Names{"rpe-a-20261120-2"});
}

TEST_CASE("a lieu suspended by an operator keeps everything in place") {
  Delivery site;
  site.pack();
  site.store->suspend_lieu("rpe-a", "travaux", site.clock.now());
  CHECK(site.deliver().delivered == 0);
  CHECK(site.watched->attempts == 0);
  site.store->resume_lieu("rpe-a", site.clock.now());
  CHECK(site.deliver().delivered == 1);
}

TEST_CASE("a demande held while its remise was being made does not leave with it") {
  Delivery site;
  bool held = false;
  const auto report = site.pack(false, [&](std::size_t) {
    if (held) return;
    held = true;
    store::Store operators((site.dir / "navette.db").string(), "durand (1001)");
    operators.hold_demande("A", "à vérifier", site.clock.now());
  });
  CHECK(held);
  CHECK(report.remises == 1);
  CHECK(report.demandes == 1);
  CHECK(site.names("depart/rpe-a") == Names{first});
  site.deliver();
  CHECK(site.depot(first) == Names{"DI_monenfant_B.pdf", "DI_monenfant_B.xml", "manifeste.xml"});
}

TEST_CASE("a demande held after its remise was packed is taken out of it; the others leave in another one") {
  Delivery site;
  site.pack();
  site.watched->fail = true;
  site.deliver();  // the next attempt would come in a minute: the hold does not wait for it
  site.watched->fail = false;
  site.store->hold_demande("A", "à vérifier", site.clock.now());
  CHECK(site.states() == "en-remise en-remise");
  CHECK(site.deliver().dissolved == 1);
  CHECK(site.states() == "retenu a-remettre");
  CHECK(site.depot().empty());
  CHECK(site.pack().demandes == 1);
  CHECK(site.deliver().delivered == 1);
  CHECK(site.depot("rpe-a-20261120-2") == Names{"DI_monenfant_B.pdf", "DI_monenfant_B.xml", "manifeste.xml"});
  site.store->release_demande("A", site.clock.now());
  site.route();
  site.pack();
  CHECK(site.deliver().delivered == 1);
  CHECK(site.depot("rpe-a-20261120-3") == Names{"DI_monenfant_A.pdf", "DI_monenfant_A.xml", "manifeste.xml"});
}

TEST_CASE("a demande held after its remise reached the lieu, whose answer was lost: the lieu has it") {
  Delivery site;
  site.pack();
  site.watched->lose_answer = true;
  CHECK(site.deliver().deferred == 1);
  site.store->hold_demande("A", "à vérifier", site.clock.now());
  CHECK(site.deliver().delivered == 1);
  CHECK(site.watched->attempts == 1);
  CHECK(site.states() == "remis remis");
  CHECK(site.depot() == Names{first});
}

TEST_CASE("a demande that is leaving cannot be held at that moment") {
  Delivery site;
  site.pack();
  std::string answer;
  site.watched->before = [&] {
    store::Store operators((site.dir / "navette.db").string(), "durand (1001)");
    try {
      operators.hold_demande("A", "à vérifier", site.clock.now());
    } catch (const Error& e) {
      answer = e.what();
    }
  };
  site.watched->fail = true;
  CHECK(site.deliver().deferred == 1);
  CHECK_THAT(answer, Catch::Contains("leaving right now in the remise " + std::string(first)));
  CHECK(site.number("SELECT count(*) FROM demande WHERE retenue IS NOT NULL") == 0);
  site.store->hold_demande("A", "à vérifier", site.clock.now());
}

TEST_CASE("a stop before anything leaves is no attempt") {
  Delivery stopped;
  stopped.habilitate({new_version(convention("C2", {lieu("rpe-b", {"42218"})}))});
  stopped.demande("C");
  stopped.route();
  stopped.pack();
  stopped.watched->before = [&] { stopped.stop.request_stop(); };
  stopped.deliver(1);
  CHECK(stopped.watched->attempts == 1);
  CHECK(
      stopped.text("SELECT group_concat(tentatives || ' ' || en_cours || ' ' || etat, ', ') FROM remise ORDER BY id") ==
      "1 0 livree, 0 0 prete");
}

TEST_CASE("more demandes than one remise takes make several, the first due first") {
  Delivery site;
  for (const char* reference : {"C", "D", "E"}) site.demande(reference);
  site.route();
  const auto report = site.pack(false, {}, 2);
  CHECK(report.remises == 3);
  CHECK(report.demandes == 5);
  CHECK(site.deliver().delivered == 3);
  CHECK(site.depot() == Names{first, "rpe-a-20261120-2", "rpe-a-20261120-3"});
  CHECK(site.depot(first) == files);
  CHECK(site.depot("rpe-a-20261120-3") == Names{"DI_monenfant_E.pdf", "DI_monenfant_E.xml", "manifeste.xml"});
}

namespace {

model::CourrielChannel courriel(const std::string& protection, std::uint64_t largest) {
  return {"<courriel xmlns=\"urn:navette:habilitations:1\"><adresse>rpe@pilat.example.org</adresse><chiffrement>" +
          protection + "</chiffrement><tailleMaximale>" + std::to_string(largest) + "</tailleMaximale></courriel>"};
}

// Of the mail that packing counts with for both demandes.
std::uint64_t size_for_both(const std::string& protection) {
  const auto channel = courriel(protection, 100U << 20U);
  Delivery site(channel);
  CHECK(site.pack().remises == 1);
  const auto remise = site.store->due_remises(site.clock.now()).at(0);
  return channels::largest_courriel(flux::read_courriel_profile(channel.xml), remise.name, remise.files,
                                    site.spool.depart.open_dir("rpe-a").open_dir(remise.name));
}

}  // namespace

TEST_CASE("a remise for a mail holds what the mail has room for, to the byte; the rest leaves in the next one") {
  const std::string smime = "<smime><certificat>c</certificat></smime>";
  const std::uint64_t both = size_for_both(smime);
  Delivery fits(courriel(smime, both));
  CHECK(fits.pack().remises == 1);
  CHECK(fits.states() == "en-remise en-remise");
  Delivery splits(courriel(smime, both - 1));
  const auto report = splits.pack();
  CHECK(report.remises == 2);
  CHECK(report.demandes == 2);
  CHECK(report.held == 0);
  CHECK(splits.stored(first) == Names{"DI_monenfant_A.pdf", "DI_monenfant_A.xml", "manifeste.xml"});
  CHECK(splits.stored("rpe-a-20261120-2") == Names{"DI_monenfant_B.pdf", "DI_monenfant_B.xml", "manifeste.xml"});
  const auto manifest = splits.spool.depart.open_dir("rpe-a").open_dir(first).read("manifeste.xml");
  CHECK_THAT(manifest, Catch::Contains("DI_monenfant_A.pdf") && !Catch::Contains("DI_monenfant_B.pdf"));
}

TEST_CASE("for an encrypted PDF the room is counted on the PDF itself") {
  const std::string pdf = "<pdf><motDePasse>c</motDePasse></pdf>";
  const std::uint64_t both = size_for_both(pdf);
  CHECK(Delivery(courriel(pdf, both + 2000)).pack().remises == 1);  // chance has its part in it
  CHECK(Delivery(courriel(pdf, both - 2000)).pack().remises == 2);
}

TEST_CASE("a demande that no mail under the profile has room for is held and says why; it holds no other") {
  const std::string smime = "<smime><certificat>c</certificat></smime>";
  Delivery site(courriel(smime, size_for_both(smime) / 2));
  const auto report = site.pack();
  CHECK(report.held == 2);  // the frame of a mail counts for each
  CHECK(report.remises == 0);
  CHECK(site.states() == "retenu retenu");
  CHECK_THAT(site.text("SELECT motif FROM acheminement"), Catch::Contains("<tailleMaximale>"));
  CHECK(site.names("depart/rpe-a").empty());
}

TEST_CASE("a mail in clear caps nothing: its remise lies in the dépôt, and its box is told with the persons") {
  Delivery site(courriel("<clair/>", 65536));
  CHECK(site.pack().remises == 1);
  CHECK(site.deliver().delivered == 1);
  Postbox postbox;
  site.mailer = &postbox;
  CHECK(site.notify().accepted == 1);
  CHECK(postbox.mails.at(0).recipients ==
        std::vector<std::string>{"odette@relais.example.org", "rpe@pilat.example.org"});
}

TEST_CASE("a demande that cannot be rendered is held, the others leave") {
  Delivery site;
  site.store->connection().execute(
      "UPDATE charge SET xml = CAST('<broken' AS BLOB) WHERE demande_id = (SELECT id FROM demande WHERE reference = "
      "'A')");
  const auto report = site.pack();
  CHECK(report.held == 1);
  CHECK(report.demandes == 1);
  CHECK(site.states() == "retenu en-remise");
  CHECK(site.store->counts().held_acheminements == 1);
}

TEST_CASE("a demande that no cover sheet can be made of is held, the others leave") {
  Delivery site;
  for (const char* reference : {"C", "D", "E"}) site.demande(reference);
  site.route();
  const render::Renderer faulty = faulty_where("b:demandes/b:demande/b:reference = 'D'", site.dir / "xslt");
  site.drawn_by = &faulty;
  const auto report = site.pack();
  CHECK(report.faults.empty());
  CHECK(report.held == 1);
  CHECK(report.demandes == 4);
  CHECK(site.states() == "en-remise en-remise en-remise retenu en-remise");
  CHECK(
      site.number("SELECT count(*) FROM acheminement WHERE motif LIKE 'rendu-impossible: of its remise''s cover sheet: "
                  "%bordereau-fo.xsl%'") == 1);
  const Names remises = site.names("depart/rpe-a");
  REQUIRE(remises.size() == 1);
  const auto files = Directory::open(site.in("depart/rpe-a") / remises[0]).names();
  CHECK(std::count(files.begin(), files.end(), "BORDEREAU_" + remises[0] + ".pdf") == 1);
  CHECK(files.size() == 10);  // PDF and XML of each, cover sheet and manifest
}

TEST_CASE("a cover sheet that can be made of none holds nobody, and one that fails for many together leaves in parts") {
  Delivery site;
  for (const char* reference : {"C", "D", "E"}) site.demande(reference);
  site.route();
  SECTION("of none") {
    const render::Renderer faulty = faulty_where("true()", site.dir / "xslt");
    site.drawn_by = &faulty;
    const auto report = site.pack();
    REQUIRE(report.faults.size() == 1);
    CHECK_THAT(report.faults[0], Catch::Contains("bordereau-fo.xsl") && Catch::Contains("colour"));
    CHECK(report.held == 0);
    site.drawn_by = &renderer();
    CHECK(site.pack().demandes == 5);  // as soon as it is mended
  }
  SECTION("of more than two together") {
    const render::Renderer faulty = faulty_where("count(b:demandes/b:demande) &gt; 2", site.dir / "xslt");
    site.drawn_by = &faulty;
    const auto report = site.pack();
    CHECK(report.faults.empty());
    CHECK(report.held == 0);
    CHECK(report.demandes == 5);
    CHECK(report.remises == 3);
  }
  SECTION("of a remise that is issued again: in full or not at all, with the reason") {
    REQUIRE(site.pack().demandes == 5);
    site.deliver();
    site.store->reissue_remise(first, "perdue", site.clock.now());
    const render::Renderer faulty =
        faulty_where("b:reemission and b:demandes/b:demande/b:reference = 'D'", site.dir / "xslt");
    site.drawn_by = &faulty;
    const auto report = site.pack();
    REQUIRE(report.faults.size() == 1);
    CHECK_THAT(report.faults[0], Catch::Contains("colour"));
    site.drawn_by = &renderer();
    CHECK(site.pack().demandes == 5);
  }
}

TEST_CASE("bytes altered in depart/ are shown to nobody: the remise is held") {
  Delivery site;
  site.pack();
  std::ofstream(site.in("depart/rpe-a") / first / "DI_monenfant_A.xml", std::ios::app) << "x";
  CHECK(site.deliver().refused == 1);
  CHECK(site.depot().empty());
  CHECK(site.store->counts().held_remises == 1);
}

TEST_CASE("depart/ out of reach is our fault, not the partner's: tried again") {
  Delivery site;
  site.pack();
  std::filesystem::rename(site.in("depart/rpe-a"), site.in("aside"));
  CHECK(site.deliver().deferred == 1);
  CHECK(site.watched->attempts == 0);
  std::filesystem::rename(site.in("aside"), site.in("depart/rpe-a"));
  site.clock.advance(2min);
  CHECK(site.deliver().delivered == 1);
}

TEST_CASE("a stop leaves what is not sent due") {
  Delivery site;
  site.stop.request_stop();
  CHECK(site.pack().remises == 0);
  site.stop = std::stop_source();
  site.pack();
  site.stop.request_stop();
  CHECK(site.deliver().delivered == 0);
  site.stop = std::stop_source();
  CHECK(site.deliver().delivered == 1);
}

TEST_CASE("R4, R5: one notification once the remise is delivered, naming the last day, no family") {
  Delivery site;
  CHECK(site.notify().accepted == 0);
  site.pack();
  site.deliver();
  site.clock.set("2026-11-20T23:30:00Z");  // the 21st in Paris
  CHECK(site.notify().accepted == 1);
  CHECK(site.notify().accepted == 0);
  REQUIRE(site.names("courriels") == Names{std::string(first) + ".eml"});
  const std::string mail = site.spool.courriels.read(std::string(first) + ".eml");
  CHECK_THAT(mail, Catch::Contains("<" + std::string(first) + "@caf.example.org>"));
  CHECK_THAT(mail, Catch::Contains("odette@relais.example.org"));
  CHECK_THAT(mail, !Catch::Contains("Maïwenn") && !Catch::Contains("Capucines") && !Catch::Contains("0639981234"));
  CHECK(site.text("SELECT jour FROM echeance") == "2026-12-01");
  CHECK(site.number("SELECT count(*) FROM echeance") == 1);
}

TEST_CASE("R5: a notification that fails is composed again another day: other last day, same Message-ID") {
  Delivery site;
  site.pack();
  site.deliver();
  std::filesystem::rename(site.in("courriels"), site.in("aside"));
  CHECK(site.notify().deferred == 1);
  CHECK(site.store->counts().notifications_in_trouble == 1);
  CHECK(site.number("SELECT count(*) FROM echeance") == 0);
  std::filesystem::rename(site.in("aside"), site.in("courriels"));
  site.clock.advance(48h);
  CHECK(site.notify().accepted == 1);
  CHECK(site.text("SELECT jour FROM echeance") == "2026-12-02");
  CHECK(site.text("SELECT message_id FROM notification") == std::string(first) + "@caf.example.org");
  CHECK(site.store->counts().notifications_in_trouble == 0);
}

TEST_CASE("a death between the mail and its row sends it again under the same name and Message-ID") {
  Delivery site;
  site.pack();
  site.deliver();
  site.save();
  CHECK(site.notify().accepted == 1);
  site.restore();
  CHECK(site.notify().accepted == 1);
  CHECK(site.names("courriels").size() == 1);
  CHECK(site.number("SELECT count(*) FROM echeance") == 1);
}

TEST_CASE(
    "R13: nobody habilitated today: the notification waits, counts as trouble, and leaves once there is somebody") {
  Delivery site;
  site.pack();
  site.deliver();
  site.contract.annexe.personnes[0].to = day("2026-11-19");
  site.habilitate({same_version(site.contract)});
  CHECK(site.notify().deferred == 1);
  CHECK(site.names("courriels").empty());
  CHECK(site.store->counts().notifications_in_trouble == 1);
  site.add_person("P2", "deux@relais.example.org");
  site.clock.advance(1h);
  CHECK(site.notify().accepted == 1);
  const std::string mail = site.spool.courriels.read(std::string(first) + ".eml");
  CHECK_THAT(mail, Catch::Contains("deux@relais.example.org") && !Catch::Contains("odette@"));
}

TEST_CASE("a notification whose answer is lost each time comes five times the first day, then once a day") {
  Delivery site;
  Postbox post;
  site.mailer = &post;
  post.outcome = model::Retry{"the server did not answer", std::nullopt, model::Scope::mail_server};
  post.in_doubt = true;
  site.pack();
  site.deliver();
  const auto copies_in = [&](std::chrono::hours span) {
    post.mails.clear();
    for (const Instant end = site.clock.now() + span; site.clock.now() < end; site.clock.advance(10min)) site.notify();
    return post.mails.size();
  };
  CHECK(copies_in(24h) == 5);
  CHECK(copies_in(72h) == 3);
  // What surely did not arrive is tried each hour.
  post.in_doubt = false;
  CHECK(copies_in(48h) > 24);
}

TEST_CASE("R5: a notification that some receive and one refuses is accepted; the trace names the latter by number") {
  Posted site;
  Postbox& post = site.post;
  site.add_person("C1-002", "zoe@relais.example.org");
  post.outcome = model::Delivered{};
  post.persons = {model::Delivered{}, model::Refused{"destinataire-refuse", "550 no such user", model::Scope::lieu}};
  CHECK(site.notify().accepted == 1);
  CHECK(site.number("SELECT destinataires FROM notification") == 1);
  CHECK(site.number("SELECT count(*) FROM echeance") == 1);
  CHECK(site.number("SELECT count(*) FROM trace_detail WHERE detail LIKE 'destinataires=1 non-joints=C1-002 (550 no "
                    "such user) %'") == 1);
  CHECK(site.number("SELECT count(*) FROM trace_detail WHERE detail LIKE '%@relais%'") == 0);
}

TEST_CASE("R4: who has the notification does not get it again while others are put off, whatever process tries") {
  Posted site;
  Postbox& post = site.post;
  site.add_person("C1-002", "zoe@relais.example.org");
  const model::Retry later{"451 greylisted", std::nullopt, model::Scope::lieu};
  post.outcome = later;
  post.persons = {model::Delivered{}, later};
  CHECK(site.notify().deferred == 1);
  REQUIRE(post.mails.back().recipients.size() == 2);
  CHECK(site.number("SELECT count(*) FROM notification_recue WHERE destinataire LIKE '%@%'") == 0);
  Postbox another;
  site.mailer = &another;
  site.clock.advance(1h);
  SECTION("the other one gets it") {
    another.outcome = model::Delivered{};
    CHECK(site.notify().accepted == 1);
    CHECK(site.number("SELECT destinataires FROM notification") == 2);
    CHECK_THAT(another.mails.at(0).bytes, Catch::Contains("odette@relais.example.org"));  // To: as it was
  }
  SECTION("the other one refuses it: accepted, since somebody has it") {
    another.outcome = model::Refused{"destinataire-refuse", "550 no such user", model::Scope::lieu};
    CHECK(site.notify().accepted == 1);
    CHECK(site.number("SELECT destinataires FROM notification") == 1);
  }
  SECTION("the other one is put off to the last try: accepted, since somebody has it") {
    another.outcome = later;
    for (int attempt = 2; attempt <= 5; ++attempt) {
      CHECK(site.notify().deferred == 1);
      site.clock.advance(1h);
    }
    CHECK(site.notify().accepted == 1);
    CHECK(another.mails.back().last_try);
  }
  SECTION("the mail server fails, or a stop comes, at the last try as well: that is said of nobody") {
    another.outcome =
        model::Retry{"connection lost", std::nullopt, GENERATE(model::Scope::mail_server, model::Scope::remise)};
    for (int attempt = 2; attempt <= 7; ++attempt) {
      CHECK(site.notify().deferred == 1);
      site.clock.advance(1h);
    }
    CHECK(another.mails.back().last_try);
  }
  CHECK(another.mails.at(0).recipients == std::vector<std::string>{"zoe@relais.example.org"});
}

TEST_CASE("who refuses the notification for good is not asked again while others are put off, and shown at once") {
  Posted site;
  Postbox& post = site.post;
  site.add_person("C1-002", "zoe@relais.example.org");
  const model::Retry later{"451 greylisted", std::nullopt, model::Scope::lieu};
  const model::Refused no_such{"destinataire-refuse", "550 no such user", model::Scope::lieu};
  post.outcome = later;
  post.persons = {no_such, later};
  CHECK(site.notify().deferred == 1);
  const auto row = [&] { return store::find_remise(site.store->connection(), first).value(); };
  CHECK(row().non_joints == "C1-001 (550 no such user)");
  CHECK(row().joints.empty());
  CHECK(site.number("SELECT count(*) FROM trace_detail WHERE detail = 'joints= non-joints=C1-001 (550 no such user) "
                    "differes=C1-002 (451 greylisted)'") == 1);
  CHECK(site.number("SELECT count(*) FROM echeance") == 0);
  site.clock.advance(1h);
  post.persons.clear();
  const std::string zoe = "zoe@relais.example.org";
  const std::string odette = "odette@relais.example.org";
  SECTION("the other one gets it") {
    post.outcome = model::Delivered{};
    CHECK(site.notify().accepted == 1);
    CHECK(post.mails.back().recipients == std::vector{zoe});
    CHECK(site.number("SELECT count(*) FROM trace_detail WHERE detail LIKE 'destinataires=1 non-joints=C1-001 (550 no "
                      "such user) %'") == 1);
  }
  SECTION("the other one refuses it as well: a person must look, and then both are asked") {
    post.outcome = no_such;
    CHECK(site.notify().deferred == 1);
    CHECK(post.mails.back().recipients == std::vector{zoe});
    CHECK(site.store->counts().held_notifications == 1);
    post.outcome = model::Delivered{};
    if (GENERATE(true, false)) {
      site.store->retry_remise(first, site.clock.now());
    } else {
      site.store->retry_lieu("rpe-a", site.clock.now());
    }
    CHECK(site.notify().accepted == 1);
    CHECK(post.mails.back().recipients == std::vector{odette, zoe});
  }
  SECTION("an avenant brings another address: asked") {
    auto avenant = site.contract;
    avenant.version = 3;
    avenant.annexe.personnes[0].courriel = "autre@relais.example.org";
    site.habilitate({new_version(avenant)});
    post.outcome = model::Delivered{};
    CHECK(site.notify().accepted == 1);
    CHECK(post.mails.back().recipients.front() == "autre@relais.example.org");
  }
}

TEST_CASE("persons who came, or were given another address, while a mail was under way are asked as well") {
  Posted site;
  Postbox& post = site.post;
  const std::string odette = "odette@relais.example.org";
  const std::string zoe = "zoe@relais.example.org";
  SECTION("who was asked has left, or somebody else came: nobody of today's had it") {
    post.asked_before = {"ancienne@relais.example.org"};
    post.outcome = GENERATE(model::Outcome(model::Delivered{}),
                            model::Outcome(model::Refused{"destinataire-refuse", "550 no", model::Scope::lieu}));
    post.during = [&] {
      if (post.mails.size() == 2) post.asked_before.clear();
      if (post.mails.size() == 2) post.outcome = model::Delivered{};
    };
    CHECK(site.notify().accepted == 1);
    CHECK(post.mails.size() == 2);
    CHECK(site.number("SELECT destinataires FROM notification") == 1);
  }
  SECTION("one of two was asked") {
    site.add_person("C1-002", zoe);
    post.asked_before = {odette};
    post.outcome = model::Delivered{};
    post.during = [&] {
      if (post.mails.size() == 2) post.asked_before.clear();
    };
    CHECK(site.notify().accepted == 1);
    REQUIRE(post.mails.size() == 2);
    CHECK(post.mails[1].recipients == std::vector{zoe});
    CHECK(site.number("SELECT destinataires FROM notification") == 2);
  }
  CHECK(site.number("SELECT count(*) FROM echeance") == 1);
}

TEST_CASE(
    "R10: a remise withdrawn while its notification is under way has no deadline, and who has the mail is known") {
  Posted site;
  Postbox& post = site.post;
  post.outcome = model::Delivered{};
  post.during = [&] { site.store->withdraw_remise(first, "envoyee par erreur", site.clock.now()); };
  site.notify();
  CHECK(site.number("SELECT count(*) FROM echeance") == 0);
  CHECK(site.number("SELECT count(*) FROM notification") == 0);
  CHECK(site.number(
            "SELECT count(*) FROM trace JOIN trace_detail USING (seq) WHERE action = 'notification.sans-objet' AND "
            "detail = 'joints=C1-001'") == 1);
}

TEST_CASE("what all refused is tried again when a version with other addresses begins") {
  Posted site;
  Postbox& post = site.post;
  auto avenant = site.contract;
  avenant.version = 2;
  avenant.annexe.effective_from = model::plus_days(model::paris_day(site.clock.now()), 3);
  avenant.annexe.personnes[0].courriel = "autre@relais.example.org";
  site.habilitate({new_version(avenant)});
  post.outcome = model::Refused{"destinataire-refuse", "550 no such user", model::Scope::lieu};
  CHECK(site.notify().deferred == 1);
  CHECK(site.store->counts().held_notifications == 1);
  post.outcome = model::Delivered{};
  site.clock.advance(24h);
  CHECK(site.notify().accepted == 0);
  site.clock.advance(3 * 24h);
  CHECK(site.notify().accepted == 1);
  CHECK(post.mails.back().recipients == std::vector<std::string>{"autre@relais.example.org"});
}

TEST_CASE("R4: a box of two persons has the mail once, whoever of them leaves while a third is put off") {
  Posted site;
  Postbox& post = site.post;
  auto avenant = site.contract;
  avenant.version = 2;
  const std::string box = avenant.annexe.personnes[0].courriel;
  avenant.annexe.personnes.push_back(test::personne("C1-002", box));
  avenant.annexe.personnes.push_back(test::personne("C1-003", "zoe@relais.example.org"));
  site.habilitate({new_version(avenant)});
  const model::Retry later{"451 greylisted", std::nullopt, model::Scope::lieu};
  post.outcome = later;
  post.persons = {model::Delivered{}, later};
  CHECK(site.notify().deferred == 1);
  avenant.version = 3;
  avenant.annexe.personnes.erase(avenant.annexe.personnes.begin());
  site.habilitate({new_version(avenant)});
  site.clock.advance(1h);
  post.persons.clear();
  post.outcome = model::Delivered{};
  CHECK(site.notify().accepted == 1);
  CHECK(post.mails.back().recipients == std::vector<std::string>{"zoe@relais.example.org"});
}

TEST_CASE("a person who is left out after five tries is shown as not reached") {
  Posted site;
  Postbox& post = site.post;
  site.add_person("C1-002", "zoe@relais.example.org");
  const model::Retry later{"451 greylisted", std::nullopt, model::Scope::lieu};
  post.outcome = later;
  post.persons = {model::Delivered{}, later};
  for (int i = 0; i < 8 && site.text("SELECT etat FROM notification") != "envoyee"; ++i) {
    site.notify();
    post.persons.clear();
    site.clock.advance(2h);
  }
  const auto row = store::find_remise(site.store->connection(), first).value();
  CHECK(row.joints == "C1-001");
  CHECK(row.non_joints == "C1-002 (451 greylisted)");
}

TEST_CASE("a notification that all refuse waits for a person, or for a flux of the Caf's") {
  Posted site;
  Postbox& post = site.post;
  post.outcome = model::Refused{"destinataire-refuse", "550 no such user"};
  CHECK(site.notify().deferred == 1);
  CHECK(site.store->counts().notifications_in_trouble == 0);
  CHECK(site.store->counts().held_notifications == 1);
  CHECK(site.number("SELECT count(*) FROM echeance") == 0);
  CHECK(site.number("SELECT count(*) FROM trace WHERE action = 'notification.retenue'") == 1);
  site.clock.advance(30 * 24h);
  CHECK(site.notify().deferred == 0);
  CHECK(site.store->next_due(site.clock.now()) > site.clock.now());
  CHECK(post.mails.size() == 1);
  post.outcome = model::Delivered{};
  SECTION("an operator's word") {
    site.store->retry_remise(first, site.clock.now());
  }
  SECTION("a convention that changes") {
    auto avenant = site.contract;
    avenant.version = 2;
    avenant.annexe.personnes[0].courriel = "autre@relais.example.org";
    site.habilitate({new_version(avenant)});
  }
  CHECK(site.notify().accepted == 1);
  CHECK(post.mails.at(0).message_id == post.mails.at(1).message_id);
}

TEST_CASE("a mail server at fault is asked once for all that are due; what is one mail's own fault holds no other") {
  Delivery site;
  Postbox post;
  site.mailer = &post;
  site.pack(false, {}, 1);
  CHECK(site.deliver().delivered == 2);
  const bool of_server = GENERATE(true, false);
  post.outcome =
      model::Retry{"connection lost", std::nullopt, of_server ? model::Scope::mail_server : model::Scope::remise};
  CHECK(site.notify().deferred == 2);
  CHECK(post.mails.size() == (of_server ? 1 : 2));
  CHECK(site.number("SELECT count(*) FROM notification WHERE tentatives = 1 AND motif LIKE '%connection lost'") == 2);
  post.outcome = model::Delivered{};
  if (of_server) {  // it may mind that mail alone
    site.clock.advance(59s);
    CHECK(site.notify().accepted == 1);
    CHECK(post.mails.at(1).message_id != post.mails.at(0).message_id);
    site.clock.advance(2s);
    CHECK(site.notify().accepted == 1);
    return;
  }
  site.clock.advance(2min);
  CHECK(site.notify().accepted == 2);
}

TEST_CASE(
    "a policy that a mail server tells of one recipient keeps no other from the mail; told of several, it is all's") {
  Delivery site;
  Postbox post;
  site.mailer = &post;
  for (const char* reference : {"C", "D", "E"}) site.demande(reference);
  site.route();
  site.pack(false, {}, 1);
  REQUIRE(site.deliver().delivered == 5);
  std::size_t bad = 1;  // of the first remises
  std::set<std::string> tried;
  post.during = [&] {
    const std::string& name = post.mails.back().name;
    tried.insert(name);
    const bool refused = std::stoul(name.substr(name.rfind('-') + 1)) <= bad;
    post.outcome = refused ? model::Outcome(model::Refused{"serveur-refuse", "550 5.7.1", model::Scope::mail_server})
                           : model::Outcome(model::Delivered{});
    post.of_recipient = refused;
  };
  SECTION("one") {
    CHECK(site.notify().accepted == 4);
    CHECK(tried.size() == 5);
  }
  SECTION("several: it is believed, and the others come first an hour later") {
    bad = 4;
    CHECK(site.notify().accepted == 0);
    CHECK(tried.size() == 3);
    site.clock.advance(1h);
    CHECK(site.notify().accepted == 1);
  }
}

TEST_CASE("R5: day 0 is the first person's, however long the mail server keeps another from the mail") {
  Posted site;
  Postbox& post = site.post;
  site.add_person("C1-002", "zoe@relais.example.org");
  const model::Retry down{"connection lost", std::nullopt, model::Scope::mail_server};
  post.outcome = down;
  post.persons = {model::Delivered{}, down};
  CHECK(site.notify().deferred == 1);
  const auto last_day = [&] { return site.text("SELECT jour FROM echeance"); };
  CHECK(last_day() == "2026-11-30");  // from the first acceptance on, whatever becomes of the other
  CHECK(site.text("SELECT etat FROM notification") == "a-envoyer");
  const std::string first_mail = post.mails.back().bytes;
  site.clock.advance(5 * 24h);
  post.persons.clear();
  SECTION("it has the mail at last, and reads the same day in it") {
    post.outcome = model::Delivered{};
    CHECK(site.notify().accepted == 1);
    CHECK_THAT(first_mail, Catch::Contains("30=C2=A0novembre"));
    CHECK_THAT(post.mails.back().bytes, Catch::Contains("30=C2=A0novembre"));
  }
  SECTION("by a policy of the server's it never has it") {
    post.of_recipient = true;
    for (int i = 0; i < 5 && site.notify().accepted == 0; ++i) site.clock.advance(2h);
    CHECK(site.text("SELECT etat FROM notification") == "envoyee");
  }
  CHECK(site.number("SELECT count(*) FROM echeance") == 1);
  CHECK(last_day() == "2026-11-30");
  CHECK(site.text("SELECT date(acceptee_le / 1000, 'unixepoch') FROM notification") == "2026-11-20");
}

TEST_CASE("after hours without a mail server the first try for a mail is no last one") {
  Posted site;
  Postbox& post = site.post;
  post.outcome = model::Retry{"connection lost", std::nullopt, model::Scope::mail_server};
  for (int i = 0; i < 8; ++i) {
    site.notify();
    site.clock.advance(1h);
  }
  post.outcome = model::Retry{"450 greylisted", std::nullopt, model::Scope::lieu};
  site.notify();
  CHECK_FALSE(post.mails.back().last_try);
  site.clock.advance(1h);
  site.notify();
  CHECK(post.mails.back().last_try);
}

TEST_CASE("a slow mail server takes a slice of a pass, one mail at least; one at fault holds nothing up") {
  Delivery site;
  Postbox post;
  site.mailer = &post;
  site.pack(false, {}, 1);
  REQUIRE(site.deliver().delivered == 2);
  post.outcome = model::Delivered{};
  auto report = site.notify(0ms);
  CHECK(report.accepted == 1);
  CHECK(report.more);
  SECTION("the others follow in the next one") {
    report = site.notify();
    CHECK(report.accepted == 1);
    CHECK_FALSE(report.more);
  }
  SECTION("what waits for the server's recovery is not left to be tried in the next slice") {
    site.demande("C");
    site.route();
    site.pack(false, {}, 1);
    REQUIRE(site.deliver().delivered == 1);
    post.outcome = model::Retry{"connection lost", std::nullopt, model::Scope::mail_server};
    report = site.notify(0ms);
    CHECK(report.deferred == 2);
    CHECK_FALSE(report.more);
  }
}

TEST_CASE("a notification stopped midway was no attempt, unless it was accepted") {
  Posted site;
  Postbox& post = site.post;
  post.during = [&] { site.stop.request_stop(); };
  post.outcome = model::Retry{"stopped", std::nullopt};
  CHECK(site.notify().deferred == 0);
  CHECK(site.number("SELECT tentatives FROM notification") == 0);
  site.stop = std::stop_source();
  post.outcome = model::Delivered{};
  CHECK(site.notify().accepted == 1);
  CHECK(site.text("SELECT etat FROM notification") == "envoyee");
}

TEST_CASE("after five tries for everybody the mail is left to those who can be reached") {
  Posted site;
  Postbox& post = site.post;
  post.outcome = model::Retry{"451 mailbox full", std::nullopt};
  for (int i = 0; i < 6; ++i) {
    CHECK(site.notify().deferred == 1);
    CHECK(post.mails.back().last_try == (i == 5));
    site.clock.advance(1h);
  }
}

TEST_CASE("a withdrawn remise that never left leaves no more, and its demandes are withdrawn") {
  Delivery site;
  site.pack();
  site.store->withdraw_remise(first, "par erreur", site.clock.now());
  CHECK(site.text("SELECT etat FROM remise") == "rappelee");
  CHECK(site.states() == "retire retire");
  CHECK(site.deliver().delivered == 0);
  CHECK(site.watched->attempts == 0);
  CHECK(site.names("depart/rpe-a").empty());
  site.route();
  CHECK(site.pack().remises == 0);
  CHECK_THROWS_WITH(site.store->withdraw_remise(first, "encore", site.clock.now()), Catch::Contains("is so already"));
}

TEST_CASE("a withdrawn remise is removed at the lieu, however often that must be tried, also of a suspended lieu") {
  Delivery site;
  site.pack();
  site.deliver();
  site.notify();
  REQUIRE(site.depot(first) == files);
  site.store->suspend_lieu("rpe-a", "enquête", site.clock.now());
  site.store->withdraw_remise(first, "par erreur", site.clock.now());
  CHECK(site.text("SELECT etat FROM echeance") == "annulee");
  CHECK(site.store->counts().recalls_waiting == 1);
  site.watched->fail = true;
  CHECK(site.deliver().deferred == 1);
  CHECK(site.depot(first) == files);
  CHECK(site.deliver().deferred == 0);  // not before its time
  site.watched->fail = false;
  site.clock.advance(2min);
  CHECK(site.deliver().taken_back == 1);
  CHECK(site.depot().empty());
  CHECK(site.text("SELECT etat || ': ' || rappel_faits FROM remise") ==
        "rappelee: dépôt rpe-a/remises/rpe-a-20261120-1: removed");
  CHECK(site.states() == "retire retire");
  CHECK_FALSE(site.store->verify().broken_at);
}

TEST_CASE("a remise that is withdrawn while it leaves does not stay at the lieu") {
  Delivery site;
  site.pack();
  site.watched->before = [&] {
    store::Store operators((site.dir / "navette.db").string(), "agent");
    operators.withdraw_remise(first, "par erreur", site.clock.now());
    site.watched->before = nullptr;
  };
  site.deliver();
  CHECK(site.text("SELECT etat FROM remise") == "rappelee");
  CHECK(site.states() == "retire retire");
  CHECK(site.depot().empty());
  CHECK(site.notify().accepted == 0);
}

TEST_CASE("R15: a remise is issued again with the same content, and told to the lieu as such") {
  Delivery site;
  site.pack();
  site.deliver();
  site.notify();
  auto once = bytes_of(site.dir / "depot" / "rpe-a" / "remises" / first);
  site.clock.advance(24h);
  site.store->reissue_remise(first, "disque perdu", site.clock.now());
  CHECK_THROWS_WITH(site.store->reissue_remise(first, "encore", site.clock.now()), Catch::Contains("already"));
  CHECK(site.pack().demandes == 2);
  CHECK(site.pack().remises == 0);
  CHECK(site.deliver().delivered == 1);
  CHECK(site.notify().accepted == 1);
  auto again = bytes_of(site.dir / "depot" / "rpe-a" / "remises" / "rpe-a-20261121-1");
  again["manifeste.xml"] = once.at("manifeste.xml");
  CHECK(again.erase("BORDEREAU_rpe-a-20261121-1.pdf") == 1);
  CHECK(once.erase("BORDEREAU_" + std::string(first) + ".pdf") == 1);
  CHECK(again == once);
  CHECK(site.states() == "remis remis");
  CHECK(site.text("SELECT r.nom FROM remise n JOIN remise r ON r.id = n.reemise_de") == first);
  const std::string mail = slurp(site.in("courriels") / "rpe-a-20261121-1.eml");
  CHECK_THAT(mail, Catch::Contains("rpe-a-20261120-1"));
  // The issue of an issue is that of the first one.
  site.store->reissue_remise("rpe-a-20261121-1", "encore", site.clock.now());
  CHECK(site.pack().demandes == 2);
  CHECK(site.text("SELECT group_concat(reemise_de) FROM remise WHERE reemise_de IS NOT NULL") == "1,1");
}

TEST_CASE("R15: nothing is issued again after its retention, its withdrawal, or without a convention") {
  Delivery site;
  site.pack();
  const auto refusal = [&] {
    try {
      site.store->reissue_remise(first, "perdu", site.clock.now());
      return std::string("none");
    } catch (const Error& e) {
      return std::string(e.what());
    }
  };
  CHECK_THAT(refusal(), Catch::Contains("not delivered"));
  site.deliver();
  SECTION("its retention ended") {
    site.clock.advance(std::chrono::days(181));  // 20 November + six months: 20 May
    CHECK(refusal() == "none");
    site.store->connection().execute("DELETE FROM reemission");
    site.clock.advance(24h);
    CHECK_THAT(refusal(), Catch::Contains("its retention ended on 2027-05-20"));
  }
  SECTION("it was withdrawn") {
    site.store->withdraw_remise(first, "par erreur", site.clock.now());
    CHECK_THAT(refusal(), Catch::Contains("withdrawn"));
  }
  SECTION("its data were destroyed") {
    site.store->connection().execute("DELETE FROM charge");
    CHECK_THAT(refusal(), Catch::Contains("destroyed"));
  }
  SECTION("its convention is suspended before it is packed: R8") {
    CHECK(refusal() == "none");
    site.suspend_contract();
    const auto report = site.pack();
    CHECK(report.remises == 0);
    REQUIRE(report.faults.size() == 1);
    CHECK_THAT(report.faults[0], Catch::Contains("no convention in force"));
    CHECK(site.pack().faults.empty());
    CHECK(site.states() == "remis remis");
  }
  SECTION("no convention is in force: R8") {
    site.suspend_contract();
    CHECK_THAT(refusal(), Catch::Contains("no convention in force"));
    CHECK(site.text("SELECT count(*) FROM reemission") == "0");
  }
  SECTION("its convention is suspended before it leaves: R8") {
    CHECK(refusal() == "none");
    site.pack();
    site.suspend_contract();
    CHECK(site.deliver().dissolved == 1);
    CHECK(site.states() == "remis remis");
    CHECK(site.text("SELECT count(*) FROM demande WHERE sans_lieu = 1") == "0");
  }
}

TEST_CASE("each Caf is told once a day what needs a person, and nothing when nothing does") {
  Delivery site;
  Postbox post;
  site.mailer = &post;
  CHECK(site.alert() == 0);
  site.pack();
  site.store->hold_remise(first, "le lieu déménage", site.clock.now());
  auto elsewhere = replaced(replaced(slurp("tests/data/demandes/ok-minimale.xml"), "T-ok-minimale", "T-C"),
                            "<reference>A<", "<reference>C<");
  for (const char* insee : {"42187", "2A004"}) {
    const auto at = std::string("C") + insee;
    REQUIRE(site.take_in("monenfant", replaced(replaced(replaced(elsewhere, "T-C", at), ">C<", ">" + at + "<"), "42218",
                                               insee)) == "accepte ");
  }
  site.route();
  CHECK(site.alert() == 1);
  REQUIRE(post.mails.size() == 1);
  const channels::Mail mail = post.mails[0];
  CHECK(mail.recipients == std::vector<std::string>{"caf@example.org"});
  CHECK(mail.message_id == "alerte-421-2026-11-20@caf.example.org");
  CHECK_THAT(mail.bytes, Catch::Contains(first) && Catch::Contains("(42187)"));
  CHECK_THAT(mail.bytes, !Catch::Contains("2A004"));  // another Caf's
  CHECK(site.alert() == 0);
  site.clock.advance(24h);
  CHECK(site.alert() == 1);
  CHECK(post.mails[1].message_id != mail.message_id);
  CHECK_THAT(site.text("SELECT group_concat(action) FROM trace WHERE objet = 'caf:421'"),
             Catch::Equals("alerte.acceptee,alerte.acceptee"));
  // Whose answer is lost each time comes five times.
  post.outcome = model::Retry{"the server did not answer", std::nullopt, model::Scope::mail_server};
  post.in_doubt = true;
  post.mails.clear();
  site.clock.set(model::start_of(model::paris_day(site.clock.now() + 24h)));
  for (int hour = 0; hour < 23; ++hour, site.clock.advance(1h)) CHECK(site.alert() == 0);
  CHECK(post.mails.size() == 5);
}

TEST_CASE("an alert that the mail server does not take is sent later, the same day once") {
  Delivery site;
  Postbox post;
  site.mailer = &post;
  site.pack();
  site.store->hold_remise(first, "le lieu déménage", site.clock.now());
  post.outcome = model::Retry{"451 later", std::nullopt, model::Scope::mail_server};
  CHECK(site.alert() == 0);
  CHECK(site.alert() == 0);
  CHECK(post.mails.size() == 1);  // not before its time
  post.outcome = model::Delivered{};
  site.clock.advance(2min);
  CHECK(site.alert() == 1);
  CHECK(post.mails.at(0).message_id == post.mails.at(1).message_id);
  CHECK(site.alert() == 0);
}

TEST_CASE("what a suspension cancelled leaves after all when it is lifted, also where another lieu is served") {
  Delivery site;
  auto other = convention("C2", {lieu("rpe-b", {"42218"})});
  site.habilitate({new_version(other)});
  site.demande("C");
  site.route();
  CHECK(site.number(
            "SELECT count(*) FROM acheminement a JOIN demande d ON d.id = a.demande_id WHERE reference = 'C'") == 2);
  other.suspension = model::Suspension{model::paris_day(site.clock.now()), "travaux"};
  site.habilitate({same_version(other)});
  site.pack();
  site.deliver();
  CHECK(site.states() == "remis remis remis annule");
  other.suspension.reset();
  site.habilitate({same_version(other)});
  site.route();
  site.pack();
  site.deliver();
  CHECK(site.states() == "remis remis remis remis");
}
