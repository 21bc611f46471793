#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/raster/cut_geometry.hpp"

// Blocks of chips that lie on the nodes of a cluster, for what reads windows of many chips.

namespace stip {

/// A chip as far as reading its blocks needs it.
struct chip_place {
  /// The image's key as text.
  std::shared_ptr<const std::string> image;
  uint16_t subdataset = 0;
  uint16_t block_edge = 0;
  /// Bands and mask planes.
  uint32_t planes = 0;
  /// On the grid of its subdataset.
  pixel_rect window;
  hash128 content;

  block_layout blocks() const { return {window, block_edge}; }
};

/// Takes the record of one block, with its number.
using take_block = std::function<result<void>(uint64_t block, std::span<const std::byte> record)>;

/// Where blocks come from.
class block_source {
 public:
  virtual ~block_source() = default;
  /// Hands over the records (raster/block.hpp) of the blocks [first, end) of the chip; blocks
  /// without data do not come. Any thread calls.
  virtual result<void> read(const chip_place& chip, uint64_t first, uint64_t end,
                            const take_block& take) = 0;
};

/// A decoded block: dense pixels, row-major; empty: it has no data.
using decoded_block = std::shared_ptr<const std::vector<std::byte>>;

/// Decoded blocks under a bound of bytes; those that were not asked for longest go first. A block
/// that several threads want at a time is read by one of them. Any thread may ask.
class block_cache {
 public:
  /// `source` must outlive the cache.
  block_cache(block_source& source, uint64_t max_bytes) : source_(source), max_bytes_(max_bytes) {}

  /// The blocks of those numbers (ascending) of the chip, in their order. `chip_number` tells chips
  /// apart. Errors: those of the source and of decode_block.
  result<std::vector<decoded_block>> get(uint64_t chip_number, const chip_place& chip,
                                         std::span<const uint64_t> numbers);

  /// Blocks that were read so far, and that were asked for.
  uint64_t reads() const;
  uint64_t requests() const;
  uint64_t peak_bytes() const;

 private:
  struct entry {
    decoded_block pixels;
    /// Somebody reads it.
    bool pending = true;
    std::list<std::pair<uint64_t, uint64_t>>::iterator used;
  };
  struct key_hash {
    size_t operator()(const std::pair<uint64_t, uint64_t>& k) const noexcept {
      return static_cast<size_t>(k.first * 0x9e3779b97f4a7c15ULL ^
                                 (k.second + 1) * 0xc2b2ae3d27d4eb4fULL);
    }
  };

  result<void> fetch(uint64_t chip_number, const chip_place& chip,
                     std::span<const uint64_t> numbers, std::vector<decoded_block>& out);
  void keep(const std::pair<uint64_t, uint64_t>& key, decoded_block pixels);
  void give_up(uint64_t chip_number, std::span<const uint64_t> numbers);

  block_source& source_;
  const uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::unordered_map<std::pair<uint64_t, uint64_t>, entry, key_hash> entries_;
  /// The blocks that are there, by their last use; the oldest first.
  std::list<std::pair<uint64_t, uint64_t>> order_;
  uint64_t bytes_ = 0;
  uint64_t peak_bytes_ = 0;
  uint64_t reads_ = 0;
  uint64_t requests_ = 0;
};

}  // namespace stip
