#pragma once

#include <csignal>
#include <cstddef>
#include <string>
#include <string_view>

namespace stip::cli {

/// Rows and columns of the terminal; 24 and 80 where they are not known.
struct terminal_size {
  size_t rows = 24;
  size_t columns = 80;
};
terminal_size size_of_terminal();

/// As much of a line of UTF-8 text as fits into so many columns (a code point is one).
std::string_view cut_to_width(std::string_view text, size_t columns);

/// Takes Ctrl-C for as long as it lives; they nest. There is one terminal and one Ctrl-C, so what
/// it counts is of the process.
class interrupt_watch {
 public:
  enum class second : bool {
    /// It is counted too.
    counts,
    /// It ends the process: what runs may look at no interrupt for long.
    ends
  };
  explicit interrupt_watch(second what);
  ~interrupt_watch();
  interrupt_watch(const interrupt_watch&) = delete;
  interrupt_watch& operator=(const interrupt_watch&) = delete;

  bool interrupted() const;
  bool again() const;
  void forget();

 private:
  struct sigaction before_ {};
};

/// Ctrl-C was pressed, and somebody takes it.
bool interrupted();

}  // namespace stip::cli
