#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libstip/format/swath_grid.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// What a band of a subdataset is made of.
struct swath_band {
  enum class kind : uint8_t { raster, latitude, longitude };
  kind from = kind::raster;
  std::string dataset;
  int band = 1;
  std::optional<uint64_t> nodata;
};

/// A subdataset: the shape that it is made of, and its bands.
struct swath_part {
  size_t shape = 0;
  std::vector<swath_band> bands;
};

/// A scene of subdatasets that are made of images of a swath: its description, the swath's places,
/// the shapes with their grids, and of what each subdataset of the description is made. The bands
/// of a subdataset have one pixel type, which their rasters have too; raster bands are decoded
/// whole.
std::unique_ptr<scene> make_swath(scene_description description, swath_map map,
                                  std::vector<swath_shape> shapes, std::vector<swath_part> parts);

}  // namespace stip
