// The pipelined client against a real OpenSSH server.
#include "lib/ssh/sftp.h"

#include <filesystem>
#include <functional>
#include <future>

#include <catch2/catch.hpp>

#include "support/sshd.h"

using namespace navette;
using namespace std::chrono_literals;
using ssh::SftpError;
using ssh::Upload;
using ssh::UploadRules;
using test::Sshd;
namespace fs = std::filesystem;

namespace {

class Text final : public ssh::Source {
 public:
  Text(std::string bytes, bool intact) : bytes_(std::move(bytes)), intact_(intact) {
    most_open = std::max(most_open, ++open);
  }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  ~Text() override { --open; }
  std::size_t read(char* buffer, std::size_t size) override {
    const std::size_t n = bytes_.copy(buffer, size, at_);
    at_ += n;
    return n;
  }
  bool intact() override { return intact_; }

  static inline int open = 0;
  static inline int most_open = 0;

 private:
  std::string bytes_;
  std::size_t at_ = 0;
  bool intact_;
};

// tests/support/odd_sftp.py instead of OpenSSH's; what it was asked for goes to `log`.
Sshd::Options odd(const std::string& kind, const fs::path& log = "/dev/null") {
  const std::string script = fs::absolute("tests/support/odd_sftp.py").string();
  return {{"ed25519"}, "/usr/bin/python3 -S " + script + " " + kind + " " + log.string(), ""};
}

struct Server {
  explicit Server(const Sshd::Options& options = {}) : sshd(options) { fs::create_directory(there()); }
  fs::path there() const { return sshd.dir / "partner"; }
  ssh::Sftp connect(std::chrono::milliseconds patience = 10s) const {
    ssh::Server s;
    s.host = "127.0.0.1";
    s.port = sshd.port();
    s.user = Sshd::user();
    s.fingerprint = sshd.fingerprint();
    s.key = sshd.dir.get("client");
    return ssh::Sftp(ssh::Session(s, patience));
  }
  std::string path(const std::string& name) const { return (there() / name).string(); }
  Upload upload(const std::string& name, const std::string& bytes, const std::string& suffix = ".part",
                bool intact = true) const {
    Upload u;
    u.path = path(name);
    if (!suffix.empty()) u.temporary = u.path + suffix;
    u.size = bytes.size();
    u.open = [bytes, intact] { return std::make_unique<Text>(bytes, intact); };
    return u;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& e : fs::directory_iterator(there())) out.push_back(e.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string content(const std::string& name) const { return sshd.dir.get("partner/" + name); }

  Sshd sshd;
};

// With little patience, which a busy machine may need to start that server at all.
ssh::Sftp connect_to_odd(const Server& server) {
  constexpr int tries = 20;
  for (int i = 1; i < tries; ++i) {
    try {
      return server.connect(1s);
    } catch (const ssh::SshError& e) {
      if (e.fault() != ssh::Fault::timed_out) throw;
    }
  }
  return server.connect(1s);
}

ssh::UploadReport send(ssh::Sftp& sftp, const std::vector<Upload>& uploads, const UploadRules& rules = {}) {
  ssh::UploadReport report;
  sftp.upload(uploads, rules, report);
  return report;
}

// Bytes of that length, no two files' alike.
std::string filler(std::size_t size, std::size_t seed) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 31 + i / 251 + seed * 7) & 0xFFU);
  return out;
}

bool all(const std::vector<bool>& done) {
  return std::all_of(done.begin(), done.end(), [](bool d) { return d; });
}

}  // namespace

TEST_CASE("hundreds of files of every size arrive whole, under their names alone") {
  const Server server;
  auto sftp = server.connect();
  CHECK(sftp.has("fsync@openssh.com"));
  std::vector<Upload> uploads;
  std::vector<std::string> bytes;
  for (std::size_t i = 0; i < 300; ++i) {
    const std::size_t size = i == 7 ? 9'000'000 : i == 8 ? 0 : i == 9 ? 32768 : (i * 397) % 70'000;
    bytes.push_back(filler(size, i));
    uploads.push_back(server.upload("DI_" + std::to_string(i) + ".pdf", bytes.back()));
  }
  const auto report = send(sftp, uploads);
  CHECK_FALSE(report.failure);
  CHECK(all(report.done));
  CHECK(server.names().size() == 300);
  for (std::size_t i = 0; i < 300; ++i) CHECK(server.content("DI_" + std::to_string(i) + ".pdf") == bytes[i]);
}

