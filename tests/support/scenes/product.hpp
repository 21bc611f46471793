#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/pixel_type.hpp"
#include "tests/support/scenes/paint.hpp"

// Products as their providers ship them, made from a seed.

namespace stip::scenes {

/// What to make. What is left out is as in a real product.
struct recipe {
  /// One of families().
  std::string family;
  uint64_t seed = 1;
  /// The edge of the finest grid in pixels; 0: as real. Rounded up to what the family's grids need.
  int64_t size = 0;
  /// YYYY-MM-DD; empty: a date that follows from the seed.
  std::string date;
  /// The share of the scene under clouds.
  double clouds = 0.25;
  /// The share of the width outside the swath, where the family has such pixels.
  double nodata = 0.12;
  /// As one archive (zip, tar) where the provider ships archives, else as a folder.
  bool archive = true;
  /// Sentinel-2: the processing baseline. From 04.00 on, numbers have an offset and masks are
  /// rasters; before, there is none and masks are polygons.
  std::string baseline = "05.09";
  /// Sentinel-2 L2A: also the copies of finer bands at 20 and 60 m that real products have.
  bool copies = true;
  /// MODIS, VIIRS: column and row of the tile in the sinusoidal grid.
  int tile_h = 10;
  int tile_v = 5;
  /// gridMET: short names of variables in one file (pr, tmmx, ...), and days from 1 January on; 0:
  /// the whole year.
  std::vector<std::string> variables = {"tmmx"};
  int days = 0;
  /// NLCD: "img" or "tif".
  std::string container = "img";
  /// Threads that paint and compress where the family's library allows several; 0: all cores.
  size_t threads = 0;
};

/// One raster of one band in a product, and what must stand in it.
struct layer {
  /// As the product names it: "B02", "QA_PIXEL", "sur_refl_b01_1".
  std::string name;
  /// The file within the product (or the product itself when empty).
  std::string file;
  /// The name by which GDAL opens it when the product has been made.
  std::string gdal_name;
  int band = 1;
  pixel_type type = pixel_type::uint16;
  int64_t width = 0;
  int64_t height = 0;
  /// Upper left corner and pixel size in units of the CRS.
  std::array<double, 6> transform{};
  /// Anything that GDAL takes for a CRS.
  std::string crs;
  /// Whether GDAL 3.6.2 finds CRS and transform in the file.
  bool gdal_knows_grid = true;
  /// As the file says it to GDAL; without a value the file has none.
  std::optional<double> nodata;
  std::optional<double> scale, offset;
  paint pixels;

  uint64_t bytes() const { return static_cast<uint64_t>(width * height) * size_of(type); }
};

/// A product: where it is (or will be), and what it holds.
struct product {
  std::string family;
  /// As stip names the product line: "Sentinel-2-L2A".
  std::string platform;
  /// The format of stip that reads it: "sentinel2".
  std::string format;
  /// The file or folder.
  std::string path;
  /// Sensing time, or the start of the period: YYYY-MM-DDTHH:MM:SSZ.
  std::string timestamp;
  std::vector<layer> layers;
  /// The layers of `native` are read by whoever loads the product; the others are copies of them.
  std::function<bool(const layer&)> native = [](const layer&) { return true; };
  /// Opened by GDAL's HDF4 driver, which ends the process on damaged files.
  bool hdf4 = false;
  /// Writes the product to another place than `path`.
  std::function<result<void>(const std::string& path)> write;

  /// Uncompressed bytes of the native layers.
  uint64_t bytes() const;
  /// Error: not_found.
  result<const layer*> find(std::string_view name) const;
};

/// A kind of product.
struct family {
  std::string_view name;
  std::string_view about;
  /// The edge of the finest grid of a real product, in pixels.
  int64_t real_size;
  /// What the recipe makes in the folder; nothing is written. Error: invalid_argument.
  result<product> (*plan)(const recipe& r, const std::string& folder);
};

const std::vector<family>& families();

/// What a recipe makes, without making it. Errors: not_found with the families that there are;
/// invalid_argument.
result<product> plan(const recipe& r, const std::string& folder);

/// Makes the product in the folder (which is made when missing) unless it is there already. What is
/// there is whole: it is written beside and renamed. Errors: those of plan; io_error.
result<product> make(const recipe& r, const std::string& folder);

/// The number that must stand in the layer at that row and column.
double value_at(const layer& l, int64_t row, int64_t column);

/// The value at an index of pixels of that type.
double number_at(pixel_type type, std::span<const std::byte> pixels, size_t index);

// -- for the families ------------------------------------------------------------

/// A date and its neighbours.
struct calendar_date {
  int year = 2021, month = 1, day = 1;

  /// 1 on 1 January.
  int day_of_year() const;
  /// Days since 1970-01-01.
  int64_t days() const;
  /// YYYY-MM-DD, YYYYMMDD.
  std::string dashed() const;
  std::string compact() const;
};

calendar_date date_of_days(int64_t days);

/// The recipe's date, or `first` and as many days later as the seed is larger than 1.
/// Error: invalid_argument.
result<calendar_date> date_of(const recipe& r, calendar_date first);

/// printf into a string.
[[gnu::format(printf, 1, 2)]] std::string text(const char* format, ...);

/// The template with each @NAME@ replaced.
std::string fill_in(std::string_view form,
                    const std::vector<std::pair<std::string_view, std::string>>& values);

/// Writes a whole file; makes its folder. Error: io_error.
result<void> write_text(const std::string& path, const std::string& content);

/// Runs `job(0)` .. `job(count - 1)` on so many threads (0: all cores); the first error is the
/// result.
result<void> in_parallel(size_t count, size_t threads,
                         const std::function<result<void>(size_t)>& job);

/// Longitudes and latitudes of the corners of a rectangle, from the upper left on clockwise.
/// Error: invalid_argument.
result<std::array<std::array<double, 2>, 4>> corners_of(const std::string& crs, double left,
                                                        double top, double width, double height);

/// The size, rounded up to a multiple; the real one when the recipe says 0.
int64_t edge_of(const recipe& r, int64_t real, int64_t multiple);

}  // namespace stip::scenes
