#pragma once

#include <gdal.h>

#include "libstip/raster/pixel_type.hpp"

namespace stip {

/// The type in which GDAL moves pixels of ours.
constexpr GDALDataType gdal_type(pixel_type type) noexcept {
  switch (type) {
    case pixel_type::uint16:
      return GDT_UInt16;
    case pixel_type::int16:
      return GDT_Int16;
    case pixel_type::uint32:
      return GDT_UInt32;
    case pixel_type::int32:
      return GDT_Int32;
    case pixel_type::uint64:
      return GDT_UInt64;
    case pixel_type::int64:
      return GDT_Int64;
    case pixel_type::float32:
      return GDT_Float32;
    case pixel_type::float64:
      return GDT_Float64;
    case pixel_type::uint8:
    case pixel_type::int8:  // GDAL 3.6 moves signed bytes as bytes
    case pixel_type::bit:
      break;
  }
  return GDT_Byte;
}

}  // namespace stip
