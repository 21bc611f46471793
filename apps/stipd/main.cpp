// stipd: a node of a stip cluster. Reads its configuration, starts the node, waits for a signal.

#include <malloc.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <caf/actor_system.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "actors/node.hpp"
#include "actors/settings.hpp"
#include "libstip/raster/gdal_cache.hpp"

namespace {

using namespace stip;

int fail_with(const error& err) {
  std::cerr << "stipd: " << to_string(err) << "\n";
  return err.code == ec::invalid_argument ? 2 : 1;
}

result<std::shared_ptr<spdlog::logger>> make_logger(const log_settings& settings) {
  try {
    spdlog::sink_ptr sink;
    if (settings.file.empty())
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
          settings.file, defaults::log_file_bytes, defaults::log_files);
    auto log = std::make_shared<spdlog::logger>("stipd", std::move(sink));
    log->set_level(spdlog::level::from_str(settings.level));
    log->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    log->flush_on(spdlog::level::info);
    return log;
  } catch (const std::exception& e) {
    return fail(ec::io_error, "open log " + settings.file, e.what(), "check stip.log-file");
  }
}

/// Keeps freed memory from staying with the process. A chip's bytes are allocated by a loader's
/// thread and freed by another; with glibc's defaults (an arena a thread, a threshold for mmap that
/// grows) a load held 1.5 times the memory.
void tame_malloc() {
  mallopt(M_ARENA_MAX, defaults::malloc_arenas);
  mallopt(M_MMAP_THRESHOLD, defaults::malloc_mmap_bytes);
  mallopt(M_TRIM_THRESHOLD, defaults::malloc_trim_bytes);
}

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
  tame_malloc();
  const auto ending = block_signals();
  node_config config;
  // Without a file, CAF would look for one of its own in the working directory.
  if (auto err = config.parse(argc, argv, "")) {
    std::cerr << "stipd: read the configuration: " << config.render(err) << "\n";
    return 2;
  }
  if (config.cli_helptext_printed) return 0;
  const auto settings = read_settings(config);
  if (!settings) return fail_with(settings.error());
  const auto log = make_logger(settings->log);
  if (!log) return fail_with(log.error());
  limit_gdal_cache(defaults::gdal_cache_bytes);

  caf::actor_system system{config};
  auto node = running_node::start(system, {settings->node, *log}, system_config::networking::on);
  if (!node) return fail_with(node.error());
  std::cout << "stipd: node " << node_name((*node)->id()) << " listens on " << settings->node.host
            << ":" << (*node)->port() << std::endl;

  const timespec look_again{0, 200'000'000};
  while (!(*node)->wait(std::chrono::milliseconds{0})) {
    if (sigtimedwait(&ending, nullptr, &look_again) < 0) continue;
    (*log)->info("signal received, the node stops");
    (*node)->stop();
    if (!(*node)->wait(defaults::stop_deadline)) {
      // The data are safe: whatever was not acknowledged is absent after the next start.
      (*log)->error("work did not end within {} ms; the process ends now",
                    defaults::stop_deadline.count());
      std::_Exit(1);
    }
  }
  (*log)->info("the node has ended");
  return 0;
}
