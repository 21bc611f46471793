#define CAF_SUITE format.swath
#include "libstip/format/swath.hpp"

#include <gdal_alg.h>
#include <ogr_geometry.h>
#include <ogr_spatialref.h>

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <numbers>
#include <random>

#include "libstip/format/format.hpp"
#include "libstip/format/reader_pool.hpp"
#include "libstip/format/swath_grid.hpp"
#include "libstip/raster/nodata.hpp"
#include "tests/support/libstip/isolated_file.hpp"
#include "tests/support/libstip/raster_file.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// A swath that flies from a place in a direction, pixels of some metres, wider at its borders.
swath_points flight(double lon, double lat, double heading, int64_t columns, int64_t rows,
                    double metres) {
  swath_points out;
  out.columns = columns;
  out.rows = rows;
  const double radius = 6'371'007;
  const auto go = [&](double& x, double& y, double direction, double distance) {
    const double d = distance / radius, r = std::numbers::pi / 180;
    const double from = y * r;
    const double to = std::asin(std::sin(from) * std::cos(d) +
                                std::cos(from) * std::sin(d) * std::cos(direction * r));
    x += std::atan2(std::sin(direction * r) * std::sin(d) * std::cos(from),
                    std::cos(d) - std::sin(from) * std::sin(to)) /
         r;
    y = to / r;
  };
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      double x = lon, y = lat;
      go(x, y, heading, double(row) * metres);
      const double away = double(column) - double(columns - 1) / 2;
      const double stretch = 1 + std::pow(away / double(columns), 2);
      go(x, y, heading + 90, away * metres * stretch);
      x = std::remainder(x, 360.0);
      // As the files have them.
      out.lon.push_back(double(float(x)));
      out.lat.push_back(double(float(y)));
    }
  return out;
}

swath_map mapped(const swath_points& points) {
  auto made = swath_map::make(points);
  if (!made) CAF_FAIL(to_string(made.error()));
  return std::move(*made);
}

swath_shape laid_out(const swath_map& map, int64_t columns, int64_t rows, swath_steps steps = {}) {
  std::vector<swath_shape> shapes{{columns, rows, steps, {}}};
  auto done = map.lay_out(shapes);
  if (!done) CAF_FAIL(to_string(done.error()));
  return shapes.front();
}

double area_of(const footprint& f) {
  double out = 0;
  for (const auto& ring : f.rings)
    for (size_t i = 0; i + 1 < ring.size(); ++i)
      out += (ring[i].lon * ring[i + 1].lat - ring[i + 1].lon * ring[i].lat) / 2;
  return out;
}

/// Compares a footprint with what is inside of it by another way, at points of a lattice. Points
/// that have the border within `tolerance` degrees do not count. The number that disagree.
int disagreements(const std::string& wkt, const std::function<bool(double, double)>& inside,
                  double west, double south, double east, double north, double step,
                  double tolerance, int& compared) {
  OGRGeometry* made = nullptr;
  const char* text = wkt.c_str();
  if (OGRGeometryFactory::createFromWkt(&text, nullptr, &made) != OGRERR_NONE) return -1;
  const std::unique_ptr<OGRGeometry> polygon(made);
  int wrong = 0;
  for (double lat = south; lat <= north; lat += step)
    for (double lon = west; lon <= east; lon += step) {
      const bool here = inside(lon, lat);
      bool border = false;
      const double wide = tolerance / std::max(0.1, std::cos(lat * std::numbers::pi / 180));
      for (const auto& [dx, dy] : {std::pair{wide, tolerance},
                                   {wide, -tolerance},
                                   {-wide, tolerance},
                                   {-wide, -tolerance}})
        border = border || inside(lon + dx, lat + dy) != here;
      if (border) continue;
      ++compared;
      const OGRPoint point(lon, lat);
      wrong += polygon->Contains(&point) != here;
    }
  return wrong;
}

