#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "libstip/analysis/index_of_image.hpp"
#include "libstip/analysis/statistics.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// What the pixels of an image's index come to.
struct index_statistics {
  pixel_statistics numbers;
  /// computed_index::clouds.
  std::string clouds;
};

/// The statistics of an image's own pixels. Errors: those of compute_index_of.
result<index_statistics> measure_index_of(const stored_image& image, const index_work& work,
                                          geocode_algorithm algorithm, const read_chip& read);

/// The planes of an image's chips that its index is computed from, as (chip, band): bands, alpha
/// bands and what tells clouds. What cannot be resolved is left out.
std::set<std::pair<size_t, size_t>> planes_of_index(const stored_image& image,
                                                    const index_work& work);

/// The packed form, which travels between nodes; numbers come back bit for bit. Errors of the
/// second: malformed.
std::string encode(const index_statistics& statistics);
result<index_statistics> decode_index_statistics(std::string_view bytes);

}  // namespace stip
