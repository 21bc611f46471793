#pragma once

#include <string>
#include <vector>

#include "apps/stip/command.hpp"

namespace stip::cli {

/// A command line that is understood: what to run, or what to explain.
struct invocation {
  /// Null: explain stip itself.
  const noun* of = nullptr;
  /// Null: explain the noun.
  const verb* what = nullptr;
  bool help = false;
  arguments given;
};

/// The words after the global options. Errors: invalid_argument for wrong usage; unsupported for
/// what is not there yet.
result<invocation> parse_command(const std::vector<std::string>& words);

/// Options of a table (values by long name; a flag's value is empty) and the other words.
/// Errors: invalid_argument, with the option's name.
result<arguments> parse_options(const std::vector<option>& known,
                                const std::vector<std::string>& words, const std::string& what);

/// How many of the words belong to the leading options: the next one is the noun.
size_t leading_options(const std::vector<option>& known, const std::vector<std::string>& words);

/// A line as a shell reads it, also while it is being typed.
struct scanned_line {
  std::vector<std::string> words;
  /// Byte of the line where each word begins, with its quotes.
  std::vector<size_t> begins;
  /// The quote that does not end; 0: none.
  char quote = '\0';
  /// The last word reaches the end of the line: it may go on.
  bool inside = false;
};

/// Blanks part words; single and double quotes and backslashes keep them together.
scanned_line scan_line(const std::string& line);

/// The words of a line, as a shell splits it: blanks, single and double quotes, backslashes.
/// Errors: invalid_argument for a quote that does not end.
result<std::vector<std::string>> split_line(const std::string& line);

}  // namespace stip::cli
