// How many deliveries go on at once, and what failures that come together do: with a partner's server that notes who is
// connected and answers when it is told to.
#include "stages/deliver.h"

#include <condition_variable>
#include <mutex>

#include <catch2/catch.hpp>

#include "flux/channel_profile.h"
#include "support/conventions.h"
#include "support/sftp_profiles.h"
#include "support/stage_site.h"

using namespace navette;
using namespace std::chrono_literals;
using test::convention;
using test::courriel;
using test::new_version;
using test::sftp;

namespace {

// All the servers there are, by account. Each attempt waits until it is let go.
class Servers {
 public:
  void connect(const std::string& account) {
    const std::lock_guard lock(mutex_);
    most_[account] = std::max(most_[account], ++connected_[account]);
  }
  void disconnect(const std::string& account) {
    const std::lock_guard lock(mutex_);
    --connected_[account];
  }
  // Returns once it is let go. A delivery that nobody lets go ends by itself: the test fails, and does not hang.
  void attempt(const std::string& what) {
    std::unique_lock lock(mutex_);
    waiting_.insert(what);
    changed_.notify_all();
    changed_.wait_for(lock, 60s, [&] { return open_ || let_go_.contains(what); });
    waiting_.erase(what);
    done_.push_back(what);
  }
  void let_go(const std::string& what) {
    const std::lock_guard lock(mutex_);
    let_go_.insert(what);
    changed_.notify_all();
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  // What is under way, once that many are.
  std::set<std::string> under_way(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 60s, [&] { return waiting_.size() >= count; });
    return waiting_;
  }
  int most(const std::string& account) {
    const std::lock_guard lock(mutex_);
    return most_[account];
  }
  std::vector<std::string> done() {
    const std::lock_guard lock(mutex_);
    return done_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> connected_;
  std::map<std::string, int> most_;
  std::set<std::string> waiting_;
  std::set<std::string> let_go_;
  std::vector<std::string> done_;
  bool open_ = false;
};

// By remise; none: Delivered. By "apart:" and remise, why it cannot be told whether the lieu has it; none: it has not.
using Answers = std::map<std::string, model::Outcome>;

// Connects at its first attempt and stays so until it goes, as SftpSender does.
class Client final : public channels::FileSender {
 public:
  Client(Servers& servers, std::string account, const Answers& answers)
      : servers_(servers), account_(std::move(account)), answers_(answers) {}
  ~Client() override {
    if (connected_) servers_.disconnect(account_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  model::Outcome send(const channels::RemiseToSend& remise) override { return attempt(remise.remise); }
  model::Outcome withdraw(const channels::RemiseToSend& remise) override { return attempt(remise.remise); }
  std::optional<model::Delivered> look(const channels::RemiseToSend& remise) override {
    const auto answer = answers_.find("apart:" + remise.remise);
    if (answer == answers_.end()) return std::nullopt;
    servers_.attempt(answer->first);
    throw channels::CannotTell(answer->second);
  }
  void forget(const channels::RemiseToSend&) override {}
  bool tells_pickups() const override { return true; }
  std::vector<std::size_t> picked_up(const std::vector<channels::RemiseThere>& remises) override {
    const model::Outcome outcome = attempt("look:" + remises.at(0).lieu);
    if (const auto* failed = std::get_if<model::Retry>(&outcome)) throw Error(failed->reason);
    return {};
  }
  std::string describe_place(const std::string&) const override { return "serveur"; }

 private:
  model::Outcome attempt(const std::string& what) {
    if (!connected_) servers_.connect(account_);
    connected_ = true;
    servers_.attempt(what);
    const auto answer = answers_.find(what);
    return answer == answers_.end() ? model::Delivered{"sftp"} : answer->second;
  }

  Servers& servers_;
  std::string account_;
  const Answers& answers_;
  bool connected_ = false;
};

struct Partners : test::StageSite {
  explicit Partners(const std::map<std::string, model::Channel>& channels) {
    std::vector<model::Lieu> lieux;
    for (const auto& [name, channel] : channels) {
      lieux.push_back(test::lieu(name, {"42218"}));
      lieux.back().channel = channel;
    }
    habilitate({new_version(convention("C1", lieux))});
  }
  ~Partners() { servers.open(); }
  Partners(const Partners&) = delete;
  Partners& operator=(const Partners&) = delete;

  // Due remises of a lieu: <lieu>-1 …
  void due(const std::string& lieu, int count) {
    const Directory depart = spool.depart.make_dir(lieu);
    for (int i = 1; i <= count; ++i) {
      const std::string name = lieu + "-" + std::to_string(i);
      remise(name, lieu, "prete");
      depart.make_dir(name);
    }
  }
  // Begins what may begin, and what is under way then.
  std::set<std::string> begin(std::size_t expected) {
    delivering().step(0ms);
    return servers.under_way(expected);
  }
  // Waits for the ends of these, which are let go, and begins what may follow.
  void end(const std::vector<std::string>& remises) {
    for (const std::string& name : remises) servers.let_go(name);
    const auto before = ended;
    for (int i = 0; i < 60 && ended < before + remises.size(); ++i) settle(1s);
    REQUIRE(ended == before + remises.size());
  }
  void finish() {
    servers.open();
    while (delivering().step(1s)) continue;
    settle(0ms);
  }
  void settle(std::chrono::milliseconds patience) {
    delivering().step(patience);
    const auto report = delivering().take_report();
    ended += report.delivered + report.deferred + report.refused + report.taken_back;
  }
  stages::Delivering& delivering() {
    if (!delivering_) delivering_.emplace(stages::DeliverTools{spool, *store, sender_for, test::communes(), clock, 2});
    return *delivering_;
  }
  void end_delivering() { delivering_.reset(); }
  long delivered() const { return number("SELECT count(*) FROM remise WHERE etat = 'livree'"); }
  long failures(const std::string& lieu) const {
    return number("SELECT echecs FROM lieu WHERE identifiant = '" + lieu + "'");
  }
  long held(const std::string& lieu) const {
    return number("SELECT retenu FROM lieu WHERE identifiant = '" + lieu + "'");
  }

  Servers servers;
  Answers answers;
  std::size_t ended = 0;
  std::size_t senders_made = 0;

 private:
  stages::SenderFactory sender_for = [this](const model::Channel& channel, const std::stop_token&) {
    ++senders_made;
    const auto* sftp_channel = std::get_if<model::SftpChannel>(&channel);
    const std::string account = sftp_channel == nullptr ? "depot" : flux::read_sftp_profile(sftp_channel->xml).user;
    return std::make_unique<Client>(servers, account, answers);
  };
  std::optional<stages::Delivering> delivering_;
};

using Names = std::set<std::string>;
const model::Retry no_answer{"no answer", std::nullopt, model::Scope::lieu};
const model::Refused no_login{"connexion-refusee", "too many", model::Scope::access};

}  // namespace

TEST_CASE("an account with one connection serves its lieux one after another, over one connection at a time") {
  std::map<std::string, model::Channel> lieux;
  for (int i = 10; i < 40; ++i) lieux["rpe-" + std::to_string(i)] = sftp("epci", 1);
  Partners site(lieux);
  for (const auto& [name, channel] : lieux) site.due(name, 2);
  CHECK(site.begin(1) == Names{"rpe-10-1"});
  site.finish();
  CHECK(site.delivered() == 60);
  CHECK(site.servers.done().size() == 60);
  CHECK(site.servers.most("epci") == 1);
}

TEST_CASE("a lieu's backlog leaves over as many connections as its profile says, each used again") {
  Partners site({{"rpe-a", sftp("epci", 3)}});
  site.due("rpe-a", 7);
  CHECK(site.begin(3) == Names{"rpe-a-1", "rpe-a-2", "rpe-a-3"});
  site.end({"rpe-a-2"});
  CHECK(site.begin(3) == Names{"rpe-a-1", "rpe-a-3", "rpe-a-4"});
  site.finish();
  CHECK(site.delivered() == 7);
  CHECK(site.servers.done().size() == 7);
  CHECK(site.servers.most("epci") == 3);
  CHECK(site.senders_made == 3);
}

TEST_CASE("connections that the next remises cannot use are closed before others open") {
  Partners site({{"rpe-a", sftp("epci", 16)}, {"rpe-b", sftp("epci", 16)}});
  site.due("rpe-a", 16);
  site.due("rpe-b", 16);
  REQUIRE(site.begin(16).size() == 16);
  site.finish();
  CHECK(site.delivered() == 32);
  CHECK(site.servers.most("epci") == 16);
}

TEST_CASE("accounts do not concern one another, and a dépôt has one remise a lieu under way") {
  Partners site({{"rpe-a", sftp("un", 2)}, {"rpe-b", sftp("deux", 1)}, {"rpe-c", model::DepotChannel{}}});
  for (const char* lieu : {"rpe-a", "rpe-b", "rpe-c"}) site.due(lieu, 3);
  CHECK(site.begin(4) == Names{"rpe-a-1", "rpe-a-2", "rpe-b-1", "rpe-c-1"});
  site.finish();
  CHECK(site.delivered() == 9);
  CHECK(site.servers.most("un") == 2);
  CHECK(site.servers.most("deux") == 1);
}

TEST_CASE("a dead account with more that is due than there are threads holds up no other") {
  std::map<std::string, model::Channel> lieux{{"rpe-z", sftp("vif", 1)}};
  for (int i = 10; i < 90; ++i) lieux["rpe-" + std::to_string(i)] = sftp("mort", 2);
  Partners site(lieux);
  for (const auto& [name, channel] : lieux) site.due(name, 1);  // the dead one's come first
  CHECK(site.begin(3) == Names{"rpe-10-1", "rpe-11-1", "rpe-z-1"});
  site.end({"rpe-z-1"});
  CHECK(site.delivered() == 1);
}

TEST_CASE("lieux that failed before take half of the places, and leave the others to those who answer") {
  std::map<std::string, model::Channel> lieux{{"rpe-vif", sftp("vif", 1)}};
  for (int i = 100; i < 180; ++i) {
    const std::string name = "rpe-" + std::to_string(i);
    lieux[name] = sftp(name, 1);
  }
  Partners site(lieux);
  for (const auto& [name, channel] : lieux) site.due(name, 1);
  site.store->connection().execute("UPDATE lieu SET echecs = 1, premier_echec = 1 WHERE identifiant <> 'rpe-vif'");
  const std::size_t places = stages::partners_at_a_time / 2;
  const Names begun = site.begin(places + 1);
  CHECK(begun.size() == places + 1);
  CHECK(begun.count("rpe-vif-1") == 1);
  site.delivering().step(0ms);
  CHECK(site.servers.under_way(places + 1).size() == places + 1);
  site.finish();
  CHECK(site.delivered() == 81);
}

TEST_CASE("an account whose server does not answer is tried once a pass, whatever lieux it serves") {
  Partners site({{"rpe-a", sftp("mute", 1)},
                 {"rpe-b", sftp("mute", 1)},
                 {"rpe-c", sftp("mute", 1)},
                 {"rpe-d", sftp("other", 1)}});
  for (const char* lieu : {"rpe-a", "rpe-b", "rpe-c", "rpe-d"}) {
    site.due(lieu, 1);
    site.answers[lieu + std::string("-1")] = model::Retry{"no answer", std::nullopt, model::Scope::access};
  }
  site.answers.erase("rpe-d-1");
  site.servers.open();
  site.delivering().begin_pass();
  site.finish();
  CHECK(site.delivered() == 1);
  CHECK(site.servers.done().size() == 2);
  // All three wait, and the next failure is the second of each.
  site.delivering().begin_pass();
  site.finish();
  CHECK(site.servers.done().size() == 2);
  for (int i = 2; i <= 3; ++i) {
    site.clock.advance(2h);
    site.delivering().begin_pass();
    site.finish();
    for (const char* lieu : {"rpe-a", "rpe-b", "rpe-c"}) CHECK(site.failures(lieu) == i);
  }
  CHECK(site.failures("rpe-d") == 0);
}

TEST_CASE("a server that cannot be asked what it has is asked once a pass, whatever lieux it serves") {
  std::map<std::string, model::Channel> lieux;
  for (int i = 10; i < 22; ++i) lieux["rpe-" + std::to_string(i)] = sftp("mort", 1);
  Partners site(lieux);
  auto& db = site.store->connection();
  db.execute(
      "INSERT INTO flux (id, ticket, emetteur, nom, recu_le, taille, etat) VALUES (99, 'D', 'monenfant', '', 0, 0, "
      "'accepte')");
  for (const auto& [lieu, channel] : lieux) {
    site.due(lieu, 1);
    site.answers["apart:" + lieu + "-1"] = model::Retry{"no answer", std::nullopt, model::Scope::access};
  }
  db.execute("UPDATE remise SET tentee_par = version_id");
  SECTION("for what is to be taken apart after an attempt that failed") {
    db.execute(
        "INSERT INTO demande (flux_id, emetteur, reference, jour, sha256, admise, retenue) "
        "SELECT 99, 'monenfant', nom, '2026-11-19', '', 1, 'à vérifier' FROM remise");
    db.execute(
        "INSERT INTO acheminement (demande_id, lieu_id, version_id, etat, du, remise_id) SELECT d.id, r.lieu_id, "
        "r.version_id, 'en-remise', 0, r.id FROM remise r JOIN demande d ON d.reference = r.nom");
  }
  SECTION("for what is to be cleared at a former place") {
    auto moved = convention("C1", {});
    moved.version = 2;
    for (const auto& [lieu, channel] : lieux) {
      moved.annexe.lieux.push_back(test::lieu(lieu, {"42218"}));
      moved.annexe.lieux.back().channel = sftp("vif", 1);
    }
    site.habilitate({new_version(moved)});
  }
  site.servers.open();
  site.delivering().begin_pass();
  site.finish();
  CHECK(site.servers.done().size() == 1);
  CHECK(site.number("SELECT count(*) FROM remise WHERE etat = 'prete'") == 12);
  site.clock.advance(2h);
  site.delivering().begin_pass();
  site.finish();
  CHECK(site.servers.done().size() == 2);
}

TEST_CASE("a login that is refused is tried once, and one operator's word or one success frees all its lieux") {
  Partners site({{"rpe-a", sftp("cle", 1)}, {"rpe-b", sftp("cle", 1)}, {"rpe-c", sftp("autre", 1)}});
  for (const char* lieu : {"rpe-a", "rpe-b", "rpe-c"}) site.due(lieu, 1);
  site.answers["rpe-a-1"] = model::Refused{"connexion-refusee", "the key is not accepted", model::Scope::access};
  site.servers.open();
  site.finish();
  const auto tried = site.servers.done();
  CHECK(Names(tried.begin(), tried.end()) == Names{"rpe-a-1", "rpe-c-1"});
  CHECK(tried.size() == 2);
  CHECK(site.number("SELECT count(*) FROM lieu WHERE retenu = 1") == 2);
  site.answers.clear();
  SECTION("the word of an operator, of whichever lieu") {
    site.store->retry_lieu("rpe-b", site.clock.now());
  }
  SECTION("a success of another") {
    site.store->connection().execute("UPDATE lieu SET retenu = 0, prochaine = 0 WHERE identifiant = 'rpe-b'");
    site.finish();
    CHECK(site.number("SELECT count(*) FROM lieu WHERE retenu = 1") == 0);
  }
  site.finish();
  CHECK(site.delivered() == 3);
}

TEST_CASE("a former server that fails holds up no delivery at the lieu's present one") {
  Partners site({{"rpe-a", sftp("ancien", 1)}});
  site.due("rpe-a", 2);
  site.store->connection().execute("UPDATE remise SET tentatives = 1, tentee_par = version_id WHERE nom = 'rpe-a-1'");
  site.store->withdraw_remise("rpe-a-1", "erreur", site.clock.now());
  auto moved = convention("C1", {test::lieu("rpe-a", {"42218"})});
  moved.version = 2;
  moved.annexe.lieux[0].channel = sftp("nouveau", 1);
  site.habilitate({new_version(moved)});
  site.answers["rpe-a-1"] = model::Refused{"connexion-refusee", "the key is not accepted", model::Scope::access};
  site.servers.open();
  site.finish();
  CHECK(site.servers.most("ancien") == 1);
  CHECK(site.text("SELECT etat FROM remise WHERE nom = 'rpe-a-2'") == "livree");
  CHECK(site.number("SELECT retenu + echecs FROM lieu") == 0);
  const std::string reason = site.text("SELECT motif FROM remise WHERE nom = 'rpe-a-1'");
  CHECK_THAT(reason, Catch::StartsWith("connexion-refusee: ") && Catch::Contains("navette remises taken-back"));
}

TEST_CASE("what ended while the store was full is written once it is not, and nothing of it is done twice") {
  Partners site({{"rpe-a", sftp("cle", 3)}, {"rpe-b", sftp("autre", 1)}, {"rpe-c", model::DepotChannel{}}});
  for (const char* lieu : {"rpe-a", "rpe-b", "rpe-c"}) site.due(lieu, 3);
  site.answers.insert({"rpe-b-1", no_answer});
  site.begin(5);
  site.store->connection().execute(
      "CREATE TRIGGER plein BEFORE UPDATE OF etat, echecs ON remise BEGIN SELECT RAISE(ABORT, 'disk full'); END");
  site.store->connection().execute(
      "CREATE TRIGGER plein_aussi BEFORE UPDATE OF echecs ON lieu BEGIN SELECT RAISE(ABORT, 'disk full'); END");
  site.servers.open();
  int failed = 0;
  for (int i = 0; i < 60 && (failed < 3 || site.servers.done().size() < 5); ++i) {
    try {
      site.delivering().step(1s);
    } catch (const std::exception&) {
      ++failed;
    }
  }
  CHECK(failed >= 3);
  CHECK(site.delivered() == 0);
  site.store->connection().execute("DROP TRIGGER plein");
  site.store->connection().execute("DROP TRIGGER plein_aussi");
  site.finish();
  CHECK(site.delivered() == 6);  // rpe-b failed, and is left alone
  CHECK(site.failures("rpe-b") == 1);
  CHECK(site.servers.done().size() == 7);
  CHECK(site.ended == 7);
}

TEST_CASE("a stop writes down what had ended") {
  Partners site({{"rpe-a", sftp("cle", 1)}});
  site.due("rpe-a", 1);
  CHECK(site.begin(1) == Names{"rpe-a-1"});
  site.servers.open();
  site.end_delivering();  // whose threads have all ended by then
  CHECK(site.text("SELECT etat FROM remise") == "livree");
}

TEST_CASE("what one lieu's directory does wrong concerns no other of its account, whose success does not free it") {
  Partners site({{"rpe-a", sftp("commun", 1)}, {"rpe-b", sftp("commun", 1)}});
  for (const char* lieu : {"rpe-a", "rpe-b"}) site.due(lieu, 1);
  site.answers["rpe-a-1"] = model::Refused{"repertoire-absent", "no such directory", model::Scope::lieu};
  site.servers.open();
  site.finish();
  CHECK(site.servers.done() == std::vector<std::string>{"rpe-a-1", "rpe-b-1"});
  CHECK(site.text("SELECT group_concat(identifiant) FROM lieu WHERE retenu = 1") == "rpe-a");
}

TEST_CASE("our own mail server, down for weeks, holds nobody") {
  Partners site({{"rpe-a", courriel("a")}, {"rpe-b", courriel("b")}});
  for (const char* lieu : {"rpe-a", "rpe-b"}) {
    site.due(lieu, 1);
    site.answers[lieu + std::string("-1")] = model::Retry{"no answer", std::nullopt, model::Scope::mail_server};
  }
  site.servers.open();
  for (int day = 0; day < 20; ++day) {
    site.delivering().begin_pass();
    site.finish();
    site.clock.advance(24h);
  }
  CHECK(site.servers.done().size() == 20);  // one lieu a pass asks for all
  CHECK(site.number("SELECT count(*) FROM lieu WHERE retenu = 1") == 0);
  CHECK(site.number("SELECT count(*) FROM remise WHERE etat = 'prete'") == 2);
  site.answers.clear();
  site.delivering().begin_pass();
  site.finish();
  CHECK(site.delivered() == 2);
}

TEST_CASE(
    "R1, R8: rights are checked right before each e-mail: a lieu suspended while another's is sent gets nothing") {
  Partners site({{"rpe-a", courriel("a")}, {"rpe-b", courriel("b")}, {"rpe-c", courriel("c")}});
  for (const char* lieu : {"rpe-a", "rpe-b", "rpe-c"}) site.due(lieu, 1);
  CHECK(site.begin(1) == Names{"rpe-a-1"});
  site.store->suspend_lieu("rpe-b", "clef perdue", site.clock.now());
  site.finish();
  CHECK(site.servers.done() == std::vector<std::string>{"rpe-a-1", "rpe-c-1"});
  CHECK(site.delivered() == 2);
}

TEST_CASE("what was packed before its lieu got another server counts at the new one") {
  Partners site({{"rpe-a", sftp("ancien", 1)}, {"rpe-b", sftp("autre", 1)}});
  site.due("rpe-a", 2);
  site.due("rpe-b", 1);
  auto moved = convention("C1", {test::lieu("rpe-a", {"42218"}), test::lieu("rpe-b", {"42218"})});
  moved.version = 2;
  moved.annexe.lieux[0].channel = sftp("autre", 1);
  moved.annexe.lieux[1].channel = sftp("autre", 1);
  site.habilitate({new_version(moved)});
  CHECK(site.begin(1) == Names{"rpe-a-1"});
  site.finish();
  CHECK(site.delivered() == 3);
  CHECK(site.servers.most("autre") == 1);
  CHECK(site.servers.most("ancien") == 0);
}

TEST_CASE("a recall counts at the account, and a look as well, which begins when nothing of its lieu is under way") {
  Partners site({{"rpe-a", sftp("epci", 1)}, {"rpe-b", sftp("epci", 1)}});
  site.remise("rpe-a-vue", "rpe-a");
  site.remise("rpe-b-vue", "rpe-b");
  site.due("rpe-a", 1);
  site.remise("rpe-b-rappel", "rpe-b", "a-rappeler");
  site.clock.advance(1h);
  CHECK(site.begin(1) == Names{"rpe-a-1"});
  site.finish();
  CHECK(site.servers.done() == std::vector<std::string>{"rpe-a-1", "rpe-b-rappel", "look:rpe-a", "look:rpe-b"});
  CHECK(site.servers.most("epci") == 1);
}

TEST_CASE("a lieu is looked at again though the clock was ahead for a while") {
  Partners site({{"rpe-a", sftp("epci", 1)}});
  site.remise("rpe-a-vue", "rpe-a");
  site.servers.open();
  site.clock.advance(10h);
  site.finish();
  CHECK(site.servers.done().size() == 1);
  site.clock.advance(-9h);
  site.finish();
  CHECK(site.servers.done().size() == 2);
  site.finish();
  CHECK(site.servers.done().size() == 2);  // not at once
}

TEST_CASE("a look that failed is told until another one does not, and tried again after an hour or when told to") {
  Partners site({{"rpe-a", sftp("epci", 1)}});
  site.remise("rpe-a-vue", "rpe-a");
  site.servers.open();
  site.clock.advance(1h);
  site.answers["look:rpe-a"] = no_answer;
  site.finish();
  const std::vector<std::string> faults{"pickups of rpe-a: no answer"};
  CHECK(site.store->look_faults() == faults);
  site.end_delivering();  // another process
  site.clock.advance(50min);
  site.finish();
  CHECK(site.servers.done().size() == 1);
  CHECK(site.store->look_faults() == faults);
  site.answers.clear();
  SECTION("an hour later") {
    site.clock.advance(11min);
  }
  SECTION("an operator's word") {
    site.store->retry_lieu("rpe-a", site.clock.now());
    site.clock.advance(1min);
  }
  SECTION("the clock was ahead") {
    site.clock.advance(-60min);
  }
  site.finish();
  CHECK(site.servers.done().size() == 2);
  CHECK(site.store->look_faults().empty());
}

TEST_CASE("an operator's word looks again within the quarter of an hour between looks") {
  Partners site({{"rpe-a", sftp("epci", 1)}});
  site.remise("rpe-a-vue", "rpe-a");
  site.servers.open();
  site.clock.advance(1h);
  site.finish();
  site.clock.advance(2min);
  site.finish();
  CHECK(site.servers.done().size() == 1);
  site.store->retry_lieu("rpe-a", site.clock.now());
  site.clock.advance(1min);
  site.finish();
  CHECK(site.servers.done().size() == 2);
  site.clock.advance(2min);
  site.finish();
  CHECK(site.servers.done().size() == 2);
}

TEST_CASE("the fault of a look is forgotten with what was waited for") {
  Partners site({{"rpe-a", sftp("epci", 1)}});
  site.remise("rpe-a-vue", "rpe-a");
  site.servers.open();
  site.clock.advance(1h);
  site.answers["look:rpe-a"] = no_answer;
  site.finish();
  REQUIRE(site.store->look_faults().size() == 1);
  site.store->confirm_pickup("rpe-a-vue", "the lieu says so", site.clock.now());
  site.clock.advance(5min);
  site.finish();
  CHECK(site.store->look_faults().empty());
}

TEST_CASE("attempts that fail together are one failure of the partner") {
  Partners site({{"rpe-a", sftp("epci", 3)}});
  site.due("rpe-a", 4);
  for (int i = 1; i <= 4; ++i) site.answers["rpe-a-" + std::to_string(i)] = no_answer;
  REQUIRE(site.begin(3).size() == 3);
  site.end({"rpe-a-1", "rpe-a-2", "rpe-a-3"});
  CHECK(site.failures("rpe-a") == 1);
  CHECK(site.servers.done().size() == 3);  // the fourth waits with them
  site.clock.advance(2min);
  site.finish();
  CHECK(site.failures("rpe-a") == 2);
  CHECK(site.held("rpe-a") == 0);
}

TEST_CASE("a partner that takes one remise is not held for what it refuses beside it") {
  Partners site({{"rpe-a", sftp("epci", 2)}});
  site.due("rpe-a", 2);
  site.answers["rpe-a-1"] = no_login;
  REQUIRE(site.begin(2).size() == 2);
  SECTION("taken first") {
    site.end({"rpe-a-2"});
    site.end({"rpe-a-1"});
    CHECK(site.failures("rpe-a") == 1);
    CHECK(site.held("rpe-a") == 0);
    site.clock.advance(2min);
    site.finish();
    CHECK(site.held("rpe-a") == 1);  // alone, it is the partner's word
  }
  SECTION("refused first") {
    site.end({"rpe-a-1"});
    CHECK(site.held("rpe-a") == 1);
    site.end({"rpe-a-2"});
    CHECK(site.failures("rpe-a") == 0);
    CHECK(site.held("rpe-a") == 0);
  }
}

TEST_CASE("a partner that failed for five days and takes one again is not held for another that fails beside it") {
  Partners site({{"rpe-a", sftp("epci", 2)}});
  site.due("rpe-a", 2);
  site.store->connection().execute("UPDATE lieu SET echecs = 90, premier_echec = " +
                                   std::to_string(store::to_column(site.clock.now() - std::chrono::days(6))));
  site.answers["rpe-a-1"] = no_answer;
  REQUIRE(site.begin(2).size() == 2);
  site.end({"rpe-a-2"});
  site.end({"rpe-a-1"});
  CHECK(site.failures("rpe-a") == 1);
  CHECK(site.held("rpe-a") == 0);
}
