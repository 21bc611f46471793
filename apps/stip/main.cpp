// stip: the command line of a cluster.

#include <cstdlib>
#include <exception>
#include <iostream>

#include "apps/stip/bash_completion.hpp"
#include "apps/stip/help.hpp"
#include "apps/stip/session.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/raster/gdal_cache.hpp"

namespace {

using namespace stip;
using namespace stip::cli;

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 2 && words[0] == completion_word) {
    print_completion(words[1], environment, std::cout);
    return done;
  }
  output plain{std::cout, std::cerr, output_format::table, false};
  const auto line = parse_command_line(words, environment);
  if (!line) {
    plain.complain(line.error());
    return line.error().code == ec::invalid_argument ? wrong_usage : failed;
  }
  if (line->global.version) {
    std::cout << "stip " << STIP_VERSION << std::endl;
    return done;
  }
  if (line->global.help) {
    std::cout << explain({}) << std::flush;
    return done;
  }
  output out{std::cout, std::cerr, line->global.format, line->global.quiet};
  session way{line->global};
  const int status = run_command(line->command, way, out);
  std::cout.flush();
  if (status == done && !out.good()) {
    out.complain("write the answer: standard output takes no more; look at the disk behind it");
    return failed;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  limit_gdal_cache(defaults::gdal_cache_bytes);
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& err) {
    std::cerr << "stip: an internal error: " << err.what() << "; please report it" << std::endl;
    return failed;
  }
}
