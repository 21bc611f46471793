#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/stip/command.hpp"
#include "apps/stip/output.hpp"

namespace stip::cli {

/// The global options, from the command line, the environment, and the configuration file, in this
/// order of precedence.
struct settings {
  std::string host;
  uint16_t port = 0;
  /// The directory of a node inside this process.
  std::optional<std::string> embedded;
  output_format format = output_format::table;
  bool quiet = false;
  bool verbose = false;
  bool help = false;
  bool version = false;
};

struct command_line {
  settings global;
  /// Noun, verb, and what follows.
  std::vector<std::string> command;
};

/// The global options, as a table.
const std::vector<option>& global_options();

/// "STIP_IP_ADDRESS" for "ip_address", "STIP_TLS_CA" for "tls-ca".
std::string environment_name(std::string_view option_name);

/// `environment` gives the value of a variable, or nothing; an empty value counts as none.
/// Errors: invalid_argument for wrong usage; unsupported for what is not there yet; not_found for
/// a missing configuration file.
result<command_line> parse_command_line(
    const std::vector<std::string>& words,
    const std::function<std::optional<std::string>(const std::string&)>& environment);

}  // namespace stip::cli
