#include "apps/stip/watch.hpp"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <sstream>

#include "apps/stip/command.hpp"
#include "apps/stip/terminal.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/time.hpp"

namespace stip::cli {

namespace {

constexpr auto clear_screen = "\033[2J";
constexpr auto to_corner = "\033[H";
constexpr auto erase_rest_of_line = "\033[K";
constexpr auto erase_below = "\033[J";

std::string clock_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return to_iso8601(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

/// False: Ctrl-C came first.
bool pause(std::chrono::seconds how_long) {
  const auto until = std::chrono::steady_clock::now() + how_long;
  while (!interrupted() && std::chrono::steady_clock::now() < until)
    ::poll(nullptr, 0, static_cast<int>(defaults::progress_interval.count()));
  return !interrupted();
}

}  // namespace

std::string draw_frame(const std::string& title, const std::string& text, size_t rows,
                       size_t columns) {
  std::vector<std::string> lines = {title, ""};
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  // The cursor rests in the last row.
  const auto room = rows > 1 ? rows - 1 : 1;
  if (lines.size() > room) {
    const auto missing = lines.size() - room + 1;
    lines.resize(room);
    lines.back() = "... and " + std::to_string(missing) + " more lines";
  }
  std::string out = to_corner;
  for (const auto& line : lines) {
    out += cut_to_width(line, columns);
    out += erase_rest_of_line;
    out += "\n";
  }
  return out + erase_below;
}

result<int> watch(const std::string& title, int64_t seconds, const output& like,
                  const std::function<int(output&)>& run) {
  if (::isatty(STDOUT_FILENO) == 0)
    return fail(ec::unsupported, "watch " + title, "standard output is no terminal",
                "repeat the command in a script, with sleep");
  interrupt_watch until_interrupted{interrupt_watch::second::ends};
  int status = done;
  bool first = true;
  do {
    std::ostringstream text;
    output frame{text, text, like.format(), like.quiet()};
    status = run(frame);
    if (interrupted()) break;
    const auto size = size_of_terminal();
    const auto head = "every " + std::to_string(seconds) + " s: " + title + "   " + clock_time() +
                      "   Ctrl-C ends";
    std::cout << (first ? clear_screen : "")
              << draw_frame(head, text.str(), size.rows, size.columns) << std::flush;
    first = false;
  } while (pause(std::chrono::seconds{seconds}));
  std::cout << "\r" << erase_rest_of_line << std::flush;
  return status;
}

}  // namespace stip::cli
