#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "libstip/analysis/cloud_source.hpp"
#include "libstip/format/format.hpp"

// Whole bands of a scene in memory, for tests of what works on pixels.

namespace stip::test {

/// The only scene of an input; null when it does not open.
inline std::unique_ptr<scene> open_one(const std::string& input,
                                       const scene_options& options = {}) {
  auto opened = open_scenes("auto", input, options);
  if (!opened || opened->size() != 1) return nullptr;
  return std::move(opened->front());
}

/// The bytes of a band; empty when they cannot be read.
inline std::vector<std::byte> read_plane(const scene& from, const band_place& place) {
  const auto& part = from.description().subdatasets[place.subdataset];
  std::vector<std::byte> out(size_t(part.grid.width) * size_t(part.grid.height) *
                             size_of(part.type));
  auto reader = from.open_reader();
  if (!reader || !(*reader)->read(place.subdataset, {0, 0, part.grid.width, part.grid.height},
                                  place.band, 1, out))
    out.clear();
  return out;
}

/// The values of a band as they are stored, without scale and offset.
inline std::vector<float> float_plane(const scene& from, const band_place& place) {
  const auto bytes = read_plane(from, place);
  const auto type = from.description().subdatasets[place.subdataset].type;
  std::vector<float> out(bytes.size() / size_of(type));
  visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    for (size_t i = 0; i < out.size(); ++i) {
      T value{};
      std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
      out[i] = static_cast<float>(value);
    }
  });
  return out;
}

}  // namespace stip::test
