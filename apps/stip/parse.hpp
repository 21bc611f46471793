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

/// The words of a line, as a shell splits it: blanks, single and double quotes, backslashes.
/// Errors: invalid_argument for a quote that does not end.
result<std::vector<std::string>> split_line(const std::string& line);

}  // namespace stip::cli
