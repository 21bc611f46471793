#define CAF_SUITE format.generic
#include <sys/stat.h>

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <map>

#include "libstip/format/format.hpp"
#include "libstip/format/reader_pool.hpp"
#include "libstip/raster/pixel_type.hpp"
#include "tests/support/libstip/isolated_file.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// What a user says who knows the file.
scene_options known() {
  scene_options out;
  out.platform = "Test";
  out.timestamp = 1'500'000'000;
  return out;
}

/// Reads HDF and NetCDF files for all tests.
reader_pool& readers() {
  static reader_pool pool;
  return pool;
}

std::unique_ptr<scene> opened(const std::string& input, const scene_options& options,
                              std::string_view format = "auto") {
  auto scenes = open_scenes(format, input, options, readers());
  if (!scenes) {
    CAF_ERROR(to_string(scenes.error()));
    return nullptr;
  }
  if (scenes->size() != 1) return nullptr;
  return std::move(scenes->front());
}

/// Why the input is refused, "CODE: text"; empty when it is not.
std::string refusal(const std::string& input, const scene_options& options = known()) {
  const auto scenes = open_scenes("auto", input, options, readers());
  if (scenes) return {};
  return std::string(to_string(scenes.error().code)) + ": " + to_string(scenes.error());
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

CAF_TEST(a geotiff becomes a scene with what its metadata says) {
  scratch_directory directory;
  const auto path = directory / "some.scene.tif";
  raster_file file;
  file.bands = 2;
  file.edit = [](GDALDataset& d) {
    d.SetMetadataItem("PLATFORM", "Old");
    d.SetMetadataItem("PLATFORM", "Landsat8C1L1", "STIP");
    d.SetMetadataItem("TIMESTAMP", "20200714", "STIP");
    d.SetMetadataItem("SUBDATASET", "10m");
    d.SetMetadataItem("HELLO", "world");
    d.GetRasterBand(1)->SetDescription("red");
    d.GetRasterBand(2)->SetScale(0.5);
    d.GetRasterBand(2)->SetOffset(-3);
    d.GetRasterBand(2)->SetUnitType("K");
  };
  CAF_REQUIRE(write_raster(path, file));
  const auto scene = opened(path, {});
  CAF_REQUIRE(scene != nullptr);
  const auto& d = scene->description();
  CAF_CHECK_EQUAL(d.format, "generic");
  CAF_CHECK_EQUAL(d.platform, "Landsat8C1L1");
  CAF_CHECK_EQUAL(d.tile, "some.scene");
  CAF_CHECK_EQUAL(to_compact(d.timestamp), "20200714T000000Z");
  CAF_CHECK_EQUAL(d.input, path);
  CAF_CHECK_EQUAL(d.input_bytes, std::filesystem::file_size(path));
  CAF_CHECK(d.input_checksum == hash128_of(read_file(path)));
  CAF_CHECK_EQUAL(d.properties.at("HELLO"), "world");
  CAF_CHECK(d.footprint.starts_with("MULTIPOLYGON ((("));
  CAF_REQUIRE_EQUAL(d.subdatasets.size(), 1u);
  const auto& s = d.subdatasets.front();
  CAF_CHECK_EQUAL(s.id, "10m");
  CAF_CHECK_EQUAL(s.grid.width, 70);
  CAF_CHECK_EQUAL(s.grid.height, 50);
  CAF_CHECK(s.grid.transform == file.transform);
  CAF_CHECK(same_crs(s.grid.crs_wkt, "EPSG:32631"));
  CAF_REQUIRE_EQUAL(s.bands.size(), 2u);
  CAF_CHECK_EQUAL(s.bands[0].name, "red");
  CAF_CHECK_EQUAL(s.bands[1].name, "2");
  CAF_CHECK_EQUAL(s.bands[1].scale, 0.5);
  CAF_CHECK_EQUAL(s.bands[1].offset, -3.0);
  CAF_CHECK_EQUAL(s.bands[1].unit, "K");
  CAF_CHECK_EQUAL(read_all(*scene), "");
}

CAF_TEST(options win over metadata and metadata over names) {
  scratch_directory directory;
  raster_file file;
  file.edit = [](GDALDataset& d) { d.SetMetadataItem("TIFFTAG_DATETIME", "2003:02:01 10:11:12"); };
  const auto dated = directory / "x_20160620T101112_y.tif";
  const auto undated = directory / "undated.tif";
  CAF_REQUIRE(write_raster(dated, file));
  CAF_REQUIRE(write_raster(undated, file));
  scene_options options;
  options.platform = "P";
  const auto by_name = opened(dated, options);
  CAF_CHECK_EQUAL(to_compact(by_name->description().timestamp), "20160620T101112Z");
  const auto by_tag = opened(undated, options);
  CAF_CHECK_EQUAL(to_compact(by_tag->description().timestamp), "20030201T101112Z");
  options.timestamp = 0;
  options.tile = "T";
  options.subdataset = "S";
  file.edit = [](GDALDataset& d) {
    for (const char* name : {"PLATFORM", "TILE", "SUBDATASET"}) d.SetMetadataItem(name, "file's");
    d.SetMetadataItem("TIMESTAMP", "2001-01-01T00:00:01Z");
  };
  const auto speaking = directory / "20160620.tif";
  CAF_REQUIRE(write_raster(speaking, file));
  const auto told = opened(speaking, options);
  CAF_CHECK_EQUAL(told->description().platform, "P");
  CAF_CHECK_EQUAL(told->description().timestamp, 0);
  CAF_CHECK_EQUAL(told->description().tile, "T");
  CAF_CHECK_EQUAL(told->description().subdatasets[0].id, "S");
  const auto silent = opened(speaking, {});
  CAF_CHECK_EQUAL(silent->description().platform, "file's");
  CAF_CHECK_EQUAL(to_compact(silent->description().timestamp), "20010101T000001Z");
  CAF_CHECK_EQUAL(silent->description().tile, "file's");
}

CAF_TEST(what cannot be placed on the earth or in time is refused with the reason) {
  scratch_directory directory;
  const auto make = [&](const char* name, const raster_file& file) {
    const auto path = directory / name;
    if (!write_raster(path, file)) CAF_FAIL("cannot write " << path);
    return path;
  };
  raster_file file;
  const auto good = make("good.tif", file);
  const auto no_platform = refusal(good, {});
  CAF_CHECK(has(no_platform, "invalid_argument: ") && has(no_platform, "give --platform"));
  scene_options platform_only;
  platform_only.platform = "P";
  const auto no_time = refusal(good, platform_only);
  CAF_CHECK(has(no_time, "invalid_argument: ") && has(no_time, "give --timestamp"));
  file.edit = [](GDALDataset& d) { d.SetMetadataItem("TIMESTAMP", "soon"); };
  const auto bad_time = refusal(make("soon.tif", file), platform_only);
  CAF_CHECK(has(bad_time, "TIMESTAMP is no time: soon"));
  file = {};
  file.epsg = 0;
  const auto no_crs = refusal(make("no-crs.tif", file));
  CAF_CHECK(has(no_crs, "unsupported: ") && has(no_crs, "no coordinate reference system"));
  file = {};
  file.georeferenced = false;
  const auto no_transform = refusal(make("no-transform.tif", file));
  CAF_CHECK(has(no_transform, "unsupported: ") && has(no_transform, "no geotransform"));
  file.edit = [](GDALDataset& d) {
    std::array<GDAL_GCP, 3> points{};
    for (size_t i = 0; i < points.size(); ++i) {
      points[i].pszId = const_cast<char*>("1");
      points[i].pszInfo = const_cast<char*>("");
      points[i].dfGCPPixel = double(10 * (i % 2));
      points[i].dfGCPLine = double(10 * (i / 2));
      points[i].dfGCPX = points[i].dfGCPPixel;
      points[i].dfGCPY = points[i].dfGCPLine;
    }
    OGRSpatialReference crs;
    crs.importFromEPSG(4326);
    d.SetGCPs(3, points.data(), &crs);
  };
  file.width = file.height = 20;
  CAF_CHECK(has(refusal(make("gcp.tif", file)), "ground control points"));
  file = {};
  file.edit = [](GDALDataset& d) {
    OGRSpatialReference crs;
    crs.SetLocalCS("my field");
    d.SetSpatialRef(&crs);
  };
  const auto local = refusal(make("local.tif", file));
  CAF_CHECK(has(local, "unsupported: ") && has(local, "coordinate reference system"));
}

CAF_TEST(what is no raster file is refused with the reason) {
  scratch_directory directory;
  CAF_CHECK(has(refusal(directory / "none.tif"), "not_found: "));
  const auto folder = directory / "folder.tif";
  std::filesystem::create_directory(folder);
  CAF_CHECK(has(refusal(folder), "is a directory"));
  // Opening it would wait for somebody who writes, and so would the end of the node.
  const auto pipe = directory / "pipe.tif";
  CAF_REQUIRE_EQUAL(mkfifo(pipe.c_str(), S_IRUSR | S_IWUSR), 0);
  CAF_CHECK(has(refusal(pipe), "it is no file but a pipe"));
  CAF_CHECK(has(refusal("/dev/zero"), "it is no file but a pipe"));
  const auto empty = directory / "empty.tif";
  write_file(empty, "");
  CAF_CHECK(has(refusal(empty), "malformed: ") && has(refusal(empty), "0 bytes"));
  const auto text = directory / "readme.tif";
  write_file(text, "# This is a text and no picture.\n");
  CAF_CHECK(has(refusal(text), "unsupported: "));
  const auto hdf4 = directory / "some.tif";
  write_file(hdf4, std::string("\x0e\x03\x13\x01", 4) + std::string(100, '\0'));
  CAF_CHECK(has(refusal(hdf4), "some.tif"));
  const auto unnamed = open_scenes("auto", "", known());
  CAF_CHECK(!unnamed);
  const auto unknown = open_scenes("no-such-format", text, known());
  CAF_REQUIRE(!unknown);
  CAF_CHECK(unknown.error().code == ec::not_found && has(unknown.error().advice, "generic"));
  if (geteuid() != 0) {
    const auto secret = directory / "secret.tif";
    CAF_REQUIRE(write_raster(secret, {}));
    std::filesystem::permissions(secret, std::filesystem::perms::none);
    CAF_CHECK(has(refusal(secret), "forbidden: "));
  }
}

CAF_TEST(a file that leads to other files or to addresses is not followed) {
  scratch_directory directory;
  raster_file file;
  const auto inner = directory / "inner.tif";
  CAF_REQUIRE(write_raster(inner, file));
  const auto vrt = directory / "outer.vrt";
  write_file(vrt, R"(<VRTDataset rasterXSize="70" rasterYSize="50"><SRS>EPSG:32631</SRS>
<GeoTransform>500000,10,0,4600000,0,-10</GeoTransform><VRTRasterBand dataType="Byte" band="1">
<SimpleSource><SourceFilename relativeToVRT="1">inner.tif</SourceFilename><SourceBand>1</SourceBand>
</SimpleSource></VRTRasterBand></VRTDataset>)");
  CAF_CHECK(has(refusal(vrt), "unsupported: "));
  for (const std::string name : {"MEM:::DATAPOINTER=0,PIXELS=1,LINES=1",
                                 "DERIVED_SUBDATASET:LOGAMPLITUDE:x", "NETCDF:\"x\":y"})
    CAF_CHECK(has(refusal(name), "not_found: "));
  // A mask beside a file is opened by GDAL itself, with every driver that it knows.
  write_file(inner + ".msk", std::string("\x0e\x03\x13\x01", 4) + std::string(4000, '\x7f'));
  const auto scene = opened(inner, known());
  CAF_REQUIRE(scene != nullptr);
  CAF_CHECK_EQUAL(read_all(*scene), "");
}

CAF_TEST(the sample files of many sensors load or are refused as they should) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: no sample files, STIP_SHARED_DATA names no directory");
    return;
  }
  struct expectation {
    const char* file;
    /// Bands of all subdatasets.
    size_t bands;
    validity valid;
  };
  const std::vector<expectation> loads = {
      {"landsat/RGB.byte.tif", 3, validity::nodata},
      {"landsat/RGB.nc", 1, validity::nodata},
      {"landsat/L7_ETMs.tif", 6, validity::all},
      {"landsat/LC08_B7_Memphis_COG.tiff", 1, validity::nodata},
      {"landsat/mosaic-pair/mosaic_cog1.tif", 3, validity::nodata},
      {"landsat/mosaic-pair/mosaic_cog2.tif", 3, validity::nodata},
      {"landsat/polar/LC08_L2SR_081119_20200101_20200823_02_T2_SR_B2_small.TIF", 1,
       validity::nodata},
      {"landcover/lc.tif", 1, validity::all},
      {"landcover/ESA_WorldCover_10m_2020_v100_N03E003_Map.tif", 1, validity::nodata},
      {"naip/m_3211605_ne_11_060_20200415.tif", 4, validity::alpha},
      {"naip/m_3610332_se_13_060_20200903-downsampled.tif", 4, validity::nodata},
      {"viirs/AERDT_L2_VIIRS_NOAA20.A2018092.0336.002.2023336195635.angexp.tiff", 1,
       validity::nodata},
      {"viirs/VNS_L6D_AEDB_v1_NRT_2019270_015400.tiff", 1, validity::nodata},
      {"modis-other/MCD43A4.h10v04.006.tif", 3, validity::all},
      {"modis-other/MODIS_ARRAY.nc", 1, validity::nodata},
      {"modis-other/MODIS_MYD09GQ_15TWF79_20171019.nc", 3, validity::nodata},
      {"gridmet-netcdf/tmmx_20190121.nc", 1, validity::nodata},
      // Longitudes and latitudes without a CRS; those of the second run from 0 to 360.
      {"other-netcdf/bcsd_obs_1999.nc", 24, validity::nodata},
      {"other-netcdf/oisst-avhrr-v02r01.20220913.nc", 4, validity::nodata},
      {"other-netcdf/OR_ABI-L2-LSTM2-M6_G16_s20211381700538_e20211381700595_c20211381701211.nc", 2,
       validity::nodata},
      {"other/gfs.t06z.pgrb2.10p0.f010.grib2", 6, validity::all},
      {"other/AST_L1T_00310012006175412_20150516104359-SWIR-cropped.tif", 6, validity::all},
      {"cloudmasks/LC80910862014310LGN01.fmask.img", 1, validity::nodata},
      {"sentinel2/T15SWC-B01-60m/B01.jp2", 1, validity::all},
  };
  for (const auto& [file, bands, valid] : loads) {
    CAF_MESSAGE(file);
    const auto scene = opened(*data + "/" + file, known(), "generic");
    if (!scene) continue;
    size_t found = 0;
    for (const auto& s : scene->description().subdatasets) found += s.bands.size();
    CAF_CHECK_EQUAL(found, bands);
    CAF_CHECK_EQUAL(int(scene->description().subdatasets[0].valid), int(valid));
    CAF_CHECK_EQUAL(read_all(*scene), "");
  }
  const std::vector<std::pair<const char*, const char*>> refused = {
      {"other/S1A_IW_GRDH_1SDV_20210202T060035_20210202T060100_036407_0445F3_B8EA_vh_extract.tif",
       "no geotransform"},
      {"hdf5/MLS-Aura_L2GP-CO_v05-01-c01_2021d043.he5", "no geotransform"},
      {"README.md", "unsupported"},
      {"sentinel2", "is a directory"},
  };
  for (const auto& [file, reason] : refused) {
    CAF_MESSAGE(file);
    const auto why = refusal(*data + "/" + file);
    CAF_MESSAGE(why);
    CAF_CHECK(has(why, reason));
  }
}

