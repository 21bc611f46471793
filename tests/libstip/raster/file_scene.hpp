#pragma once

#include <caf/test/unit_test.hpp>
#include <memory>
#include <string>
#include <utility>

#include "libstip/raster/gdal_input.hpp"
#include "libstip/raster/gdal_scene.hpp"

namespace stip::test {

/// A scene out of the file's own datasets, as the formats make it.
inline result<std::unique_ptr<scene>> scene_of(const std::string& path) {
  STIP_ASSIGN(const auto dataset, open_gdal(path));
  STIP_ASSIGN(const auto grid, gdal_grid(dataset, path));
  description_budget budget;
  STIP_ASSIGN(auto found, describe_gdal(dataset, path, 0, grid, budget));
  gdal_scene_parts parts;
  parts.datasets = {path};
  parts.description.input = path;
  for (auto& [description, source] : found) {
    parts.description.subdatasets.push_back(std::move(description));
    parts.sources.push_back(std::move(source));
  }
  return make_gdal_scene(std::move(parts));
}

inline std::unique_ptr<scene> opened(const std::string& path) {
  auto made = scene_of(path);
  if (!made) CAF_FAIL(to_string(made.error()));
  return std::move(*made);
}

}  // namespace stip::test
