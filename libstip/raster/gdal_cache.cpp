#include "libstip/raster/gdal_cache.hpp"

#include <gdal.h>

namespace stip {

void limit_gdal_cache(uint64_t bytes) {
  GDALSetCacheMax64(static_cast<GIntBig>(bytes));
}

}  // namespace stip
