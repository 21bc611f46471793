#include <unistd.h>

#include <charconv>
#include <iostream>
#include <optional>

#include "apps/stip/command.hpp"
#include "apps/stip/help.hpp"
#include "apps/stip/history.hpp"
#include "apps/stip/human.hpp"
#include "apps/stip/line_editor.hpp"
#include "apps/stip/node_names.hpp"
#include "apps/stip/parse.hpp"
#include "apps/stip/session.hpp"
#include "apps/stip/terminal.hpp"
#include "apps/stip/watch.hpp"
#include "libstip/core/defaults.hpp"

namespace stip::cli {

namespace {

constexpr auto prompt = "stip> ";

constexpr auto own_words =
    "\nIn the shell:\n"
    "  NOUN VERB ...             a command, without `stip` before it; --format and -q may stand "
    "first\n"
    "  watch [-n SECONDS] NOUN VERB ...\n"
    "                            repeats the command until Ctrl-C (every 2 seconds)\n"
    "  help [NOUN [VERB]]        explains\n"
    "  exit, quit, Ctrl-D        leaves\n"
    "Tab completes commands, options, albums, platforms, geocodes and task ids; the arrows and "
    "Ctrl-R\n"
    "bring back earlier lines, also those of earlier sessions.\n";

/// Lines from a terminal, with history and completion; or from a file or pipe, as they are.
class line_reader {
 public:
  line_reader(bool terminal, context& with) : names_(with.way()), history_(history_path()) {
    if (!terminal) return;
    auto earlier = history_.load();
    if (!earlier) with.out().complain(earlier.error());
    editor_.emplace(
        prompt, earlier ? *earlier : std::vector<std::string>{},
        [this](const std::string& line) { return complete(line, typed_in::shell, names_); });
  }

  bool next(std::string& line) {
    if (!editor_) return static_cast<bool>(std::getline(std::cin, line));
    return editor_->next(line);
  }

  /// Errors: io_error; once only, so that a full disk does not talk after each line.
  result<void> remember(const std::string& line) {
    if (!editor_) return {};
    editor_->remember(line);
    const auto kept = keeps_ ? history_.add(line) : result<bool>{false};
    if (kept) return {};
    keeps_ = false;
    return fail(kept.error());
  }

 private:
  node_names names_;
  history_file history_;
  bool keeps_ = true;
  std::optional<line_editor> editor_;
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

/// The words of one line: leading options, and the command.
struct shell_line {
  std::vector<std::string> leading;
  std::vector<std::string> words;
};

shell_line parted(std::vector<std::string> split) {
  const auto count = static_cast<ptrdiff_t>(leading_options(global_options(), split));
  return {{split.begin(), split.begin() + count}, {split.begin() + count, split.end()}};
}

bool asks_for_help(const std::vector<std::string>& words) {
  return words.size() == 1 && (words[0] == "-h" || words[0] == "--help" || words[0] == "help");
}

/// Runs the words of a command, whose answer goes to an output like `usual`.
int run_words(context& with, const shell_line& line, output& usual) {
  auto out = output_of(line.leading, with, usual);
  if (!out) {
    usual.complain(out.error());
    return wrong_usage;
  }
  return run_command(line.words, with.way(), *out);
}

/// The words after `watch`.
result<int> run_watch(context& with, std::vector<std::string> words) {
  int64_t seconds = defaults::watch_seconds;
  if (!words.empty() && words[0] == "-n") {
    arguments given;
    given.options["n"] = words.size() > 1 ? words[1] : "";
    STIP_ASSIGN(seconds, given.number("n", seconds, 1, defaults::max_watch_seconds));
    words.erase(words.begin(), words.begin() + 2);
  }
  const auto line = parted(std::move(words));
  const auto usage = [](std::string why) {
    return fail(ec::invalid_argument, "watch", std::move(why),
                "write watch [-n SECONDS] NOUN VERB ..., e.g. watch task list");
  };
  if (line.words.empty()) return usage("the command is missing");
  if (line.words[0] == "watch" || line.words[0] == "shell")
    return usage(joined({"it cannot repeat '", line.words[0], "'"}));
  std::string title;
  for (const auto* part : {&line.leading, &line.words})
    for (const auto& word : *part) {
      if (!title.empty()) title += ' ';
      title += quoted(word);
    }
  return watch(title, seconds, with.out(),
               [&](output& frame) { return run_words(with, line, frame); });
}

int run_line(context& with, const std::string& text) {
  const auto refuse = [&](const error& err) {
    with.out().complain(err);
    return err.code == ec::invalid_argument ? wrong_usage : failed;
  };
  const auto split = split_line(text);
  if (!split) return refuse(split.error());
  auto line = parted(*split);
  auto& words = line.words;
  if (!words.empty() && words[0] == "stip") line = parted({words.begin() + 1, words.end()});
  if (words.empty()) {
    if (asks_for_help(line.leading)) line.leading.clear();
    words.emplace_back("help");
  }
  if (asks_for_help(words)) {
    with.out().stream() << explain({}) << own_words << std::flush;
    return done;
  }
  if (words[0] == "help") {
    words.erase(words.begin());
    words.emplace_back("-h");
  }
  if (words[0] == "watch") {
    const auto status = run_watch(with, {words.begin() + 1, words.end()});
    return status ? *status : refuse(status.error());
  }
  if (words[0] == "shell") {
    with.out().complain("shell: this is one already");
    return wrong_usage;
  }
  return run_words(with, line, with.out());
}

/// On a terminal, Ctrl-C ends the command and not the shell; a second one ends both.
int run_typed(context& with, const std::string& text) {
  const interrupt_watch takes_interrupts{interrupt_watch::second::ends};
  const int status = run_line(with, text);
  if (interrupted()) with.out().stream() << std::endl;
  return status;
}

result<int> run(context& with, const arguments&) {
  const bool terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  line_reader lines{terminal, with};
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
    if (auto kept = lines.remember(word); !kept) with.out().complain(kept.error());
    status = terminal ? run_typed(with, word) : run_line(with, word);
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
      "the same commands, one a line, with history and completion",
      {{"",
        "reads commands: NOUN VERB ..., watch, help, exit; a script's last one gives the status",
        {},
        {},
        false,
        "printf 'node list\\nalbum list\\n' | stip shell",
        run}},
      "stip shell",
  };
}

}  // namespace stip::cli
