// One command: its words, its help, its options, what it does. command_table() holds them all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "config/config.h"

namespace navette::cli {

// The command line is wrong, or names something that does not exist: exit 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

class Invocation;

struct Command {
  std::string_view words;      // "flux list"
  std::string_view arguments;  // as shown in the usage line: "FILE..."
  std::string_view summary;    // one line, for the list of commands
  std::string_view help;       // paragraphs and examples
  std::size_t least = 0;       // arguments
  std::size_t most = 0;
  void (*options)(boost::program_options::options_description&) = nullptr;
  int (*run)(const Invocation&) = nullptr;  // the exit code
};

// What was asked for.
class Invocation {
 public:
  Invocation(std::vector<std::string> arguments, boost::program_options::variables_map options,
             std::optional<std::string> config_file)
      : arguments_(std::move(arguments)), options_(std::move(options)), config_file_(std::move(config_file)) {}

  const std::vector<std::string>& arguments() const { return arguments_; }
  const std::string& argument() const { return arguments_.front(); }
  bool has(const char* option) const { return options_.count(option) > 0; }
  // Value of an option; empty when it was not given.
  std::string text(const char* option) const;
  bool json() const { return has("json"); }
  // Of --limit and --all: how many rows a list shows; -1 for all.
  std::int64_t limit() const;

  std::string config_path() const { return config_file_.value_or(std::string(config::default_file)); }
  // Throws ConfigError.
  config::Config config() const { return config::load(config_path()); }
  // For commands that need no more than where schemas and fonts are: the defaults when no file was named and the
  // default one does not exist.
  config::Config config_or_defaults() const;
  const Clock& clock() const { return clock_; }

 private:
  std::vector<std::string> arguments_;
  boost::program_options::variables_map options_;
  std::optional<std::string> config_file_;
  SystemClock clock_;
};

// ---- options that several commands share
void json_option(boost::program_options::options_description& options);
void list_options(boost::program_options::options_description& options);  // --json --limit --all
void why_option(boost::program_options::options_description& options);

// The value of --why: never empty. Throws UsageError.
std::string required_why(const Invocation& call);
// The value of `option`; empty when it was not given. Throws UsageError listing `words` when it is none of them.
std::string one_of(const Invocation& call, const char* option, const std::vector<std::string_view>& words);

// ---- the table
using Commands = std::vector<Command>;
const Commands& command_table();
const Command* find_command(std::string_view words);
std::vector<const Command*> group_of(std::string_view first_word);

std::string general_help();
std::string group_help(std::string_view first_word);
std::string help_of(const Command& command);
// All its options, --help and --config included.
boost::program_options::options_description options_of(const Command& command);

// One a cmd_*.cpp.
Commands run_commands();
Commands serve_commands();
Commands check_commands();
Commands validate_commands();
Commands render_commands();
Commands status_commands();
Commands flux_commands();
Commands demandes_commands();
Commands remises_commands();
Commands lieux_commands();
Commands conventions_commands();
Commands echeances_commands();
Commands traces_commands();

}  // namespace navette::cli
