#pragma once

#include <string>
#include <vector>

#include "apps/stip/command.hpp"

// What may follow in a line that is being typed: one answer for the shell and for bash, made from
// the tables of commands.

namespace stip::cli {

/// Names that only a node knows. What cannot be had soon is empty.
class name_source {
 public:
  virtual ~name_source() = default;
  virtual std::vector<std::string> albums() = 0;
  virtual std::vector<std::string> tasks() = 0;
  virtual std::vector<std::string> nodes() = 0;
  virtual std::vector<std::string> platforms(const std::string& album) = 0;
  virtual std::vector<std::string> sources(const std::string& album) = 0;
  /// Codes with images at or below them, one character longer than the prefix, and the prefix
  /// itself where it has some of its own.
  virtual std::vector<std::string> geocodes(const std::string& album,
                                            const std::string& prefix) = 0;
};

/// Where a line is typed.
enum class typed_in : bool {
  /// It begins with the program's name; every global option may follow.
  command_line,
  /// The shell's own words may stand there (watch, help, exit).
  shell
};

struct completion {
  /// Byte of the line from which on each of the words stands instead.
  size_t begin = 0;
  /// Sorted, distinct, unquoted, each beginning with what is typed; at most
  /// defaults::max_completions.
  std::vector<std::string> words;
  /// A file or folder is wanted.
  bool files = false;
  /// A word may go on, as a geocode does: no blank belongs after it.
  bool open = false;
};

/// How the line (up to the cursor) may go on.
completion complete(const std::string& line, typed_in where, name_source& names);

/// Files and folders (with a slash at the end) that begin so; hidden ones only after a dot.
std::vector<std::string> files_like(const std::string& begin);

/// The longest text that all begin with.
std::string common_begin(const std::vector<std::string>& words);

/// The word with backslashes before what scan_line would take for more than itself.
std::string quoted(const std::string& word);

}  // namespace stip::cli
