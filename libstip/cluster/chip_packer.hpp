#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "libstip/catalog/image.hpp"
#include "libstip/raster/cut.hpp"
#include "libstip/store/chip_writer.hpp"

namespace stip {

/// A chip that a cut will make, as far as it is known before, and the nodes that it goes to.
struct expected_chip {
  /// Complete but for cell_pixels, valid_pixels and content.
  chip_description description;
  std::vector<uint64_t> nodes;
  hash128 upload;
  /// Chips of one image have one number, 0 .. images - 1.
  size_t image = 0;
};

/// Brings one message to its node; blocks while there is no credit. Errors end the load.
using ship_parts = std::function<result<void>(uint64_t node, chip_parts parts, uint64_t bytes)>;

/// Packs the products of a cut into messages of about defaults::max_message_bytes for the nodes
/// that hold them. An image without a valid pixel in any of its subdatasets is not sent; the others
/// are finished when all of their subdatasets are. Thread-safe, in bounded memory: a chip's blocks
/// are held back until the chip is known to be stored, or too many bytes wait.
class chip_packer final : public cut_sink {
 public:
  chip_packer(std::vector<expected_chip> chips, size_t images, scene_part scene, ship_parts ship);

  result<void> block(const cut_block& block) override;
  result<void> finish(const finished_chip& chip) override;

  /// Sends what is left. Call it when the cut is over.
  result<void> flush();

  /// Images that were sent, and that had no data.
  uint64_t images_sent() const { return images_sent_; }
  uint64_t images_empty() const { return images_empty_; }

 private:
  struct pending {
    std::vector<uint32_t> blocks;
    std::string records;
    bool finished = false;
  };
  struct image_state {
    std::vector<size_t> chips;
    size_t unfinished = 0;
    bool has_data = false;
  };
  struct message {
    uint64_t node = 0;
    chip_parts parts;
    uint64_t bytes = 0;
  };

  void move_to_message(size_t chip, bool last, std::vector<message>& full);
  result<void> ship_all(std::vector<message> messages);

  std::vector<expected_chip> chips_;
  std::vector<image_state> images_;
  std::vector<pending> pending_;
  const scene_part scene_;
  const ship_parts ship_;
  std::mutex mutex_;
  uint64_t pending_bytes_ = 0;
  std::map<uint64_t, message> open_;
  uint64_t images_sent_ = 0;
  uint64_t images_empty_ = 0;
};

}  // namespace stip