/// Whether a grid has a place, by GDAL's own projection.
std::function<bool(double, double)> in_grid(const grid& g) {
  auto degrees = std::make_shared<OGRSpatialReference>();
  degrees->importFromEPSG(4326);
  degrees->SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  auto own = std::make_shared<OGRSpatialReference>();
  own->SetFromUserInput(g.crs_wkt.c_str());
  own->SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  const std::shared_ptr<OGRCoordinateTransformation> there(
      OGRCreateCoordinateTransformation(degrees.get(), own.get()));
  return [=](double lon, double lat) {
    if (lon < -180 || lon > 180) return false;
    double x = lon, y = lat;
    if (!there->Transform(1, &x, &y)) return false;
    const auto [column, row] = pixel_of(g, x, y);
    return column >= 0 && row >= 0 && column <= double(g.width) && row <= double(g.height);
  };
}

}  // namespace

CAF_TEST(every pixel of the grid takes the nearest of the swath) {
  constexpr uint64_t seed = 5;
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  const auto between = [&](double low, double high) {
    return low + (high - low) * double(random() % 10'000) / 10'000;
  };
  for (int round = 0; round < 6; ++round) {
    const double lat = round % 3 == 0 ? between(65, 88) : between(-55, 55);
    const double lon = round % 4 == 1 ? between(178, 182) : between(-180, 180);
    const auto points = flight(lon, lat, between(0, 360), 40, 50, 5000);
    const auto map = mapped(points);
    const auto shape = laid_out(map, 40, 50);
    const auto index = map.index(shape);
    CAF_REQUIRE_EQUAL(index.size(), size_t(shape.grid.width * shape.grid.height));
    // The twin: all pixels of the swath, for each pixel of the grid.
    auto transform = coordinate_transform::make("EPSG:4326", map.crs());
    CAF_REQUIRE(transform);
    auto x = points.lon, y = points.lat;
    if (map.crs() != "EPSG:4326") {
      std::vector<uint8_t> ok(x.size());
      transform->forward(x, y, ok);
    }
    const double middle = shape.grid.x_of(double(shape.grid.width) / 2, 0);
    size_t taken = 0, nearest = 0, far = 0;
    std::vector<uint8_t> used(points.lon.size());
    for (int64_t r = 0; r < shape.grid.height; ++r)
      for (int64_t c = 0; c < shape.grid.width; ++c) {
        const auto source = index[size_t(r * shape.grid.width + c)];
        if (source < 0) continue;
        ++taken;
        used[size_t(source)] = 1;
        double best = 1e300, own = 0;
        for (size_t i = 0; i < x.size(); ++i) {
          double px = x[i];
          if (map.crs() == "EPSG:4326") px = middle + std::remainder(px - middle, 360.0);
          const auto [pc, pr] = pixel_of(shape.grid, px, y[i]);
          const double d = std::hypot(pc - double(c) - 0.5, pr - double(r) - 0.5);
          best = std::min(best, d);
          if (int32_t(i) == source) own = d;
        }
        nearest += own <= best + 1e-3;
        far += own > 1.5;
      }
    CAF_CHECK(taken > 0);
    CAF_CHECK(double(nearest) >= 0.99 * double(taken));
    CAF_CHECK_EQUAL(far, 0u);
    // Hardly a pixel of the swath is lost.
    CAF_CHECK(double(std::count(used.begin(), used.end(), 1)) > 0.9 * double(used.size()));
  }
}

CAF_TEST(a swath over the antimeridian is one grid and two outlines) {
  const auto points = flight(179.8, 10, 10, 60, 80, 3000);
  const auto map = mapped(points);
  CAF_CHECK_EQUAL(map.crs(), "EPSG:4326");
  const auto shape = laid_out(map, 60, 80);
  CAF_CHECK(shape.grid.width < 200);
  const auto outline = map.outline();
  CAF_REQUIRE_EQUAL(outline.rings.size(), 2u);
  bool east = false, west = false;
  for (const auto& ring : outline.rings)
    for (const auto& p : ring) {
      CAF_REQUIRE(p.lon >= -180 && p.lon <= 180);
      east = east || p.lon > 179;
      west = west || p.lon < -179;
    }
  CAF_CHECK(east && west);
  CAF_CHECK(area_of(outline) > 0 && area_of(outline) < 10);
}

CAF_TEST(a swath over a pole has it inside of its outline) {
  for (const double pole : {90.0, -90.0}) {
    const auto points = flight(20, pole > 0 ? 86 : -86, pole > 0 ? 0 : 180, 60, 400, 3000);
    const auto map = mapped(points);
    CAF_CHECK_EQUAL(map.crs(), pole > 0 ? "EPSG:3995" : "EPSG:3031");
    const auto outline = map.outline();
    CAF_REQUIRE(!outline.rings.empty());
    bool reaches = false;
    for (const auto& ring : outline.rings)
      for (const auto& p : ring) reaches = reaches || p.lat == pole;
    CAF_CHECK(reaches);
  }
}

CAF_TEST(coarse geolocation is spread over the pixels between) {
  const auto fine = flight(15, 47, 190, 61, 81, 1000);
  swath_points coarse;
  coarse.columns = 12;
  coarse.rows = 16;
  for (int64_t row = 0; row < 16; ++row)
    for (int64_t column = 0; column < 12; ++column) {
      coarse.lon.push_back(fine.lon[size_t((row * 5 + 2) * 61 + column * 5 + 2)]);
      coarse.lat.push_back(fine.lat[size_t((row * 5 + 2) * 61 + column * 5 + 2)]);
    }
  const auto map = mapped(coarse);
  std::vector<swath_shape> shapes{{61, 81, {2, 5, 2, 5}, {}}, {12, 16, {}, {}}};
  CAF_REQUIRE(map.lay_out(shapes));
  // The coarse grid's pixels are five by five of the fine one's.
  CAF_CHECK(std::abs(shapes[1].grid.transform[1] - 5 * shapes[0].grid.transform[1]) < 1e-12);
  CAF_CHECK_EQUAL(shapes[0].grid.transform[0], shapes[1].grid.transform[0]);
  CAF_CHECK_EQUAL(shapes[0].grid.width, 5 * shapes[1].grid.width);
  std::vector<int32_t> all(61 * 81);
  for (size_t i = 0; i < all.size(); ++i) all[i] = int32_t(i);
  std::vector<double> lon(all.size()), lat(all.size());
  CAF_REQUIRE(map.places(shapes[0], all, lon, lat));
  double worst = 0;
  // Beyond the outermost points the swath bends away from where they lead.
  for (size_t i = 0; i < all.size(); ++i)
    if (i % 61 >= 2 && i % 61 <= 57 && i / 61 >= 2 && i / 61 <= 77)
      worst = std::max({worst, std::abs(lon[i] - fine.lon[i]), std::abs(lat[i] - fine.lat[i])});
  CAF_MESSAGE("worst " << worst << " degrees");
  CAF_CHECK(worst < 2e-3);
}

CAF_TEST(geolocation that is none is refused) {
  swath_points none;
  CAF_CHECK(!swath_map::make(none));
  none.columns = none.rows = 4;
  none.lon.assign(16, -999);
  none.lat.assign(16, -999);
  CAF_CHECK(!swath_map::make(none));
  none.lon.assign(16, 5);
  none.lat.assign(16, 5);
  const auto map = swath_map::make(none);
  CAF_REQUIRE(map);
  std::vector<swath_shape> shapes{{4, 4, {}, {}}};
  CAF_CHECK(!map->lay_out(shapes));
  // Places that span the Earth between two neighbours make no gigantic grid.
  auto wild = flight(0, 0, 0, 20, 20, 10);
  wild.lon[7] = 170;
  wild.lat[9] = -80;
  const auto torn = swath_map::make(wild);
  CAF_REQUIRE(torn);
  std::vector<swath_shape> torn_shapes{{20, 20, {}, {}}};
  const auto refused = torn->lay_out(torn_shapes);
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == ec::limit_exceeded);
  std::vector<swath_shape> unfit{{4, 4, {}, {}}};
  CAF_CHECK(!torn->lay_out(unfit));
}

