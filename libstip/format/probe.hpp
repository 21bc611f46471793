#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/time.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// A band of a probed subdataset, as users read it.
struct probed_band {
  std::string name;
  /// The nodata value as text, exact; empty: none.
  std::string nodata;
  std::string unit;
  double scale = 1;
  double offset = 0;
};

/// A subdataset of a probed scene.
struct probed_subdataset {
  std::string id;
  /// NumPy's name of the pixel type.
  std::string type;
  int64_t width = 0;
  int64_t height = 0;
  /// "nodata", "alpha", "mask", "band masks", "all pixels".
  std::string validity;
  bool quality = false;
  std::vector<probed_band> bands;
  /// Bytes of its pixels, not compressed.
  uint64_t raw_bytes = 0;
};

/// What a file would become, without storing it (`stip image probe`). Cells and stored bytes are
/// for the caller to add, by planning a cut.
struct probe_report {
  std::string input;
  uint64_t input_bytes = 0;
  std::string format;
  std::string platform;
  std::string tile;
  epoch_seconds timestamp = 0;
  std::optional<epoch_seconds> start;
  std::optional<epoch_seconds> end;
  std::vector<probed_subdataset> subdatasets;
  /// WKT, lon lat in degrees.
  std::string footprint;
};

/// The report of a scene. Never fails: everything is in the description.
probe_report probe(const scene_description& scene);

/// A validity in words.
std::string_view to_string(validity valid) noexcept;

}  // namespace stip
