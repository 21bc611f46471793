#include <editline/readline.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>

#include "apps/stip/command.hpp"
#include "apps/stip/parse.hpp"
#include "apps/stip/session.hpp"
#include "libstip/core/defaults.hpp"

namespace stip::cli {

namespace {

constexpr auto prompt = "stip> ";

/// The file of the history; empty when there is no home.
std::string history_file() {
  const char* home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? std::string{} : std::string{home} + "/.stip_history";
}

/// Lines from a terminal, with history; or from a file or pipe, as they are.
class line_reader {
 public:
  explicit line_reader(bool terminal) : terminal_(terminal), file_(history_file()) {
    if (!terminal_) return;
    ::using_history();
    ::stifle_history(defaults::shell_history_lines);
    if (!file_.empty()) ::read_history(file_.c_str());
  }
  ~line_reader() {
    if (terminal_ && !file_.empty()) ::write_history(file_.c_str());
  }
  line_reader(const line_reader&) = delete;
  line_reader& operator=(const line_reader&) = delete;

  bool next(std::string& line) {
    if (!terminal_) return static_cast<bool>(std::getline(std::cin, line));
    const std::unique_ptr<char, decltype(&std::free)> read{::readline(prompt), &std::free};
    if (!read) return false;
    line = read.get();
    if (!line.empty()) ::add_history(line.c_str());
    return true;
  }

 private:
  bool terminal_;
  std::string file_;
};

/// --format and -q may change from line to line; the way to the cluster may not.
result<output> output_of(const std::vector<std::string>& leading, const context& with,
                         output& usual) {
  if (leading.empty()) return usual;
  STIP_ASSIGN(const auto given, parse_options(global_options(), leading, "shell"));
  for (const auto& [name, value] : given.options)
    if (name != "format" && name != "quiet")
      return fail(ec::invalid_argument, "--" + name, "it cannot change within the shell",
                  "start another shell with it");
  const auto& global = with.global();
  auto format = global.format;
  if (given.has("format")) {
    STIP_ASSIGN(format, parse_output_format(given.text("format")));
  }
  return output{std::cout, std::cerr, format, global.quiet || given.has("quiet")};
}

int run_line(context& with, const std::string& line) {
  const auto split = split_line(line);
  if (!split) {
    with.out().complain(split.error());
    return wrong_usage;
  }
  const auto count = static_cast<ptrdiff_t>(leading_options(global_options(), *split));
  const std::vector<std::string> leading{split->begin(), split->begin() + count};
  std::vector<std::string> words{split->begin() + count, split->end()};
  if (words.empty() &&
      (leading == std::vector<std::string>{"-h"} || leading == std::vector<std::string>{"--help"}))
    return run_command(leading, with.way(), with.out());
  if (words.empty()) words.emplace_back("-h");
  if (words[0] == "help") words[0] = "-h";
  if (words[0] == "stip") words.erase(words.begin());
  const bool refused = !words.empty() && (words[0] == "shell" || words[0] == "watch");
  if (refused && words[0] == "watch") {
    with.out().complain(not_yet("watch"));
    return failed;
  }
  if (refused) {
    with.out().complain("shell: this is one already");
    return wrong_usage;
  }
  auto out = output_of(leading, with, with.out());
  if (!out) {
    with.out().complain(out.error());
    return wrong_usage;
  }
  return run_command(words, with.way(), *out);
}

result<int> run(context& with, const arguments&) {
  const bool terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  line_reader lines{terminal};
  std::string line;
  int status = done;
  while (with.out().good() && lines.next(line)) {
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    if (line.size() > defaults::max_shell_line_bytes) {
      with.out().complain("read the line: it is too long");
      status = wrong_usage;
      continue;
    }
    const auto last = line.find_last_not_of(" \t\r");
    const auto word = line.substr(first, last - first + 1);
    if (word == "exit" || word == "quit") break;
    status = run_line(with, line);
  }
  if (terminal) {
    std::cout << std::endl;
    return done;
  }
  return status;
}

}  // namespace

noun shell_noun() {
  return {
      "shell",
      "the same commands, one a line, with history",
      {{"",
        "reads commands: NOUN VERB ..., help, exit; a script's last command gives the status",
        {},
        {},
        false,
        "printf 'node list\\nalbum list\\n' | stip shell",
        run}},
      "stip shell",
  };
}

}  // namespace stip::cli
