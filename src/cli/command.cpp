#include "cli/command.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include <boost/program_options/value_semantic.hpp>
#include <fmt/format.h>

#include "base/text.h"

namespace navette::cli {

namespace po = boost::program_options;

namespace {

constexpr std::int64_t default_limit = 200;
constexpr unsigned help_width = 100;

constexpr std::string_view general_options =
    "  -c, --config FILE   configuration (default /etc/navette/navette.conf)\n"
    "  -h, --help          this text; after a command, all about it\n"
    "      --version       the version\n";

constexpr std::string_view general_notes =
    "Exit codes of run, check, validate and traces verify: 0 done, 1 done but something needs a person,\n"
    "2 usage or configuration, 3 could not do it. Lists and shows exit 0 (2: no such thing).\n"
    "Every list takes --json, --limit N (default 200, newest first) and --all.\n"
    "Operators' commands run as navette: sudo -u navette navette status\n";

Commands all_commands() {
  Commands all;
  for (const auto part : {run_commands, serve_commands, check_commands, validate_commands, render_commands,
                          status_commands, flux_commands, demandes_commands, remises_commands, lieux_commands,
                          conventions_commands, echeances_commands, traces_commands}) {
    for (const Command& c : part()) all.push_back(c);
  }
  return all;
}

std::string line_of(const Command& c) {
  const std::string left = fmt::format("{}{}{}", c.words, c.arguments.empty() ? "" : " ", c.arguments);
  return fmt::format("  {:<30} {}\n", left, c.summary);
}

}  // namespace

std::string Invocation::text(const char* option) const {
  return has(option) ? options_[option].as<std::string>() : std::string();
}

std::int64_t Invocation::limit() const {
  if (has("all")) return -1;
  if (!has("limit")) return default_limit;
  const auto n = options_["limit"].as<std::int64_t>();
  if (n < 1) throw UsageError("--limit takes a number from 1; --all shows everything");
  return n;
}

config::Config Invocation::config_or_defaults() const {
  if (!config_file_ && !std::filesystem::exists(config::default_file)) return {};
  return config();
}

void json_option(po::options_description& options) {
  options.add_options()("json", "machine-readable: keys stay, times are ISO 8601 in UTC");
}

void list_options(po::options_description& options) {
  json_option(options);
  options.add_options()("limit", po::value<std::int64_t>()->value_name("N"), "at most N rows (default 200)")(
      "all", "every row");
}

void why_option(po::options_description& options) {
  options.add_options()("why", po::value<std::string>()->value_name("TEXT"),
                        "the reason: kept, traced and shown; no family's name in it");
}

std::string required_why(const Invocation& call) {
  const std::string why(text::trim(call.text("why")));
  if (why.empty()) throw UsageError("tell the reason: --why \"...\" (it is kept and traced; no family's name in it)");
  constexpr std::size_t longest = 500;
  if (why.size() > longest) throw UsageError("--why takes 500 bytes at most");
  return text::printable(why);
}

std::string one_of(const Invocation& call, const char* option, const std::vector<std::string_view>& words) {
  if (!call.has(option)) return {};
  std::string value = call.text(option);
  if (std::find(words.begin(), words.end(), value) != words.end()) return value;
  throw UsageError(
      fmt::format("--{} is one of {}", option, text::join(std::vector<std::string>(words.begin(), words.end()), ", ")));
}

const Commands& command_table() {
  static const Commands table = all_commands();
  return table;
}

const Command* find_command(std::string_view words) {
  const Commands& table = command_table();
  const auto it = std::find_if(table.begin(), table.end(), [&](const Command& c) { return c.words == words; });
  return it == table.end() ? nullptr : &*it;
}

std::vector<const Command*> group_of(std::string_view first_word) {
  std::vector<const Command*> group;
  for (const Command& c : command_table()) {
    if (c.words.substr(0, c.words.find(' ')) == first_word && c.words != first_word) group.push_back(&c);
  }
  return group;
}

std::string general_help() {
  std::string out =
      "usage: navette [-c FILE] COMMAND [options] [arguments]\n\n"
      "Carries demandes d'information from monenfant.fr to the lieux entitled to them.\n\nCommands:\n";
  for (const Command& c : command_table()) out += line_of(c);
  out += fmt::format("\nOptions:\n{}\n{}\nThe manual: man navette\n", general_options, general_notes);
  return out;
}

std::string group_help(std::string_view first_word) {
  std::string out = fmt::format("usage: navette [-c FILE] {} COMMAND [options] [arguments]\n\nCommands:\n", first_word);
  for (const Command* c : group_of(first_word)) out += line_of(*c);
  return out + fmt::format("\nnavette {} COMMAND --help tells all about one.\n", first_word);
}

std::string help_of(const Command& command) {
  std::ostringstream options;
  options << options_of(command);
  return fmt::format("usage: navette [-c FILE] {}{}{} [options]\n\n{}\n\n{}\n{}", command.words,
                     command.arguments.empty() ? "" : " ", command.arguments, command.summary, command.help,
                     options.str());
}

po::options_description options_of(const Command& command) {
  po::options_description options("Options", help_width);
  if (command.options != nullptr) command.options(options);
  options.add_options()("config,c", po::value<std::string>()->value_name("FILE"),
                        "configuration (default /etc/navette/navette.conf)")("help,h", "this text");
  return options;
}

}  // namespace navette::cli
