#pragma once

#include <string>

#include "libstip/cluster/transformation.hpp"
#include "libstip/raster/resample.hpp"

namespace stip {

/// Resamples images to the grids of their own cells, so that those of all platforms stack pixel on
/// pixel. Its inputs are the images that is_derived_of takes, but for aligned ones; their sources
/// are derived_source's of `align-N`.
class align_transformation final : public transformation {
 public:
  /// `match` is the task's filter.
  align_transformation(int edge, resampling kind, filter match)
      : edge_(edge), kind_(kind), match_(std::move(match)) {}

  std::string input_of(const image_row& image) const override;
  result<load_outcome> run(const image_key& input, const image_source& images,
                           const load_request& request,
                           const load_services& services) const override;

 private:
  const int edge_;
  const resampling kind_;
  const filter match_;
};

}  // namespace stip