TEST_CASE("what stands there already is replaced only where that is allowed") {
  for (const char* suffix : {".part", ""}) {
    const Server server;
    auto sftp = server.connect();
    server.sshd.dir.put("partner/a", "theirs");
    const auto refused = send(sftp, {server.upload("a", "ours", suffix)}, {true, false});
    REQUIRE(refused.failure);
    CHECK_FALSE(refused.done[0]);
    CHECK(server.content("a") == "theirs");
    CHECK(server.names() == std::vector<std::string>{"a"});
    CHECK_FALSE(send(sftp, {server.upload("a", "ours", suffix)}, {true, true}).failure);
    CHECK(server.content("a") == "ours");
    CHECK(server.names() == std::vector<std::string>{"a"});
  }
}

TEST_CASE("what a former connection left under a temporary name is not written to, where it can be removed") {
  for (const char* subsystem : {"internal-sftp", "internal-sftp -P remove"}) {
    const Server server({{"ed25519"}, subsystem, ""});
    auto sftp = server.connect();
    server.sshd.dir.put("partner/a.part", "of a former connection");
    fs::create_hard_link(server.there() / "a.part", server.there() / "former");
    const bool removes = std::string_view(subsystem) == "internal-sftp";
    const auto report = send(sftp, {server.upload("a", "ours"), server.upload("b", "ours")}, {true, false, true});
    CHECK_FALSE(report.failure);
    CHECK(all(report.done));
    CHECK(server.names() == std::vector<std::string>{"a", "b", "former"});
    CHECK(server.content("a") == "ours");
    CHECK(server.content("former") == (removes ? "of a former connection" : "ours"));
  }
}

TEST_CASE("servers that lack extensions or operations") {
  const Server plain({{"ed25519"}, "internal-sftp -P fsync,posix-rename,statvfs", ""});
  auto sftp = plain.connect();
  plain.sshd.dir.put("partner/a", "theirs");
  CHECK_FALSE(send(sftp, {plain.upload("a", "ours")}, {true, true}).failure);
  CHECK(plain.content("a") == "ours");

  const Server without_rename({{"ed25519"}, "internal-sftp -P rename,posix-rename", ""});
  auto second = without_rename.connect();
  const auto report = send(second, {without_rename.upload("a", "ours")});
  REQUIRE(report.failure);
  CHECK(report.failure->code == SftpError::permission_denied);
  CHECK_THAT(report.failure->what, Catch::Contains("rename"));
  CHECK(without_rename.names().empty());
  CHECK_FALSE(send(second, {without_rename.upload("a", "ours", "")}).failure);
}