CAF_TEST(real swaths hold the pixels of their files at their places) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: no sample files, STIP_SHARED_DATA names no directory");
    return;
  }
  reader_pool pool;
  struct sample {
    std::string file, band, raw, lon, lat;
    size_t subdataset;
    pixel_type type;
  };
  const auto modis = *data + "/modis-hdf4/MOD05_L2.A2019336.0000.061.2019336211522.hdf";
  const auto viirs = *data + "/viirs/SS_VIIRS_NPP-NAVO-L2P-v3.0.nc";
  const auto swath = [&](const std::string& kind, const std::string& name) {
    return "HDF4_EOS:" + kind + ":\"" + modis + "\":mod05:" + name;
  };
  for (const auto& one :
       {sample{modis, "Water_Vapor_Infrared", swath("EOS_SWATH", "Water_Vapor_Infrared"),
               swath("EOS_SWATH_GEOL", "Longitude"), swath("EOS_SWATH_GEOL", "Latitude"), 0,
               pixel_type::int16},
        sample{viirs, "sea_surface_temperature", "NETCDF:\"" + viirs + "\":sea_surface_temperature",
               "NETCDF:\"" + viirs + "\":lon", "NETCDF:\"" + viirs + "\":lat", 0,
               pixel_type::int16}}) {
    CAF_MESSAGE(one.file);
    const auto s = only_scene(pool, one.file);
    CAF_REQUIRE(s != nullptr);
    const auto& d = s->description();
    CAF_CHECK_EQUAL(d.properties.at("resampling"), "nearest");
    size_t part = 0, band = 0, places = 0;
    for (size_t i = 0; i < d.subdatasets.size(); ++i)
      for (size_t b = 0; b < d.subdatasets[i].bands.size(); ++b)
        if (d.subdatasets[i].bands[b].name == one.band) part = i, band = b;
    for (size_t i = 0; i < d.subdatasets.size(); ++i)
      if (d.subdatasets[i].id.starts_with("geolocation") &&
          d.subdatasets[i].grid == d.subdatasets[part].grid)
        places = i;
    CAF_REQUIRE(d.subdatasets[part].type == one.type);
    const auto pixels = whole(*s, part);
    const auto where = whole(*s, places);
    const auto raw = gdal_pixels(one.raw, 1, one.type);
    const auto lon = gdal_pixels(one.lon, 1, pixel_type::float32);
    const auto lat = gdal_pixels(one.lat, 1, pixel_type::float32);
    CAF_REQUIRE(pixels && where && !raw.empty() && lon.size() == lat.size());
    const auto number = [](const std::vector<std::byte>& of, size_t i) {
      float value = 0;
      std::memcpy(&value, of.data() + i * sizeof(value), sizeof(value));
      return value;
    };
    // The bits of a place name the pixels of the file that lie there.
    std::multimap<std::pair<float, float>, size_t> at;
    for (size_t i = 0; i < lon.size() / 4; ++i)
      at.emplace(std::pair(number(lat, i), number(lon, i)), i);
    const auto count = size_t(d.subdatasets[part].grid.width * d.subdatasets[part].grid.height);
    size_t found = 0, same = 0, lost = 0;
    for (size_t i = 0; i < count; ++i) {
      const auto la = number(*where, i), lo = number(*where, count + i);
      if (la != la) continue;
      ++found;
      const auto [first, last] = at.equal_range({la, lo});
      if (first == last) ++lost;
      for (auto c = first; c != last; ++c)
        if (std::memcmp(pixels->data() + (band * count + i) * 2, raw.data() + c->second * 2, 2) ==
            0) {
          ++same;
          break;
        }
    }
    CAF_MESSAGE(found << " pixels");
    CAF_CHECK(found > lon.size() / 4 / 2);
    CAF_CHECK_EQUAL(lost, 0u);
    CAF_CHECK_EQUAL(same, found);
  }
}

