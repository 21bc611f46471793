#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libstip/analysis/indices.hpp"
#include "libstip/analysis/statistics.hpp"
#include "libstip/catalog/stored_image.hpp"
#include "libstip/cluster/image_making.hpp"
#include "libstip/core/error.hpp"

// An index of one stored image: its pixels, and the numbers that they come to.

namespace stip {

/// What is computed.
struct index_work {
  index_definition index;
  /// Clouds are left in.
  bool keep_clouds = false;
};

/// What is said of the clouds of an index.
namespace cloud_word {
inline constexpr std::string_view kept = "kept";
/// Nothing tells them: no mask is stored, and no quality band either.
inline constexpr std::string_view unknown = "unknown";
}  // namespace cloud_word

/// The index of an image.
struct computed_index {
  index_plane plane;
  /// Where the plane lies on its subdataset's grid.
  pixel_rect window;
  /// A byte a pixel, 1 where its centre lies in the cell.
  std::vector<uint8_t> own;
  /// What became of clouds: "kept", "unknown", or the method of the mask that left them out.
  std::string clouds;
  /// Of the pixels that were read.
  uint64_t bytes = 0;
};

/// What computed_index::clouds will be, without a pixel.
std::string clouds_of_index(const stored_image& image, const index_work& work);

/// Bytes of memory that computing it takes at most.
uint64_t index_bytes(const stored_image& image, const index_work& work);

/// Computes the index. Clouds are those of the mask that is kept with the image, else of its
/// quality band. Errors: those of compute_index, cell_mask, reading, and of the mask.
result<computed_index> compute_index_of(const stored_image& image, const index_work& work,
                                        geocode_algorithm algorithm, const read_chip& read);

}  // namespace stip
