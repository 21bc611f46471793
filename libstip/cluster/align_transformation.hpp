#pragma once

#include <string>

#include "libstip/cluster/transformation.hpp"
#include "libstip/raster/resample.hpp"

namespace stip {

/// Resamples images to the grids of their own cells, so that those of all platforms stack pixel on
/// pixel. Its inputs are the images that the filter takes, but for aligned ones.
class align_transformation final : public transformation {
 public:
  align_transformation(int edge, resampling kind) : edge_(edge), kind_(kind) {}

  std::string input_of(const image_row& image) const override;
  result<load_outcome> run(const image_key& input, const image_source& images,
                           const load_request& request,
                           const load_services& services) const override;

 private:
  const int edge_;
  const resampling kind_;
};

}  // namespace stip
