#pragma once

#include <string>
#include <vector>

#include "libstip/core/error.hpp"

namespace stip::cli {

/// The lines of earlier sessions, in a file that its user alone may read. Each line is appended
/// when it is entered, so that sessions beside each other keep theirs.
class history_file {
 public:
  /// An empty path keeps nothing.
  explicit history_file(std::string path) : path_(std::move(path)) {}

  /// The latest lines, at most defaults::shell_history_lines, the oldest first; a file that has
  /// outgrown this is cut. Lines that no terminal should see (control characters, too long) are
  /// left out. Errors: io_error; a file that is not there has no lines.
  result<std::vector<std::string>> load();

  /// Appends the line unless it holds nothing, cannot be kept (see load), or is the one before.
  /// Returns whether it was kept. Errors: io_error.
  result<bool> add(const std::string& line);

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string latest_;
};

/// $XDG_STATE_HOME/stip/history or $HOME/.local/state/stip/history; empty without either. A
/// relative XDG_STATE_HOME does not count, as its specification says.
std::string history_path();

}  // namespace stip::cli
