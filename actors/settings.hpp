#pragma once

#include <string>

#include "actors/context.hpp"
#include "actors/network.hpp"

namespace stip {

/// How a node logs.
struct log_settings {
  std::string level = "info";
  /// Empty: standard error.
  std::string file;
};

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

/// The settings of a parsed configuration. Errors: invalid_argument, naming the key.
struct all_settings {
  node_settings node;
  log_settings log;
};
result<all_settings> read_settings(const node_config& config);

}  // namespace stip