TEST_CASE("sizes are looked at in whatever way the server has, and found to differ") {
  for (const char* without : {"open", "fstat", "stat", "fstat,stat", "fstat,lstat"}) {
    INFO(without);
    const bool all_ways = std::string_view(without) == "open";
    const Server server({{"ed25519"}, all_ways ? "internal-sftp" : std::string("internal-sftp -P ") + without, ""});
    auto sftp = server.connect();
    std::vector<Upload> uploads;
    for (int i = 0; i < 150; ++i) uploads.push_back(server.upload(std::to_string(i), filler(40'000, 1)));
    CHECK_FALSE(send(sftp, uploads).failure);
    CHECK(server.names().size() == 150);
    CHECK(sftp.stat(server.path("7"))->size == 40'000);
    CHECK_FALSE(sftp.stat(server.path("absent")));
    // Bytes too many at the server: somebody else writes to the same file.
    auto disturbed = server.upload("disturbed", filler(100'000, 2));
    disturbed.open = [&, open = disturbed.open] {
      std::ofstream(server.there() / "disturbed.part", std::ios::app) << std::string(200'000, 'x');
      return open();
    };
    const auto report = send(sftp, {disturbed});
    REQUIRE(report.failure);
    CHECK(report.failure->operation == ssh::Operation::look);
    CHECK_THAT(report.failure->what, Catch::Contains("has 200000 bytes at the server, not 100000"));
    CHECK_FALSE(fs::exists(server.there() / "disturbed"));
  }
}

TEST_CASE("each file is synced at the server before it is seen under its name") {
  const test::TempDir traces;
  const std::string trace = (traces / "calls").string();
  const Server server(
      {{"ed25519"}, "/usr/bin/strace -y -e trace=fsync,link,rename -o " + trace + " /usr/lib/openssh/sftp-server", ""});
  {
    auto sftp = server.connect();
    CHECK_FALSE(send(sftp, {server.upload("a", "ours"), server.upload("b", "ours")}).failure);
    CHECK_FALSE(send(sftp, {server.upload("a", "ours")}, {true, true}).failure);
    sftp.remove(server.path("b"));  // answered: what came before is in the trace
  }
  std::ifstream in(trace);
  std::vector<std::string> calls;
  for (std::string line; std::getline(in, line);) {
    const auto end = line.find(".part");
    if (end == std::string::npos) continue;
    calls.push_back(line.substr(0, line.find('(')) + " " + line[end - 1]);
  }
  const auto at = [&](const char* call) { return std::find(calls.begin(), calls.end(), call); };
  REQUIRE(calls.size() == 6);
  CHECK(at("fsync a") < at("link a"));
  CHECK(at("fsync b") < at("link b"));
  CHECK(at("link b") < calls.end() - 2);
  CHECK(calls[4] == "fsync a");
  CHECK(calls[5] == "rename a");
}

TEST_CASE("files of families are not for everybody at the partner's") {
  const Server server;
  auto sftp = server.connect();
  CHECK_FALSE(send(sftp, {server.upload("a", "ours"), server.upload("b", "ours", "")}).failure);
  for (const char* name : {"a", "b"}) {
    CHECK((fs::status(server.there() / name).permissions() & fs::perms::others_all) == fs::perms::none);
  }
}

TEST_CASE("a server that is alive and does not answer is waited for no longer than one that is silent") {
  const Server server({{"ed25519"}, "/bin/sleep 1000", "ClientAliveInterval 1\nClientAliveCountMax 10000\n"});
  try {
    server.connect(1500ms);
    FAIL("connected");
  } catch (const ssh::SshError& e) {
    CHECK(e.fault() == ssh::Fault::timed_out);
  }
}

TEST_CASE("a failure stops what is not begun, lets the others end, and leaves no half file") {
  const Server server;
  auto sftp = server.connect();
  std::vector<Upload> uploads;
  for (int i = 0; i < 200; ++i) uploads.push_back(server.upload(std::to_string(i), filler(5000, 1)));
  uploads[20] = server.upload("absent/20", "x");
  const auto report = send(sftp, uploads);
  REQUIRE(report.failure);
  CHECK(report.failure->index == 20);
  CHECK(report.failure->code == SftpError::no_such_file);
  const auto done = static_cast<std::size_t>(std::count(report.done.begin(), report.done.end(), true));
  CHECK(done >= 20);
  CHECK(done < 199);
  CHECK(server.names().size() == done);
  for (std::size_t i = 0; i < 200; ++i) CHECK(report.done[i] == fs::exists(server.there() / std::to_string(i)));
}

TEST_CASE("a source that is not what was announced is shown to nobody") {
  const Server server;
  auto sftp = server.connect();
  auto shorter = server.upload("shorter", "12345");
  shorter.size = 6;
  for (const Upload& bad :
       {server.upload("altered", "12345", ".part", false), shorter, server.upload("altered", "12345", "", false)}) {
    const auto report = send(sftp, {bad});
    REQUIRE(report.failure);
    CHECK(report.failure->code == SftpError::ok);
    CHECK(server.names().empty());
  }
}

TEST_CASE("looking, making, renaming, listing, reading, removing") {
  const Server server;
  auto sftp = server.connect();
  sftp.make_directory(server.path("d"), 0750);
  CHECK(sftp.stat(server.path("d"))->is_directory());
  CHECK_THROWS_AS(sftp.make_directory(server.path("d"), 0750), SftpError);
  server.sshd.dir.put("partner/d/a", filler(100'000, 3));
  server.sshd.dir.put("partner/d/b", "b");
  CHECK(sftp.list(server.path("d")) == std::vector<std::string>{"a", "b"});
  const auto sizes = sftp.stat_all({server.path("d/a"), server.path("d/none"), server.path("d/b")});
  CHECK(sizes[0]->size == 100'000U);
  CHECK_FALSE(sizes[1]);
  CHECK(sizes[2]->size == 1U);
  CHECK(sftp.read(server.path("d/a"), 200'000) == filler(100'000, 3));
  CHECK_THROWS_AS(sftp.read(server.path("d/a"), 1000), ssh::TooMuch);
  CHECK(sftp.list(server.path("d"), 2).size() == 2);
  CHECK_THROWS_MATCHES(sftp.list(server.path("d"), 1), ssh::TooMuch,
                       Catch::Predicate<ssh::TooMuch>([&](const ssh::TooMuch& e) {
                         return e.what() == server.path("d") + " holds more than 1 names";
                       }));
  CHECK(sftp.remove(server.path("d/a")));
  CHECK(sftp.list(server.path("d")) == std::vector<std::string>{"b"});
  CHECK(sftp.remove(server.path("d/b")));
  CHECK_FALSE(sftp.remove(server.path("d/b")));
  sftp.remove_directory(server.path("d"));
  CHECK(server.names().empty());
  CHECK(sftp.free_space(server.path(".")).value_or(0) > 0);
  CHECK_THROWS_AS(sftp.list(server.path("none")), SftpError);
}

TEST_CASE("at a server that answers nothing, what is unanswered stays within bounds") {
  const test::TempDir logs;
  const fs::path log = logs / "asked";
  const bool far = GENERATE(false, true);
  const Server server(odd(far ? "far" : "mute", log));
  const auto asked = [&](const std::string& what) {  // how often, how many bytes
    std::pair<std::size_t, std::size_t> out{};
    std::ifstream in(log);
    std::string kind;
    for (std::size_t size = 0; in >> kind >> size;) {
      if (kind != what) continue;
      ++out.first;
      out.second += size;
    }
    return out;
  };
  constexpr std::size_t most_bytes = std::size_t{4} << 20U;
  SECTION("bytes of one large file") {
    auto sftp = connect_to_odd(server);
    CHECK_THROWS_AS(send(sftp, {server.upload("a", filler(2 * most_bytes, 1))}), ssh::SshError);
    CHECK(asked("write").second <= most_bytes);
    CHECK(asked("write").first > 1);
  }
  SECTION("no more of them than are on the way to a server as far as that") {
    auto sftp = connect_to_odd(server);
    for (int i = 0; i < 10; ++i) CHECK_THROWS_AS(sftp.make_directory("/d", 0700), SftpError);
    CHECK_THROWS_AS(send(sftp, {server.upload("a", filler(2 * most_bytes, 1))}), ssh::SshError);
    CHECK((asked("write").second == most_bytes) == far);
  }
  SECTION("bytes of files together, and the files") {
    auto sftp = connect_to_odd(server);
    std::vector<Upload> uploads;
    for (int i = 0; i < 200; ++i) uploads.push_back(server.upload(std::to_string(i), filler(100'000, 1)));
    Text::most_open = 0;
    CHECK_THROWS_AS(send(sftp, uploads), ssh::SshError);
    CHECK(Text::most_open == 1);  // each a descriptor of ours
    CHECK(Text::open == 0);
    CHECK(asked("write").second < most_bytes + ssh::wire::chunk);  // the last one may go beyond
    CHECK(asked("open").first <= 96);
    CHECK(asked("open").first > 1);
  }
  SECTION("looks") {
    auto sftp = connect_to_odd(server);
    CHECK_THROWS_AS(sftp.stat_all(std::vector<std::string>(1000, "/a")), ssh::SshError);
    CHECK(asked("stat").first <= 256);
    CHECK(asked("stat").first > 1);
  }
}

TEST_CASE("a server that lists or sends a little now and then, for ever, is waited for so long and no longer") {
  const Server server(odd("drip"));
  const auto said = [&](const std::function<void(ssh::Sftp&)>& work) {
    return std::async(std::launch::async, [&server, work]() -> std::string {
      try {
        auto sftp = connect_to_odd(server);
        work(sftp);
      } catch (const ssh::SshError& e) {
        return e.what();
      }
      return "done";
    });
  };
  auto listing = said([](ssh::Sftp& sftp) { sftp.list("/"); });
  auto reading = said([](ssh::Sftp& sftp) { sftp.read("/a", 1000); });
  CHECK_THAT(listing.get(), Catch::EndsWith("the server takes too long (list /)"));
  CHECK_THAT(reading.get(), Catch::EndsWith("the server takes too long (read /a)"));
}

TEST_CASE("a server that lists names which no file can have fills no memory with them") {
  const Server server(odd("long"));
  auto sftp = server.connect();
  CHECK_THROWS_WITH(sftp.list("/in"), "/in holds a name of more than 1024 bytes");
}

TEST_CASE("a server whose first answer comes in pieces is waited for") {
  const Server server(odd("halting"));
  CHECK(server.connect().list("/").empty());
}

TEST_CASE("a server that answers with nothing inside, and never says that this is all, is not asked for ever") {
  const Server server(odd("empty"));
  auto sftp = server.connect();
  SECTION("listing") {
    CHECK(sftp.list("/").empty());  // taken for the end, as OpenSSH's client does
  }
  SECTION("reading") {
    CHECK_THROWS_AS(sftp.read("/a", 1000), ssh::wire::MalformedPacket);
  }
}

TEST_CASE("a server that stops answering in the middle costs its patience and no more") {
  const Server server;
  auto sftp = server.connect(400ms);
  std::vector<Upload> uploads;
  for (int i = 0; i < 500; ++i) uploads.push_back(server.upload(std::to_string(i), filler(50'000, 1)));
  auto open = uploads[250].open;
  uploads[250].open = [&] {
    server.sshd.signal_sessions(SIGSTOP);
    return open();
  };
  CHECK_THROWS_AS(send(sftp, uploads), ssh::SshError);
  server.sshd.signal_sessions(SIGKILL);
}

TEST_CASE("a connection that is lost names the server and what it was needed for") {
  const Server server;
  const std::string place = "127.0.0.1:" + std::to_string(server.sshd.port()) + ": ";
  const auto lost = [&](const auto& ask) {
    auto sftp = server.connect();
    server.sshd.signal_sessions(SIGKILL);
    try {
      ask(sftp);
    } catch (const ssh::SshError& e) {
      return std::string(e.what());
    }
    return std::string("nothing was lost");
  };
  using Catch::EndsWith;
  using Catch::StartsWith;
  CHECK_THAT(lost([&](auto& sftp) { sftp.make_directory("/in/R1", 0750); }),
             StartsWith(place) && EndsWith(" (make directory /in/R1)"));
  CHECK_THAT(lost([&](auto& sftp) { sftp.stat("/in"); }), StartsWith(place) && EndsWith(" (look at /in)"));
  CHECK_THAT(lost([&](auto& sftp) {
               send(sftp, {server.upload("a", "ours"), server.upload("b", "ours")});
             }),
             StartsWith(place) && EndsWith(" (send " + server.path("a") + " and 1 more)"));
  CHECK_THAT(lost([&](auto& sftp) { sftp.list("/in"); }), StartsWith(place) && EndsWith(" (open /in)"));
}

TEST_CASE("names that are another's stand in no message, and do again afterwards") {
  const auto said = [](const auto& work) {
    try {
      work();
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  SECTION("refused") {
    const Server server({{"ed25519"}, "internal-sftp -P open,lstat,stat,remove", ""});
    auto sftp = server.connect();
    const std::string file = server.path("a.xml");
    {
      const ssh::Discretion discretion(sftp, server.there().string());
      const std::string hidden = " a file in " + server.path("") + ": Permission denied";
      CHECK(said([&] { sftp.read(file, 1000); }) == "open" + hidden);
      CHECK(said([&] { sftp.stat(file); }) == "look at" + hidden);
      CHECK(said([&] { sftp.remove(file); }) == "remove" + hidden);
      CHECK_THAT(said([&] { sftp.stat(server.there().string()); }),
                 Catch::Contains("look at " + server.there().string() + ":"));
    }
    CHECK_THAT(said([&] { sftp.remove(file); }), Catch::StartsWith("remove " + file));
  }
  SECTION("too large") {
    const Server server;
    server.sshd.dir.put("partner/a.xml", "1234");
    auto sftp = server.connect();
    const ssh::Discretion discretion(sftp, server.path(""));
    CHECK(said([&] { sftp.read(server.path("a.xml"), 3); }) ==
          "a file in " + server.path("") + " is larger than 3 bytes");
  }
  SECTION("no SFTP") {
    const Server server(odd("empty"));
    auto sftp = server.connect();
    const ssh::Discretion discretion(sftp, "/in");
    CHECK_THAT(said([&] { sftp.read("/in/a.xml", 3); }), Catch::EndsWith(" (read a file in /in/)"));
  }
  SECTION("lost") {
    const Server server;
    auto sftp = server.connect();
    const ssh::Discretion discretion(sftp, "/in");
    server.sshd.signal_sessions(SIGKILL);
    CHECK_THAT(said([&] {
                 sftp.stat_all({"/in/a.xml", "/in/b.xml"});
               }),
               Catch::EndsWith(" (look at a file in /in/ and 1 more)"));
  }
}

TEST_CASE("an account whose shell says something names itself") {
  const Server chatty({{"ed25519"}, "/bin/echo Bienvenue; exec cat > /dev/null", ""});
  CHECK_THROWS_WITH(chatty.connect(), Catch::StartsWith("127.0.0.1:" + std::to_string(chatty.sshd.port()) + ": ") &&
                                          Catch::Contains("does not speak SFTP (opening SFTP)"));
}
