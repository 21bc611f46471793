#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libstip/cluster/transformation.hpp"

namespace stip {

/// The source of images that fill makes, and the subdataset that says where their pixels are from.
inline constexpr std::string_view filled_source = "filled";
inline constexpr std::string_view sources_name = "sources";

/// Makes whole images out of partial ones of neighbouring scenes.
///
/// Images of one platform and cell, in the order of time, then coverage (more first), then tile,
/// fall into groups: the first one begins a group, and all that are not more than a window of time
/// later belong to it. A group with a full image is left alone, and so is a single image. Of the
/// others the pixels of the first are taken, then of the next where none are, until the cell is
/// full; the result lies on the grid of the fullest and is kept when it covers more than any of
/// them. It has the time and tile of the first; its scene record lists its inputs.
///
/// The inputs are cells: keys with the source `filled`, the tile `*` and the time 0.
class fill_transformation final : public transformation {
 public:
  struct options {
    /// The task's filter; without a source the raw images are meant.
    filter match;
    /// Seconds.
    int64_t window = 0;
    /// Keeps the number of the input that each pixel is of, as a subdataset.
    bool keep_sources = false;
  };
  explicit fill_transformation(options o);

  std::string input_of(const image_row& image) const override;
  result<load_outcome> run(const image_key& input, const image_source& images,
                           const load_request& request,
                           const load_services& services) const override;

 private:
  result<load_outcome> fill(const std::vector<image_row>& group, const image_source& images,
                            const load_request& request, const load_services& services) const;

  options options_;
};

}  // namespace stip
