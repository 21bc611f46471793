#pragma once

#include <string>
#include <vector>

namespace stip::scenes {

/// What the metadata of a Sentinel-2 product are written from.
struct sentinel2_facts {
  bool level2 = false;
  /// "05.09", and whether numbers have an offset.
  std::string baseline;
  bool offsets = true;
  /// "S2A", "T31TDH", "081"
  std::string spacecraft, tile, orbit;
  /// Of the datatake, the granule and the production: YYYYMMDDTHHMMSS.
  std::string datatake, sensed, generated;
  std::string product, granule, datastrip;
  int epsg = 0;
  long long upper_left_x = 0, upper_left_y = 0;
  /// Edge at 10 m in pixels.
  long long edge = 0;
  /// Image files without extension, relative to the product.
  std::vector<std::string> images;
  /// All files, for the manifest.
  std::vector<std::string> files;
  double cloudy_percent = 0, nodata_percent = 0;
  /// Longitudes and latitudes of the outline: "lat lon lat lon ...".
  std::string outline;
};

/// MTD_MSIL1C.xml or MTD_MSIL2A.xml.
std::string product_metadata(const sentinel2_facts& f);
/// GRANULE/.../MTD_TL.xml.
std::string tile_metadata(const sentinel2_facts& f);
/// DATASTRIP/.../MTD_DS.xml.
std::string datastrip_metadata(const sentinel2_facts& f);
std::string safe_manifest(const sentinel2_facts& f);

/// MSK_CLOUDS_B00.gml of products before baseline 04.00: value 1 is opaque, 2 is cirrus.
std::string cloud_polygons(const sentinel2_facts& f,
                           const std::vector<std::pair<int, std::string>>& polygons);

}  // namespace stip::scenes
