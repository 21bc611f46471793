#include "apps/stip/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include "apps/stip/human.hpp"

namespace stip::cli {

namespace {

/// A signal handler can reach nothing else.
volatile std::sig_atomic_t interrupts = 0;

void count_interrupt(int) {
  interrupts = interrupts + 1;
}

void count_first_interrupt(int) {
  if (interrupts > 0) {
    std::signal(SIGINT, SIG_DFL);
    ::kill(::getpid(), SIGINT);
  }
  interrupts = interrupts + 1;
}

}  // namespace

terminal_size size_of_terminal() {
  terminal_size out;
  winsize size{};
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0) continue;
    if (size.ws_row > 0) out.rows = size.ws_row;
    if (size.ws_col > 0) out.columns = size.ws_col;
    break;
  }
  return out;
}

std::string_view cut_to_width(std::string_view text, size_t columns) {
  size_t end = 0, shown = 0;
  for (; end < text.size(); ++end) {
    // Bytes of the form 10xxxxxx continue a code point.
    const bool begins = (text[end] & 0xc0) != 0x80;
    if (begins && shown == columns) break;
    shown += begins ? 1 : 0;
  }
  return text.substr(0, end);
}

interrupt_watch::interrupt_watch(second what) {
  interrupts = 0;
  struct sigaction action {};
  action.sa_handler = what == second::ends ? count_first_interrupt : count_interrupt;
  // Without SA_RESTART: a read of an answer ends with Ctrl-C.
  ::sigaction(SIGINT, &action, &before_);
}

interrupt_watch::~interrupt_watch() {
  ::sigaction(SIGINT, &before_, nullptr);
  interrupts = 0;
}

bool interrupt_watch::interrupted() const {
  return interrupts > 0;
}

bool interrupt_watch::again() const {
  return interrupts > 1;
}

void interrupt_watch::forget() {
  interrupts = 0;
}

bool interrupted() {
  return interrupts > 0;
}

}  // namespace stip::cli
