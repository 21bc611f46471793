// stipd: a node of a stip cluster. Reads its configuration, starts the node, waits for a signal.

#include <caf/actor_system.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "actors/node.hpp"
#include "actors/settings.hpp"
#include "apps/stipd/log.hpp"
#include "libstip/core/heap.hpp"
#include "libstip/raster/gdal_cache.hpp"

namespace {

using namespace stip;

int fail_with(const error& err) {
  std::cerr << "stipd: " << to_string(err) << "\n";
  return err.code == ec::invalid_argument ? 2 : 1;
}

constexpr auto row_options_help =
    "row options:\n"
    "  -d DIR                              : --stip.directory\n"
    "  -t TOKEN                            : a place on the ring; repeat it for each\n"
    "(a row of config/hosts.txt has them; sbin/start-all.sh starts all rows)\n";

/// Takes the signals that end a node out of every thread, to be waited for in main.
sigset_t block_signals() {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return ending;
}

}  // namespace

int main(int argc, char** argv) {
  set_up_heap();
  const auto ending = block_signals();
  const auto row = take_row_options({argv + 1, argv + argc});
  if (!row) return fail_with(row.error());
  node_config config;
  // Without a file, CAF would look for one of its own in the working directory.
  if (auto err = config.parse(row->rest, "")) {
    std::cerr << "stipd: read the configuration: " << config.render(err) << "\n";
    return 2;
  }
  if (config.cli_helptext_printed) {
    std::cout << row_options_help;
    return 0;
  }
  const auto settings = read_settings(config, *row);
  if (!settings) return fail_with(settings.error());
  const auto log = make_log(settings->log);
  if (!log) return fail_with(log.error());
  limit_gdal_cache(defaults::gdal_cache_bytes);

  caf::actor_system system{config};
  auto node = running_node::start(system, {settings->node, *log}, system_config::networking::on);
  if (!node) {
    if (!settings->log.file.empty()) (*log)->error("{}", to_string(node.error()));
    return fail_with(node.error());
  }
  const auto node_log = (*log)->clone(node_name((*node)->id()));
  std::cout << "stipd: node " << node_log->name() << " listens on " << settings->node.host << ":"
            << (*node)->port() << std::endl;

  const timespec look_again{0, 200'000'000};
  auto trimmed = std::chrono::steady_clock::now();
  while (!(*node)->wait(std::chrono::milliseconds{0})) {
    if (sigtimedwait(&ending, nullptr, &look_again) < 0) {
      // What lies free between allocations that live stays with the process otherwise.
      if (const auto now = std::chrono::steady_clock::now();
          now - trimmed >= defaults::malloc_trim_interval) {
        give_back_heap();
        trimmed = now;
      }
      continue;
    }
    node_log->info("signal received, the node stops");
    (*node)->stop();
    if (!(*node)->wait(defaults::stop_deadline)) {
      // The data are safe: whatever was not acknowledged is absent after the next start.
      node_log->error("work did not end within {} ms; the process ends now",
                      defaults::stop_deadline.count());
      std::_Exit(1);
    }
  }
  node_log->info("the node has ended");
  return 0;
}
