#pragma once

#include <string>
#include <vector>

#include "libstip/geo/georeference.hpp"

/// Small rasters in all the places where georeferencing goes wrong. Each is small enough to project
/// every pixel.
namespace stip::test {

struct named_grid {
  std::string name;
  stip::grid grid;
  /// Precisions with from one to some thousand cells.
  std::vector<int> geohash, quadtile;
};

inline const std::string sinusoidal =
    "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs";
inline const std::string geostationary =
    "+proj=geos +h=35786023 +lon_0=-75 +sweep=x +ellps=GRS80 +units=m +no_defs";

inline grid square(std::string crs, double x, double y, double pixel, int64_t width,
                   int64_t height) {
  return {std::move(crs), {x, pixel, 0, y, 0, -pixel}, width, height};
}

/// A tile of the MODIS sinusoidal grid with so many pixels on a side.
inline grid modis(int h, int v, int64_t pixels) {
  const double tile = 1111950.5196666666;
  return square(sinusoidal, -20015109.354 + h * tile, 10007554.677 - v * tile,
                tile / static_cast<double>(pixels), pixels, pixels);
}

/// The grid turned clockwise by the angle whose sine and cosine are 15 and 26 thirtieths of a
/// pixel.
inline grid turned(grid g) {
  const double pixel = g.transform[1] / 30;
  g.transform = {g.transform[0], 26 * pixel, 15 * pixel, g.transform[3], 15 * pixel, -26 * pixel};
  return g;
}

inline std::vector<named_grid> hard_grids() {
  std::vector<named_grid> all;
  const auto add = [&all](std::string name, grid g, std::vector<int> geohash,
                          std::vector<int> quadtile) {
    all.push_back({std::move(name), std::move(g), std::move(geohash), std::move(quadtile)});
  };
  add("UTM 32N", square("EPSG:32632", 399960, 5700000, 60, 300, 400), {4, 5, 6}, {9, 12, 15});
  add("UTM 23S", square("EPSG:32723", 290000, 9100000, 30, 400, 300), {4, 6}, {10, 13});
  add("UTM 32N off zone", square("EPSG:32632", -1500000, 7900000, 900, 300, 300), {3, 4}, {7, 10});
  add("rotated", turned(square("EPSG:32633", 500000, 4600000, 30, 300, 250)), {4, 5, 6}, {10, 14});
  add("UTM 1N over 180", square("EPSG:32601", 200000, 7000000, 500, 300, 200), {3, 4}, {7, 10});
  add("UTM 60S over 180", square("EPSG:32760", 700000, 8100000, 300, 400, 200), {4, 5}, {8, 11});
  add("Antarctica with the pole", square("EPSG:3031", -1200000, 1100000, 10000, 240, 220), {2, 3},
      {3, 5});
  add("Arctic with the pole, fine", square("EPSG:3413", -8000, 9000, 50, 300, 320), {3, 4, 5}, {4});
  add("Arctic beside the pole", square("EPSG:3413", 300000, -900000, 1000, 200, 250), {3, 4},
      {6, 8});
  add("world -180 to 180", square("EPSG:4326", -180, 90, 1, 360, 180), {1, 2, 3}, {1, 3, 6});
  add("world 0 to 360", square("EPSG:4326", 0, 90, 0.75, 480, 240), {1, 2}, {1, 4});
  add("world half a pixel off", square("EPSG:4326", -0.5, 90.5, 1, 360, 181), {1, 2, 3}, {2, 5});
  add("world in NAD83", square("EPSG:4269", 0, 90, 1, 360, 180), {1, 2}, {2, 5});
  // Points of a patch lie 400 degrees apart here, which looks like 40.
  add("ten degrees a pixel on a sphere",
      square("+proj=longlat +R=6371229 +no_defs", -180.125, 90.125, 10, 36, 18), {1, 2}, {1, 2});
  add("degrees over 180", square("EPSG:4326", 175.013, -12, 0.05, 210, 180), {3, 4}, {6, 8});
  add("edge of the square", square("EPSG:3857", 19900000, 20100000, 2000, 220, 260), {2, 3, 4},
      {4, 7});
  add("Mercator, geohash edges", square("EPSG:3857", -400000, 300000, 4000, 200, 150), {3, 4},
      {5, 8});
  add("MODIS h00v08", modis(0, 8, 240), {2, 3}, {5, 8});
  add("MODIS h14v17", modis(14, 17, 240), {2, 3, 4}, {4, 6});
  add("MODIS h18v04", modis(18, 4, 200), {3, 4}, {6, 9});
  add("MODIS h08v00 off the globe", modis(8, 0, 100), {3}, {4});
  add("geostationary disk", square(geostationary, -5434895, 5434895, 36232, 300, 300), {1, 2, 3},
      {2, 5});
  add("geostationary limb", square(geostationary, -5500000, 3000000, 8000, 200, 220), {2, 3},
      {4, 7});
  add("NAD27 over the border of two datum shifts",
      square("EPSG:26715", 300000, 5600000, 4000, 200, 220), {3, 4}, {7, 9});
  add("NAD83", square("EPSG:26912", 300000, 4500000, 30, 300, 200), {5, 6}, {11, 14});
  add("seam of the projection", square("EPSG:3832", -20030000, 5000000, 100000, 401, 100), {2},
      {4});
  add("Albers", square("EPSG:5070", -2300000, 3100000, 18000, 260, 160), {2, 3}, {4, 7});
  add("LAEA Europe", square("EPSG:3035", 2600000, 5400000, 15000, 220, 240), {2, 3}, {5, 7});
  return all;
}

}  // namespace stip::test
