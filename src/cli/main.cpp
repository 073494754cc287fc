#include "cli/main.h"

#include <cerrno>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include <boost/program_options/errors.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"

namespace navette::cli {
namespace {

namespace po = boost::program_options;

// What stands before the command.
struct Front {
  std::optional<std::string> config_file;
  bool help = false;
  bool version = false;
  std::vector<std::string> rest;  // from the command on
};

Front front_of(const std::vector<std::string>& words) {
  Front front;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& w = words[i];
    if (w == "-h" || w == "--help") {
      front.help = true;
    } else if (w == "--version" || w == "-V") {
      front.version = true;
    } else if (w == "-c" || w == "--config") {
      if (i + 1 == words.size()) throw UsageError(w + " takes a file");
      front.config_file = words[++i];
    } else if (w.starts_with("--config=")) {
      front.config_file = w.substr(std::string_view("--config=").size());
    } else if (w.size() > 2 && w.starts_with("-c")) {
      front.config_file = w.substr(2);
    } else if (w.starts_with('-')) {
      throw UsageError(fmt::format("unknown option {}; see `navette --help`", w));
    } else {
      front.rest.assign(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
  }
  return front;
}

// The command that the words begin with, and how many of them it takes.
struct Choice {
  const Command* command = nullptr;
  std::size_t words = 0;
};

Choice choose(const std::vector<std::string>& words) {
  if (const Command* c = find_command(words[0])) return {c, 1};
  if (words.size() > 1) {
    if (const Command* c = find_command(words[0] + " " + words[1])) return {c, 2};
  }
  return {};
}

[[noreturn]] void throw_unknown(const std::vector<std::string>& words) {
  if (group_of(words[0]).empty()) throw UsageError(fmt::format("no command {}; see `navette --help`", words[0]));
  if (words.size() == 1 || words[1].starts_with('-')) {
    throw UsageError(fmt::format("{0} takes a command; see `navette {0} --help`", words[0]));
  }
  throw UsageError(fmt::format("no command {0} {1}; see `navette {0} --help`", words[0], words[1]));
}

int call(const Command& command, const std::vector<std::string>& words, std::optional<std::string> config_file) {
  po::options_description all = options_of(command);
  po::options_description hidden;
  hidden.add_options()("argument", po::value<std::vector<std::string>>());
  all.add(hidden);
  po::positional_options_description positional;
  positional.add("argument", -1);
  po::variables_map map;
  namespace style = po::command_line_style;
  try {
    po::store(po::command_line_parser(words)
                  .options(all)
                  .positional(positional)
                  .style(style::unix_style & ~style::allow_guessing)
                  .run(),
              map);
    po::notify(map);
  } catch (const po::error& e) {
    throw UsageError(fmt::format("{0}: {1}; see `navette {0} --help`", command.words, e.what()));
  }
  if (map.count("help") > 0) {
    print(help_of(command));
    return exit_done;
  }
  std::vector<std::string> arguments;
  if (map.count("argument") > 0) arguments = map["argument"].as<std::vector<std::string>>();
  if (arguments.size() < command.least) {
    throw UsageError(fmt::format("{0} takes {1}; see `navette {0} --help`", command.words, command.arguments));
  }
  if (arguments.size() > command.most) {
    throw UsageError(
        fmt::format("{0}: one argument too many: {1}; see `navette {0} --help`", command.words, arguments.back()));
  }
  if (map.count("config") > 0) config_file = map["config"].as<std::string>();
  const Invocation invocation(std::move(arguments), std::move(map), std::move(config_file));
  static_cast<void>(invocation.limit());  // said to be wrong before anything is opened
  return command.run(invocation);
}

int dispatch(const std::vector<std::string>& words) {
  Front front = front_of(words);
  if (front.version) {
    print("navette " NAVETTE_VERSION "\n");
    return exit_done;
  }
  if (!front.rest.empty() && front.rest[0] == "help") {
    front.help = true;
    front.rest.erase(front.rest.begin());
  }
  if (front.rest.empty()) {
    if (front.help) {
      print(general_help());
      return exit_done;
    }
    throw UsageError("say what to do; see `navette --help`");
  }
  const Choice choice = choose(front.rest);
  const auto& rest = front.rest;
  if (choice.command == nullptr) {
    const bool asks = front.help || (rest.size() > 1 && (rest[1] == "--help" || rest[1] == "-h"));
    if (!asks || group_of(rest[0]).empty() || (rest.size() > 1 && !rest[1].starts_with('-'))) throw_unknown(rest);
    print(group_help(rest[0]));
    return exit_done;
  }
  if (front.help) {
    print(help_of(*choice.command));
    return exit_done;
  }
  return call(*choice.command, {rest.begin() + static_cast<std::ptrdiff_t>(choice.words), rest.end()},
              front.config_file);
}

// Whoever started us may have closed 0, 1 or 2: the next file opened, the database or one of the spool's, would get
// that number, and our output or log be written into it.
void fill_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number, which is this one. Not O_CLOEXEC: it stands for one that would be inherited.
    if (::open("/dev/null", O_RDWR) != fd) throw_errno("open /dev/null");
  }
}

}  // namespace

int run(int argc, char** argv) {
  // Whoever reads our output may stop reading: print() sees to it, and the exit code stays true.
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail
  try {
    fill_standard_descriptors();
    return dispatch({argv + (argc > 0 ? 1 : 0), argv + argc});
  } catch (const UsageError& e) {
    complain(e.what());
    return exit_usage;
  } catch (const config::ConfigError& e) {
    complain(e.what());
    return exit_usage;
  } catch (const std::exception& e) {
    complain(describe(e));
    return exit_failed;
  }
}

}  // namespace navette::cli