CAF_TEST(longitudes from 0 to 360 are places of the globe like others) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: no sample files, STIP_SHARED_DATA names no directory");
    return;
  }
  const auto scene = opened(*data + "/other-netcdf/oisst-avhrr-v02r01.20220913.nc", known());
  CAF_REQUIRE(scene != nullptr);
  const auto& d = scene->description();
  CAF_CHECK_EQUAL(d.properties.at("crs_assumed"), "EPSG:4326");
  CAF_CHECK_EQUAL(d.footprint, "MULTIPOLYGON (((-180 -90, 180 -90, 180 90, -180 90, -180 -90)))");
  auto mapper = pixel_mapper::make(d.subdatasets[0].grid, 4326);
  CAF_REQUIRE(mapper);
  CAF_CHECK(mapper->period_columns() == 1440);
  std::vector<double> x = {10, -170, -0.125, 179.9}, y = {45, 45, 45, 45};
  std::vector<uint8_t> ok(4);
  mapper->to_pixel(x, y, ok);
  CAF_CHECK_EQUAL(std::floor(x[0]), 40.0);
  CAF_CHECK_EQUAL(std::floor(x[1]), 760.0);
  CAF_CHECK_EQUAL(std::floor(x[2]), 1439.0);
  CAF_CHECK_EQUAL(std::floor(x[3]), 719.0);
}

CAF_TEST(a damaged file fails when it is read and the reason has the words of its driver) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: no sample files, STIP_SHARED_DATA names no directory");
    return;
  }
  const auto scene = opened(*data + "/robustness/corrupt.tif", known());
  CAF_REQUIRE(scene != nullptr);
  const auto why = read_all(*scene);
  CAF_MESSAGE(why);
  CAF_CHECK(has(why, "read window") && has(why, "damaged"));
}
