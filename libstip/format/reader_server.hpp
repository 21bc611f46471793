#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace stip {

/// Descriptors that a reader process finds when it starts.
inline constexpr int reader_socket = 3;
inline constexpr int reader_memory = 4;

/// What a reader process is told on its command line.
struct reader_limits {
  /// Who started it, and with whom it dies.
  pid_t parent = 0;
  uint64_t address_space_bytes = 0;
  /// Of one request.
  std::chrono::seconds cpu_time{0};
};

/// The life of a reader process: limits itself, then answers the node's requests until the socket
/// closes. Returns the exit status. Sets what belongs to the whole process: GDAL's drivers and
/// cache, resource limits.
int serve_reader(const reader_limits& limits);

}  // namespace stip
