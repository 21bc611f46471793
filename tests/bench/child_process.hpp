#pragma once

#include <string>
#include <vector>

namespace stip::bench {

struct ended_child {
  /// The most memory that it had.
  double peak_megabytes = 0;
};

/// Runs a program to its end, without its standard output; gives up when it fails.
ended_child run_child(const std::vector<std::string>& words);

}  // namespace stip::bench
