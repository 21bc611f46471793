#pragma once

#include <cstdint>
#include <map>

#include "libstip/analysis/image_bands.hpp"
#include "libstip/catalog/stored_image.hpp"
#include "libstip/cluster/image_making.hpp"

namespace stip {

/// The pixels of an image's chips, each read when it is needed first and kept then. Refers to what
/// it is made of.
class chip_planes {
 public:
  chip_planes(const stored_image& image, const read_chip& read) : image_(image), read_(read) {}

  /// Calls back into this.
  image_planes planes();

  /// The pixels of one chip, by its number in the image.
  result<const chip_image*> pixels_of(size_t chip);

  /// Of the chips that were read.
  uint64_t bytes() const { return bytes_; }

 private:
  const stored_image& image_;
  const read_chip& read_;
  std::map<size_t, chip_image> read_already_;
  uint64_t bytes_ = 0;
};

}  // namespace stip
