#define CAF_SUITE format.modis
#include "libstip/format/modis.hpp"

#include <cpl_vsi.h>

#include <array>
#include <caf/test/unit_test.hpp>
#include <cmath>

#include "libstip/format/eos_scales.hpp"
#include "libstip/format/reader_pool.hpp"
#include "libstip/raster/nodata.hpp"
#include "tests/support/libstip/isolated_file.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture {
  reader_pool pool;
  std::optional<std::string> data = shared_data();

  std::unique_ptr<scene> open(const std::string& name, const std::string& format = "auto") {
    if (!data) {
      CAF_MESSAGE("skipped: no sample files, STIP_SHARED_DATA names no directory");
      return nullptr;
    }
    return only_scene(pool, *data + "/modis-hdf4/" + name, {}, format);
  }
};

std::string names(const subdataset_description& part) {
  std::string out;
  for (const auto& band : part.bands) out += (out.empty() ? "" : " ") + band.name;
  return out;
}

const band_description& band(const scene& s, size_t subdataset, const std::string& name) {
  static const band_description none;
  for (const auto& b : s.description().subdatasets.at(subdataset).bands)
    if (b.name == name) return b;
  CAF_ERROR("no band " + name);
  return none;
}

std::string nodata(const scene& s, size_t subdataset, const std::string& name) {
  const auto& b = band(s, subdataset, name);
  return b.nodata ? nodata_text(s.description().subdatasets[subdataset].type, *b.nodata) : "none";
}

std::string property(const scene& s, const std::string& name) {
  const auto& all = s.description().properties;
  const auto at = all.find(name);
  return at == all.end() ? "" : at->second;
}

