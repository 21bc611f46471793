#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/clock.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/raster/pixel_type.hpp"

namespace stip {

/// What a listing shows of one chip and shares with no other. Without padding, since arrays of it
/// stand in the packed buffers of rows.
struct listed_chip {
  uint32_t width = 0;
  uint32_t height = 0;
  double pixel_coverage = 0;
  /// Bytes as stored.
  uint64_t bytes = 0;
  hash128 content;

  bool operator==(const listed_chip&) const = default;
};
static_assert(sizeof(listed_chip) ==
              2 * sizeof(uint32_t) + sizeof(double) + sizeof(uint64_t) + sizeof(hash128));

class row_layout;
using row_layout_ptr = std::shared_ptr<const row_layout>;

/// What the listed rows of many images have in common: when they were written, the properties of
/// their scene, and of each subdataset its name, pixel type, bands and scene. Kept packed, as it
/// travels with the rows.
class row_layout {
 public:
  struct subdataset {
    std::string id;
    pixel_type type = pixel_type::uint8;
    std::vector<std::string> bands;
    hash128 scene;
    /// Not measured data: does not count for the image's pixel coverage. Does not travel.
    bool quality = false;

    bool operator==(const subdataset&) const = default;
  };

  /// `written`: the version of the images' oldest chips.
  static row_layout_ptr make(const std::map<std::string, std::string>& properties,
                             std::span<const subdataset> subdatasets, const version& written = {});

  /// Varint count of subdatasets, stamp written, varint count of properties, two texts each, then
  /// of each subdataset: text id, u8 pixel type, hash scene, varint count of bands, a text each
  /// (core/packed.hpp).
  const std::string& form() const { return form_; }

  /// Subdatasets, and so chips, of an image.
  size_t chips() const { return quality_.size(); }
  bool is_quality(size_t subdataset) const { return quality_[subdataset] != 0; }

  bool operator==(const row_layout& other) const {
    return form_ == other.form_ && quality_ == other.quality_;
  }

  /// Bytes of memory that it takes.
  size_t memory_bytes() const { return sizeof *this + form_.capacity() + quality_.capacity(); }

 private:
  std::string form_;
  std::vector<uint8_t> quality_;
};

}  // namespace stip
