#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace stip {

/// How a node runs the processes that read HDF4, HDF5 and NetCDF for it; the defaults are those of
/// a node, tests take shorter ones.
struct reader_settings {
  /// The program; empty: `stip-reader` beside the program that runs.
  std::string program;
  /// Processes at the same time at most. One that reads another input is taken over when there are
  /// as many, so nobody waits for ever.
  size_t processes = 16;
  /// Memory that a process shares with the node. Windows that are larger come in pieces.
  uint64_t shared_bytes = uint64_t{32} << 20;
  /// How long one request may take: damaged files make the libraries turn in circles.
  std::chrono::milliseconds open_deadline{120'000};
  std::chrono::milliseconds read_deadline{60'000};
  /// How long to wait for a process while all are busy.
  std::chrono::milliseconds patience{600'000};
  /// What a process may map, and the processor time that one request may take.
  uint64_t address_space_bytes = uint64_t{6} << 30;
  std::chrono::seconds cpu_time{100};
  /// A process that has opened so many inputs is replaced by a new one: the libraries leak.
  size_t inputs_per_process = 64;
  /// A process that nobody has asked for so long ends.
  std::chrono::milliseconds idle_limit{30'000};
};

/// Bytes of one message between the node and a reader process at most: the description of a scene.
inline constexpr size_t max_reader_message_bytes = size_t{16} << 20;

/// Scenes that one input may hold at most.
inline constexpr size_t max_scenes_per_input = 4096;

}  // namespace stip
