#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "libstip/catalog/image.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/error.hpp"

namespace stip {

class segment_reader;

/// Reads a long list of blocks with several requests in flight, and hands them over in the order of
/// the list: what export, moves and training loops read through. Blocks that follow each other in
/// the list and nearly so in their segment are read by one request. Memory is bounded by
/// `ahead_bytes` and reused. One thread takes; the reads run on `depth` threads of its own.
///
///     auto blocks = store.stream(places);
///     while (const auto block = blocks->next()) use(block->record);
class block_stream {
 public:
  struct options {
    /// Requests in flight.
    size_t depth = defaults::read_depth;
    /// Bytes of one request at most (one larger block is read alone), and bytes between two blocks
    /// that are read over.
    uint64_t request_bytes = defaults::read_request_bytes;
    uint64_t gap_bytes = defaults::read_gap_bytes;
    /// Bytes of requests in flight and of blocks that were not taken yet, at most; one larger
    /// request is made alone.
    uint64_t ahead_bytes = defaults::read_ahead_bytes;
  };

  struct block {
    /// Position in the list.
    size_t number = 0;
    /// The record, checksums verified; empty for a block without bytes. Valid until the next call.
    std::span<const std::byte> record;
    /// Why it could not be read: not_found (its segment is gone: look the chip up again), corrupt,
    /// io_error. Other blocks are not affected.
    result<void> outcome;
  };

  /// `reader` outlives the stream.
  block_stream(segment_reader& reader, std::vector<block_location> blocks, const options& o);
  block_stream(const block_stream&) = delete;
  block_stream& operator=(const block_stream&) = delete;
  ~block_stream();

  /// The next block, waiting for it; nothing at the end of the list.
  std::optional<block> next();

  size_t requests() const { return requests_.size(); }
  /// The most bytes that were held at once.
  uint64_t high_water() const;

 private:
  struct request {
    uint32_t segment = 0;
    uint64_t offset = 0;
    uint64_t bytes = 0;
    /// Positions of its blocks in the list: the first, and behind the last.
    size_t first = 0, last = 0;
  };
  struct buffer {
    std::unique_ptr<std::byte[]> bytes;
    uint64_t capacity = 0;
  };
  struct answer {
    buffer content;
    result<void> outcome;
  };

  void plan(const options& o);
  void work(const std::stop_token& stop);
  buffer take_buffer(uint64_t bytes);
  result<void> check(const block_location& place, std::span<const std::byte> record) const;

  segment_reader& reader_;
  const std::vector<block_location> blocks_;
  const uint64_t ahead_bytes_;
  std::vector<request> requests_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  size_t next_request_ = 0;
  uint64_t held_bytes_ = 0;
  uint64_t high_water_ = 0;
  std::map<size_t, answer> answers_;
  std::vector<buffer> free_;

  // Of the thread that takes.
  size_t taken_ = 0;
  size_t at_request_ = 0;
  std::optional<answer> current_;

  std::vector<std::jthread> threads_;
};

}  // namespace stip
