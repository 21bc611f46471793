#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/context.hpp"
#include "actors/network.hpp"
#include "libstip/core/defaults.hpp"

namespace stip {

/// How a node logs.
struct log_settings {
  std::string level = "info";
  /// Empty: standard error.
  std::string file;
  /// The file is rotated at this size; so many old ones are kept.
  uint64_t file_bytes = defaults::log_file_bytes;
  size_t files = defaults::log_files;
};

/// What stipd reads of its command line itself. A row of a hosts file gives them in this form, and
/// CAF keeps only the last of a repeated option and no number above 2^63-1.
struct row_options {
  std::optional<std::string> directory;
  /// Places on the ring.
  std::vector<uint64_t> tokens;
  /// The other words, for CAF.
  std::vector<std::string> rest;
};

/// Takes `-d DIR` and every `-t TOKEN` out of the words (also as `-dDIR` and `-tTOKEN`).
/// Errors: invalid_argument for a missing value, a second directory, a token that is no 64-bit
/// number or stands there twice, more than defaults::max_tokens_per_node of them.
result<row_options> take_row_options(const std::vector<std::string>& words);

/// The configuration of stipd: the options of the section [stip] in the file and on the command
/// line, as CAF parses them. Everything is checked by read_settings, since CAF ignores keys that it
/// does not know, drops values whose type does not fit and takes numbers of any size.
class node_config : public system_config {
 public:
  node_config();

  /// Looks at the configuration file as it is written, for what the parsed settings do not show any
  /// more. Errors: invalid_argument, naming the key.
  result<void> check_file() const;
};

/// The settings of a parsed configuration; what the row says wins. Errors: invalid_argument, naming
/// the key.
struct all_settings {
  node_settings node;
  log_settings log;
};
result<all_settings> read_settings(const node_config& config, const row_options& row = {});

}  // namespace stip
