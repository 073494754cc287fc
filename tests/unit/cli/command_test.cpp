#include "cli/command.h"

#include <set>

#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <catch2/catch.hpp>

#include "cli/main.h"

using namespace navette::cli;
namespace po = boost::program_options;

namespace {

Invocation call_of(const std::vector<std::string>& words) {
  po::options_description options;
  list_options(options);
  why_option(options);
  options.add_options()("state", po::value<std::string>());
  po::variables_map map;
  po::store(po::command_line_parser(words).options(options).run(), map);
  return {{}, map, std::nullopt};
}

int exit_code(std::vector<std::string> words) {
  words.insert(words.begin(), "navette");
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  return run(static_cast<int>(argv.size()), argv.data());
}

}  // namespace

TEST_CASE("every command has help with examples, its own words, and something to do") {
  std::set<std::string_view> words;
  for (const Command& c : command_table()) {
    CAPTURE(c.words);
    CHECK(words.insert(c.words).second);
    CHECK(c.run != nullptr);
    CHECK((c.arguments.empty()) == (c.most == 0));
    const std::string help = help_of(c);
    CHECK(help.find("Example") != std::string::npos);
    CHECK(help.find("navette [-c FILE] " + std::string(c.words)) != std::string::npos);
    CHECK(general_help().find("  " + std::string(c.words)) != std::string::npos);
    CHECK(find_command(c.words) == &c);
  }
  CHECK(find_command("flux") == nullptr);
  CHECK(group_of("flux").size() == 2);
  CHECK(group_of("run").empty());
}

TEST_CASE("lists are bounded unless told otherwise") {
  CHECK(call_of({}).limit() == 200);
  CHECK(call_of({"--limit", "7"}).limit() == 7);
  CHECK(call_of({"--all"}).limit() == -1);
  CHECK_THROWS_AS(call_of({"--limit", "0"}).limit(), UsageError);
  CHECK_THROWS_AS(call_of({"--limit", "-3"}).limit(), UsageError);
}

TEST_CASE("a reason is asked for, and made printable") {
  CHECK_THROWS_AS(required_why(call_of({})), UsageError);
  CHECK_THROWS_AS(required_why(call_of({"--why", " \n"})), UsageError);
  CHECK_THROWS_AS(required_why(call_of({"--why", std::string(501, 'x')})), UsageError);
  CHECK(required_why(call_of({"--why", " ticket\t4711 "})) == "ticket\\x094711");
}

TEST_CASE("a word that is none of the choices is refused") {
  CHECK(one_of(call_of({}), "state", {"a", "b"}).empty());
  CHECK(one_of(call_of({"--state", "b"}), "state", {"a", "b"}) == "b");
  CHECK_THROWS_AS(one_of(call_of({"--state", "c"}), "state", {"a", "b"}), UsageError);
}

TEST_CASE("what is wrong with the command line is exit 2") {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"nonsense"},
                                             {"flux"},
                                             {"flux", "nonsense"},
                                             {"flux", "list", "--nonsense"},
                                             {"flux", "list", "extra"},
                                             {"flux", "list", "--limit", "many"},
                                             {"flux", "show"},
                                             {"--nonsense"},
                                             {"-c"},
                                             {"demandes", "hold", "X"},
                                             {"-c", "/nonexistent/navette.conf", "status"}}) {
    CHECK(exit_code(words) == exit_usage);
  }
}