CAF_TEST(footprints agree with GDALs own projections) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: no sample files, STIP_SHARED_DATA names no directory");
    return;
  }
  reader_pool pool;
  for (const std::string name : {"MCD12Q1.A2001001.h00v08.006.2018142182903.hdf",
                                 "MOD10A2.A2022033.h09v05.061.2022042050729.hdf",
                                 "MOD09GA.A2008296.h14v17.006.2015181011753.hdf",
                                 "MOD13A2.A2016145.h18v04.006.2016166145124.hdf"}) {
    const auto s = only_scene(pool, *data + "/modis-hdf4/" + name);
    CAF_REQUIRE(s != nullptr);
    int compared = 0;
    const auto wrong =
        disagreements(s->description().footprint, in_grid(s->description().subdatasets[0].grid),
                      -179.9, -89.9, 179.9, 89.9, 2.1, 0.1, compared);
    CAF_MESSAGE(name << ": " << wrong << " of " << compared);
    CAF_CHECK(compared > 10'000);
    CAF_CHECK_EQUAL(wrong, 0);
  }
  // Swaths, by GDAL's transformer of geolocation arrays.
  for (const auto& [file, raster] :
       {std::pair{*data + "/modis-hdf4/MOD05_L2.A2019336.0000.061.2019336211522.hdf",
                  std::string("HDF4_EOS:EOS_SWATH:\"") + *data +
                      "/modis-hdf4/MOD05_L2.A2019336.0000.061.2019336211522.hdf\":mod05:Water_"
                      "Vapor_Near_Infrared"},
        std::pair{*data + "/viirs/SS_VIIRS_NPP-NAVO-L2P-v3.0.nc",
                  std::string("NETCDF:\"") + *data +
                      "/viirs/SS_VIIRS_NPP-NAVO-L2P-v3.0.nc\":sea_surface_temperature"}}) {
    const auto s = only_scene(pool, file);
    CAF_REQUIRE(s != nullptr);
    (void)gdal_pixels(raster, 1, pixel_type::int16);  // has the drivers
    const gdal_errors quiet;
    const auto dataset = GDALOpen(raster.c_str(), GA_ReadOnly);
    CAF_REQUIRE(dataset != nullptr);
    const char* const options[] = {"SRC_METHOD=GEOLOC_ARRAY", "DST_SRS=EPSG:4326",
                                   "SRC_SRS=EPSG:4326", nullptr};
    auto* transformer =
        GDALCreateGenImgProjTransformer2(dataset, nullptr, const_cast<char**>(options));
    CAF_REQUIRE(transformer != nullptr);
    const double width = GDALGetRasterXSize(dataset), height = GDALGetRasterYSize(dataset);
    const auto inside = [&](double lon, double lat) {
      // With EPSG:4326 written out its axes are latitude and longitude for GDAL.
      double x = lon, y = lat, z = 0;
      int ok = 0;
      GDALGenImgProjTransform(transformer, TRUE, 1, &x, &y, &z, &ok);
      return ok != 0 && x >= 0 && y >= 0 && x <= width && y <= height;
    };
    int compared = 0;
    const auto wrong =
        disagreements(s->description().footprint, inside, -175, 45, -5, 80, 0.9, 0.4, compared);
    CAF_MESSAGE(file << ": " << wrong << " of " << compared);
    CAF_CHECK(compared > 3'000);
    CAF_CHECK(wrong <= compared / 500);
    GDALDestroyGenImgProjTransformer(transformer);
    GDALClose(dataset);
  }
}
