#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "libstip/analysis/mask_classes.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/pixel_type.hpp"

// What the quality bands of products say of clouds, as mask classes. A pixel for which a band says
// several things is, in this order: nodata, cloud, cirrus, shadow, dilated, snow, water, clear.

namespace stip {

/// The meaning of a quality band's values.
enum class quality_layout : uint8_t {
  /// Sentinel-2 L2A scene classification (L2A Algorithm Theoretical Basis Document, table of
  /// classes): 0 no data and 1 defective are nodata; 3 shadow; 6 water; 8, 9 cloud; 10 cirrus; 11
  /// snow.
  scl,
  /// Sentinel-2 MSK_CLASSI_B00 from baseline 04.00 (Products Specification Document, issue 14.9):
  /// three planes of 0 and 1: opaque clouds, cirrus, snow; see classify_classi.
  classi,
  /// Landsat Collection 2 QA_PIXEL (LSDS-1619, LSDS-1328): bits 0 fill, 1 dilated, 2 cirrus, 3
  /// cloud, 4 shadow, 5 snow, 7 water. Of Landsat 8 and 9.
  qa_pixel,
  /// The same of Landsat 4 to 7, which have no cirrus band: bit 2 says nothing.
  qa_pixel_no_cirrus,
  /// Landsat Collection 1 BQA (USGS, Landsat Collection 1 Level-1 Quality Assessment Band): bits 0
  /// fill, 4 cloud; confidences of two bits, 3 being high: 7-8 shadow, 9-10 snow, 11-12 cirrus.
  bqa,
  /// The same of Landsat 4 to 7: bits 11-12 say nothing.
  bqa_no_cirrus,
  /// Landsat Collection 1 Level 2 pixel_qa (LSDS-1368, LSDS-1370): bits 0 fill, 2 water, 3 shadow,
  /// 4 snow, 5 cloud, 8-9 cirrus confidence (3 = high).
  pixel_qa,
  /// The same of Landsat 4 to 7: bits 8-9 say nothing.
  pixel_qa_no_cirrus,
  /// MODIS state_1km and sur_refl_state_500m (MOD09 User's Guide, table "1-km state QA"): bits 0-1
  /// cloud state (1 cloudy, 2 mixed), 2 shadow, 3-5 land or water, 8-9 cirrus (3 = high), 10
  /// internal cloud, 12 snow, 13 adjacent to cloud, 15 internal snow; 65535 is fill.
  modis_state,
  /// Fmask (Zhu and Woodcock 2012; eo-datasets): 0 null, 1 clear, 2 cloud, 3 shadow, 4 snow, 5
  /// water; anything else is nodata.
  fmask,
};

/// "SCL", "MSK_CLASSI", "QA_PIXEL", ...: as users know the band.
std::string_view to_string(quality_layout layout) noexcept;

/// Whether the layout's values are one plane: all but classi.
constexpr bool is_one_plane(quality_layout layout) noexcept {
  return layout != quality_layout::classi;
}

/// The class that one value means. Values that the layout does not know are nodata.
/// Precondition: is_one_plane(layout).
mask_class class_of(quality_layout layout, uint64_t value) noexcept;

/// Classes of a whole plane, native byte order: a table look-up a pixel. `mask` has a byte for each
/// pixel. Errors: unsupported for types other than whole numbers of 8 and 16 bits, or for a layout
/// of several planes; invalid_argument when the sizes do not fit.
result<void> classify_quality(quality_layout layout, pixel_type type,
                              std::span<const std::byte> plane, std::span<uint8_t> mask);

/// Classes of MSK_CLASSI: its three planes, 0 or not. It does not tell holes: see keep_valid.
/// Errors: invalid_argument when the lengths differ.
result<void> classify_classi(std::span<const uint8_t> opaque, std::span<const uint8_t> cirrus,
                             std::span<const uint8_t> snow, std::span<uint8_t> mask);

}  // namespace stip
