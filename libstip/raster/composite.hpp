#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/geo/grid_mapper.hpp"
#include "libstip/raster/chip_image.hpp"

// Whole images out of partial ones: pixels of the first one that has some.

namespace stip {

/// Whether pixels of one subdataset may stand beside those of another: the same name, type, bands,
/// units and categories, and the same way of marking holes. Errors: unsupported, which names what
/// differs.
result<void> check_combinable(const subdataset_description& a, const subdataset_description& b);

/// One chip that is filled from others. A pixel is taken as a whole, all bands of one source, where
/// none was before; numbers are brought to the chip's own scale and offset, and never become its
/// nodata value by that.
class composite {
 public:
  /// An empty chip. `description` has the grid of the chip itself. Errors: limit_exceeded as
  /// chip_assembler.
  static result<composite> make(const subdataset_description& description);

  /// How pixels of a source came to their places.
  enum class placing : uint8_t { copied, nearest };

  /// Takes the pixels of `from` that are still missing; `number` (1 ..) stands for it in
  /// sources(). Where its pixels do not coincide with the chip's, each takes the one that its
  /// centre falls into. Precondition: check_combinable. Errors: those of
  /// grid_mapper::make.
  result<placing> add(const chip_image& from, uint8_t number);

  /// A byte a pixel: which source it is of, 0: none.
  std::span<const uint8_t> sources() const { return sources_; }

  /// The chip; this is then spent.
  chip_image finish() && { return std::move(image_); }

 private:
  explicit composite(chip_image image)
      : image_(std::move(image)), sources_(image_.area(), uint8_t{0}) {}

  /// A chip that pixels are taken of.
  struct source {
    source(const chip_image& from, const subdataset_description& to, uint8_t number);
    const chip_image& image;
    std::vector<uint8_t> valid;
    /// For each band where it holds data; empty where that needs no look.
    std::vector<std::vector<uint8_t>> valid_in;
    uint8_t number = 0;
  };

  void take_copied(const source& with, std::pair<int64_t, int64_t> shift);
  void take_nearest(const source& with, grid_mapper& mapper);
  /// `places[i]`: the pixel of the source that pixel i of a row may take; -1: none.
  void take_row(const source& with, int64_t row, std::span<const int64_t> places);
  /// What holds no data in a band of the source does not here; for the row of wanted_.
  void keep_holes(const source& with, size_t band, size_t first);

  chip_image image_;
  std::vector<uint8_t> sources_;
  /// The places that the row at hand takes.
  std::vector<int64_t> wanted_;
};

}  // namespace stip
