#pragma once

#include <string>
#include <vector>

#include "actors/client.hpp"
#include "libstip/analysis/chip_blocks.hpp"
#include "libstip/analysis/mosaic_plan.hpp"

// The images of a picture, found over all nodes.

namespace stip::cli {

/// Reads blocks of an album's chips from the nodes.
class client_blocks final : public block_source {
 public:
  client_blocks(const client& node, std::string album) : node_(node), album_(std::move(album)) {}
  result<void> read(const chip_place& chip, uint64_t first, uint64_t end,
                    const take_block& take) override {
    return node_.blocks(album_, *chip.image, chip.subdataset, chip.content, first, end, take);
  }

 private:
  const client& node_;
  std::string album_;
};

struct planned_mosaic {
  mosaic_plan plan;
  /// Ranges and nodes that could not be asked.
  std::vector<std::string> problems;
};

/// Finds the images that match within the area of the request, chooses the grid of the picture,
/// and finds those that meet the grid. Errors: not_found where nothing matches; limit_exceeded for
/// a picture of more than `max_pixels`; those of the node, of mosaic_grid and of the planner.
result<planned_mosaic> plan_mosaic(const client& node, const std::string& album,
                                   const filter& match, const mosaic_request& request,
                                   double max_pixels);

}  // namespace stip::cli