/// Compares every band with GDAL's own reading of its field.
void check_pixels(const scene& s, const std::string& grid_of_first) {
  const auto& d = s.description();
  size_t compared = 0;
  for (size_t i = 0; i < d.subdatasets.size(); ++i) {
    const auto& part = d.subdatasets[i];
    const auto pixels = whole(s, i);
    CAF_REQUIRE(pixels);
    const auto band_bytes = pixels->size() / part.bands.size();
    for (size_t b = 0; b < part.bands.size(); ++b) {
      // The grid is known by its size in these files.
      for (const auto& grid : {grid_of_first, std::string("MODIS_Grid_500m_2D")}) {
        const auto expected = gdal_pixels(
            "HDF4_EOS:EOS_GRID:\"" + d.input + "\":" + grid + ":\"" + part.bands[b].name + "\"", 1,
            part.type);
        if (expected.empty()) continue;
        ++compared;
        CAF_CHECK_EQUAL(expected.size(), band_bytes);
        CAF_CHECK(std::equal(expected.begin(), expected.end(),
                             pixels->begin() + std::ptrdiff_t(b * band_bytes)));
      }
    }
  }
  size_t bands = 0;
  for (const auto& part : d.subdatasets) bands += part.bands.size();
  CAF_CHECK_EQUAL(compared, bands);
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(modis_tests, fixture)

CAF_TEST(vegetation indices have their divisors turned into scales and their signs restored) {
  const auto s = open("MOD13A2.A2016145.h18v04.006.2016166145124.hdf");
  if (!s) return;
  const auto& d = s->description();
  CAF_CHECK_EQUAL(d.format, "modis");
  CAF_CHECK_EQUAL(d.platform, "MOD13A2");
  CAF_CHECK_EQUAL(d.tile, "MOD13A2.A2016145.h18v04.006.2016166145124");
  // Its metadata has no beginning: the name counts.
  CAF_CHECK_EQUAL(to_iso8601(d.timestamp), "2016-05-24T00:00:00Z");
  CAF_REQUIRE_EQUAL(d.subdatasets.size(), 3u);
  CAF_CHECK_EQUAL(names(d.subdatasets[0]), "1 km 16 days NDVI");
  CAF_CHECK_EQUAL(names(d.subdatasets[1]), "1 km 16 days VI Quality");
  CAF_CHECK_EQUAL(names(d.subdatasets[2]), "1 km 16 days pixel reliability");
  CAF_CHECK(d.subdatasets[0].type == pixel_type::int16);
  CAF_CHECK(d.subdatasets[1].type == pixel_type::uint16);
  CAF_CHECK(d.subdatasets[2].type == pixel_type::int8);
  CAF_CHECK(!d.subdatasets[0].quality && d.subdatasets[1].quality && d.subdatasets[2].quality);
  CAF_CHECK_EQUAL(band(*s, 0, "1 km 16 days NDVI").scale, 1e-4);
  CAF_CHECK_EQUAL(band(*s, 0, "1 km 16 days NDVI").offset, 0.0);
  CAF_CHECK_EQUAL(nodata(*s, 0, "1 km 16 days NDVI"), "-3000");
  CAF_CHECK_EQUAL(nodata(*s, 1, "1 km 16 days VI Quality"), "65535");
  CAF_CHECK_EQUAL(nodata(*s, 2, "1 km 16 days pixel reliability"), "-1");
  CAF_CHECK_EQUAL(d.subdatasets[0].grid.width, 219);
  CAF_CHECK_EQUAL(d.subdatasets[0].grid.height, 185);
  CAF_CHECK(std::abs(d.subdatasets[0].grid.transform[0] - 670117.907) < 1e-3);
  CAF_CHECK(std::abs(d.subdatasets[0].grid.transform[1] - 926.625433) < 1e-4);
  CAF_CHECK_EQUAL(property(*s, "series"), "MOD13A2 A2016145 h18v04 6");
  CAF_CHECK_EQUAL(property(*s, "rank"), "1 20160614T145124Z");
  CAF_CHECK_EQUAL(property(*s, "spacecraft"), "Terra");
  CAF_CHECK_EQUAL(property(*s, "instrument"), "MODIS");
  CAF_CHECK_EQUAL(property(*s, "hv"), "h18v04");
  check_pixels(*s, "MODIS_Grid_16DAY_1km_VI");
}

CAF_TEST(a file with two grids has subdatasets of both) {
  const auto s = open("MOD09GA.A2008296.h14v17.006.2015181011753.hdf");
  if (!s) return;
  const auto& d = s->description();
  CAF_CHECK_EQUAL(d.platform, "MOD09GA");
  CAF_CHECK_EQUAL(to_iso8601(d.timestamp), "2008-10-22T11:55:00Z");
  CAF_REQUIRE(d.start && d.end);
  CAF_CHECK_EQUAL(to_iso8601(*d.end), "2008-10-22T23:25:00Z");
  size_t coarse = 0, fine = 0, reflective = 0;
  for (size_t i = 0; i < d.subdatasets.size(); ++i) {
    const auto& part = d.subdatasets[i];
    CAF_CHECK_EQUAL(part.id, std::to_string(i));
    coarse += part.grid.width == 1200;
    fine += part.grid.width == 2400;
    if (part.bands[0].name == "sur_refl_b01_1") reflective = i;
  }
  CAF_CHECK_EQUAL(coarse + fine, d.subdatasets.size());
  CAF_CHECK(coarse > 0 && fine > 0);
  CAF_CHECK_EQUAL(names(d.subdatasets[reflective]),
                  "sur_refl_b01_1 sur_refl_b02_1 sur_refl_b03_1 sur_refl_b04_1 sur_refl_b05_1 "
                  "sur_refl_b06_1 sur_refl_b07_1");
  CAF_CHECK_EQUAL(band(*s, reflective, "sur_refl_b01_1").scale, 1e-4);
  CAF_CHECK_EQUAL(nodata(*s, reflective, "sur_refl_b01_1"), "-28672");
  CAF_CHECK_EQUAL(band(*s, reflective, "sur_refl_b01_1").unit, "reflectance");
  CAF_CHECK(!d.subdatasets[reflective].quality);
  CAF_CHECK_EQUAL(property(*s, "series"), "MOD09GA A2008296 h14v17 6");
  CAF_CHECK_EQUAL(property(*s, "rank"), "1 20150630T011753Z");
  CAF_CHECK_EQUAL(property(*s, "day_night"), "both");
  check_pixels(*s, "MODIS_Grid_1km_2D");
}

CAF_TEST(a composite keeps its period) {
  const auto s = open("MOD10A2.A2022033.h09v05.061.2022042050729.hdf", "modis");
  if (!s) return;
  const auto& d = s->description();
  CAF_CHECK_EQUAL(d.platform, "MOD10A2");
  CAF_CHECK_EQUAL(to_iso8601(d.timestamp), "2022-02-02T00:00:00Z");
  CAF_REQUIRE(d.start && d.end);
  CAF_CHECK_EQUAL(to_iso8601(*d.start), "2022-02-02T00:00:00Z");
  CAF_CHECK_EQUAL(to_iso8601(*d.end), "2022-02-09T23:59:59Z");
  CAF_CHECK_EQUAL(property(*s, "collection"), "61");
  CAF_REQUIRE_EQUAL(d.subdatasets.size(), 1u);
  CAF_CHECK_EQUAL(names(d.subdatasets[0]), "Maximum_Snow_Extent Eight_Day_Snow_Cover");
  CAF_CHECK_EQUAL(nodata(*s, 0, "Maximum_Snow_Extent"), "255");
  CAF_CHECK_EQUAL(nodata(*s, 0, "Eight_Day_Snow_Cover"), "0");
  check_pixels(*s, "MOD_Grid_Snow_500m");
}

CAF_TEST(a tile whose corners lie off the globe has the outline of what is on it) {
  const auto s = open("MCD12Q1.A2001001.h00v08.006.2018142182903.hdf");
  if (!s) return;
  const auto& d = s->description();
  CAF_CHECK_EQUAL(d.platform, "MCD12Q1");
  CAF_CHECK_EQUAL(property(*s, "spacecraft"), "Terra and Aqua");
  CAF_REQUIRE(d.start && d.end);
  CAF_CHECK_EQUAL(to_iso8601(*d.start), "2001-01-01T00:00:00Z");
  CAF_CHECK_EQUAL(to_iso8601(*d.end), "2001-12-31T23:59:59Z");
  CAF_REQUIRE_EQUAL(d.subdatasets.size(), 1u);
  CAF_CHECK_EQUAL(d.subdatasets[0].bands.size(), 13u);
  CAF_CHECK(d.footprint.starts_with("MULTIPOLYGON (((-1"));
  // On the globe the tile lies between -180 and -170 on the equator, and up to 10 degrees north:
  // west of its edge no point may be drawn.
  CAF_CHECK(d.footprint.find("17") != std::string::npos);
  CAF_MESSAGE(d.footprint.substr(0, 300));
  check_pixels(*s, "MCD12Q1");
}

CAF_TEST(a named format takes its own product only) {
  if (!data) return;
  const auto input = *data + "/modis-hdf4/MOD10A2.A2022033.h09v05.061.2022042050729.hdf";
  const auto refused = open_scenes("mcd43a4", input, {}, pool);
  CAF_REQUIRE(!refused);
  CAF_MESSAGE(to_string(refused.error()));
  CAF_CHECK(to_string(refused.error()).find("MOD10A2, not mcd43a4") != std::string::npos);
}

CAF_TEST(a file within an archive is read like any other) {
  if (!data) return;
  const auto* name = "MOD10A2.A2022033.h09v05.061.2022042050729.hdf";
  const auto plain = only_scene(pool, *data + "/modis-hdf4/" + name);
  CAF_REQUIRE(plain != nullptr);
  scratch_directory directory;
  const auto input = "/vsigzip/" + (directory / (std::string(name) + ".gz"));
  {
    const auto bytes = file_bytes(*data + "/modis-hdf4/" + name);
    auto* out = VSIFOpenL(input.c_str(), "wb");
    CAF_REQUIRE(out != nullptr);
    CAF_REQUIRE_EQUAL(VSIFWriteL(bytes.data(), 1, bytes.size(), out), bytes.size());
    CAF_REQUIRE_EQUAL(VSIFCloseL(out), 0);
  }
  const auto packed = only_scene(pool, input);
  CAF_REQUIRE(packed != nullptr);
  CAF_CHECK_EQUAL(packed->description().input, input);
  CAF_CHECK(packed->description().tile == plain->description().tile);
  CAF_CHECK(packed->description().subdatasets == plain->description().subdatasets);
  const auto one = whole(*plain, 0), two = whole(*packed, 0);
  CAF_REQUIRE(one && two);
  CAF_CHECK(*one == *two);
}

CAF_TEST(options count more than what a product says) {
  if (!data) return;
  scene_options said;
  said.platform = "Snow";
  said.tile = "west";
  said.subdataset = "eight";
  said.timestamp = 1'600'000'000;
  const auto s =
      only_scene(pool, *data + "/modis-hdf4/MOD10A2.A2022033.h09v05.061.2022042050729.hdf", said);
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK_EQUAL(s->description().platform, "Snow");
  CAF_CHECK_EQUAL(s->description().tile, "west");
  CAF_CHECK_EQUAL(s->description().timestamp, 1'600'000'000);
  CAF_CHECK_EQUAL(s->description().subdatasets[0].id, "eight");
}

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST(scales follow one convention) {
  constexpr auto scaled = eos_convention::scale_then_offset;
  constexpr auto calibrated = eos_convention::offset_then_scale;
  const auto is = [](eos_scale found, double scale, double offset) {
    return std::abs(found.scale - scale) < 1e-12 && std::abs(found.offset - offset) < 1e-9;
  };
  CAF_CHECK(is(scale_of_field("MOD09GA", "sur_refl_b01_1", {10000, 0}, scaled), 1e-4, 0));
  CAF_CHECK(is(scale_of_field("MYD09A1", "sur_refl_szen", {0.01, 0}, scaled), 0.01, 0));
  CAF_CHECK(is(scale_of_field("MOD09GA", "Range_1", {25, 0}, scaled), 25, 0));
  CAF_CHECK(is(scale_of_field("MOD13Q1", "250m 16 days NDVI", {10000, 0}, scaled), 1e-4, 0));
  CAF_CHECK(
      is(scale_of_field("MOD13Q1", "250m 16 days view zenith angle", {100, 0}, scaled), 0.01, 0));
  CAF_CHECK(is(scale_of_field("MOD13Q1", "250m 16 days VI Quality", {1, 0}, scaled), 1, 0));
  CAF_CHECK(is(scale_of_field("MYD11A1", "Emis_31", {0.002, 0.49}, scaled), 0.002, 0.49));
  CAF_CHECK(is(scale_of_field("MOD11A2", "Day_view_angl", {1, -65}, scaled), 1, -65));
  CAF_CHECK(is(scale_of_field("MOD05_L2", "x", {0.01, 100}, calibrated), 0.01, -1));
  CAF_CHECK(is(scale_of_field("MOD05_L2", "x", {0.01, 0}, calibrated), 0.01, 0));
  CAF_CHECK(is(scale_of_field("OTHER", "x", {0, NAN}, scaled), 1, 0));
  CAF_CHECK(is_quality_field("QC_Day") && is_quality_field("state_1km_1"));
  CAF_CHECK(!is_quality_field("LST_Day_1km") && !is_quality_field("sur_refl_b01_1"));
}

CAF_TEST(identities come from metadata and names) {
  const auto named = identify_eos({}, "MYD11A1.A2020366.h08v05.061.2021002012345.NRT.hdf");
  CAF_CHECK_EQUAL(named.short_name, "MYD11A1");
  CAF_CHECK_EQUAL(named.collection, "61");
  CAF_CHECK_EQUAL(named.hv, "h08v05");
  CAF_CHECK(named.near_real_time);
  CAF_REQUIRE(named.begin && named.generated);
  CAF_CHECK_EQUAL(to_iso8601(*named.begin), "2020-12-31T00:00:00Z");
  CAF_CHECK_EQUAL(to_iso8601(*named.generated), "2021-01-02T01:23:45Z");
  const auto swath = identify_eos({}, "MOD05_L2.A2019336.0005.061.2019336211522.hdf");
  CAF_CHECK_EQUAL(swath.acquired, "A2019336.0005");
  CAF_CHECK_EQUAL(to_iso8601(*swath.begin), "2019-12-02T00:05:00Z");
  CAF_CHECK_EQUAL(identify_eos({}, "MOD09GA.A2008296.h14v17.000.2015181011753.hdf").collection,
                  "0");
  // A file that was renamed is what its producer called it.
  const auto renamed = identify_eos(
      {{"LOCALGRANULEID", "MCD43A4.A2018001.h10v04.006.2018010000000.hdf"}, {"VERSIONID", "6"}},
      "a.hdf");
  CAF_CHECK_EQUAL(renamed.short_name, "MCD43A4");
  CAF_CHECK_EQUAL(renamed.hv, "h10v04");
  for (const std::string name :
       {"", "a.hdf", "x.A20161.h", "x.A2016999.h18v04.006", "...", "A2016145"})
    CAF_CHECK(!identify_eos({}, name).begin);
}
