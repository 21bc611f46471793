#define CAF_SUITE format.gridmet
#include <gdal_priv.h>

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <cstring>

#include "libstip/format/format.hpp"
#include "libstip/format/reader_pool.hpp"
#include "libstip/raster/nodata.hpp"
#include "tests/support/libstip/isolated_file.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// Days of one variable as gridMET has them: a NetCDF file of bands along "day".
struct days_file {
  int width = 30;
  int height = 20;
  int days = 3;
  int first_day = 40'542;  // 2011-01-01
  GDALDataType type = GDT_Int16;
  double fill = 32'767;
  std::string variable = "air_temperature";
  std::string scale = "0.1";
  std::string offset = "220";
};

/// DN of a pixel: plausible as tenths of a kelvin above 220 K.
int number_of(int day, int column, int row) {
  return 300 + 2 * (day % 100) + column + 2 * row;
}

/// Which pixels hold a fill value, and one that the file does not name.
bool is_fill(int column, int row) {
  return column == 0 || row == 3;
}
bool is_strange(int column, int row) {
  return column == 5 && row == 7;
}

/// Writes it; false without a NetCDF driver.
bool write_days(const std::string& path, const days_file& of) {
  prepare_gdal();
  GDALAllRegister();
  auto* memory = GetGDALDriverManager()->GetDriverByName("MEM");
  auto* netcdf = GetGDALDriverManager()->GetDriverByName("netCDF");
  if (memory == nullptr || netcdf == nullptr) return false;
  const gdal_errors quiet;
  std::unique_ptr<GDALDataset> made(
      memory->Create("", of.width, of.height, of.days, of.type, nullptr));
  std::array<double, 6> transform{-124.7875, 1.0 / 24, 0, 49.4208333, 0, -1.0 / 24};
  made->SetGeoTransform(transform.data());
  OGRSpatialReference crs;
  crs.importFromEPSG(4326);
  crs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  made->SetSpatialRef(&crs);
  made->SetMetadataItem("NETCDF_DIM_EXTRA", "{day}");
  made->SetMetadataItem("NETCDF_DIM_day_DEF", ("{" + std::to_string(of.days) + ",6}").c_str());
  std::string days;
  for (int d = 0; d < of.days; ++d) days += (d > 0 ? "," : "") + std::to_string(of.first_day + d);
  made->SetMetadataItem("NETCDF_DIM_day_VALUES", ("{" + days + "}").c_str());
  made->SetMetadataItem("day#units", "days since 1900-01-01 00:00:00");
  made->SetMetadataItem("NC_GLOBAL#author", "John Abatzoglou - University of Idaho");
  for (int d = 0; d < of.days; ++d) {
    auto* band = made->GetRasterBand(d + 1);
    band->SetMetadataItem("NETCDF_VARNAME", of.variable.c_str());
    band->SetMetadataItem("NETCDF_DIM_day", std::to_string(of.first_day + d).c_str());
    band->SetMetadataItem("scale_factor", of.scale.c_str());
    band->SetMetadataItem("add_offset", of.offset.c_str());
    band->SetScale(std::stod(of.scale));
    band->SetOffset(std::stod(of.offset));
    band->SetNoDataValue(of.fill);
    std::vector<double> row(static_cast<size_t>(of.width));
    for (int y = 0; y < of.height; ++y) {
      for (int x = 0; x < of.width; ++x)
        row[size_t(x)] = is_fill(x, y) ? of.fill : is_strange(x, y) ? -32'767 : number_of(d, x, y);
      if (band->RasterIO(GF_Write, 0, y, of.width, 1, row.data(), of.width, 1, GDT_Float64, 0, 0,
                         nullptr) != CE_None)
        return false;
    }
  }
  std::unique_ptr<GDALDataset> out(
      netcdf->CreateCopy(path.c_str(), made.get(), FALSE, nullptr, nullptr, nullptr));
  return out != nullptr;
}

std::string property(const scene& s, const std::string& name) {
  const auto& all = s.description().properties;
  const auto at = all.find(name);
  return at == all.end() ? "" : at->second;
}

}  // namespace

CAF_TEST(real days have their values packed as they are in the file) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: no sample files, STIP_SHARED_DATA names no directory");
    return;
  }
  struct expectation {
    const char* file;
    const char* time;
    const char* variable;
    double scale;
    double offset;
    const char* unit;
  };
  reader_pool pool;
  for (const auto& e :
       {expectation{"tmmx_20190121.nc", "2019-01-21", "air_temperature", 0.1, 220, "K"},
        expectation{"precipitation_amount_2010-05-22_2010-05-22.nc", "2010-05-22",
                    "precipitation_amount", 0.1, 0, "mm"}}) {
    CAF_MESSAGE(e.file);
    const auto input = *data + "/gridmet-netcdf/" + e.file;
    const auto s = only_scene(pool, input);
    CAF_REQUIRE(s != nullptr);
    const auto& d = s->description();
    CAF_CHECK_EQUAL(d.format, "gridmet");
    CAF_CHECK_EQUAL(d.platform, "gridMET");
    CAF_CHECK_EQUAL(to_iso8601(d.timestamp), std::string(e.time) + "T00:00:00Z");
    CAF_REQUIRE(d.start && d.end);
    CAF_CHECK_EQUAL(*d.start, d.timestamp + 7 * 3600);
    CAF_CHECK_EQUAL(*d.end, *d.start + 86'400);
    CAF_REQUIRE_EQUAL(d.subdatasets.size(), 1u);
    const auto& part = d.subdatasets[0];
    CAF_CHECK(part.type == pixel_type::uint16);
    CAF_CHECK(part.valid == validity::nodata);
    CAF_REQUIRE_EQUAL(part.bands.size(), 1u);
    const auto& band = part.bands[0];
    CAF_CHECK_EQUAL(band.name, e.variable);
    CAF_CHECK_EQUAL(band.scale, e.scale);
    CAF_CHECK_EQUAL(band.offset, e.offset);
    CAF_CHECK_EQUAL(band.unit, e.unit);
    CAF_CHECK(band.nodata == uint64_t{32'767});
    CAF_CHECK_EQUAL(part.grid.width, 1386);
    CAF_CHECK_EQUAL(part.grid.height, 585);
    CAF_CHECK(same_crs(part.grid.crs_wkt, "EPSG:4326"));
    CAF_CHECK(d.footprint.starts_with("MULTIPOLYGON (((-124.7"));
    const auto pixels = whole(*s, 0);
    CAF_REQUIRE(pixels);
    CAF_CHECK(*pixels == gdal_pixels(input, 1, pixel_type::uint16));
  }
}

CAF_TEST(a file of days is one image a day and opened once) {
  scratch_directory directory;
  const auto path = directory / "tmmx_2011.nc";
  days_file file;
  file.days = 365;
  if (!write_days(path, file)) {
    CAF_MESSAGE("skipped: GDAL has no NetCDF driver");
    return;
  }
  reader_settings settings;
  settings.processes = 2;
  reader_pool pool(settings);
  const auto scenes = open_scenes("auto", path, {}, pool);
  if (!scenes) CAF_FAIL(to_string(scenes.error()));
  CAF_REQUIRE_EQUAL(scenes->size(), 365u);
  epoch_seconds expected = *parse_time("2011-01-01");
  int wrong = 0;
  for (int day = 0; day < 365; ++day, expected += 86'400) {
    const auto& s = *(*scenes)[size_t(day)];
    const auto& d = s.description();
    wrong += d.timestamp != expected || d.tile != "tmmx_2011" || d.subdatasets.size() != 1 ||
             d.subdatasets[0].bands.size() != 1 ||
             d.subdatasets[0].bands[0].name != "air_temperature";
    const auto pixels = whole(s, 0);
    CAF_REQUIRE(pixels);
    std::vector<std::byte> mask(size_t(file.width * file.height));
    const auto reader = s.open_reader();
    CAF_REQUIRE(reader);
    CAF_REQUIRE((*reader)->read_mask(0, {0, 0, file.width, file.height}, 0, 1, mask));
    for (int y = 0; y < file.height; ++y)
      for (int x = 0; x < file.width; ++x) {
        const auto at = size_t(y * file.width + x);
        int16_t number = 0;
        std::memcpy(&number, pixels->data() + at * 2, 2);
        const bool bad = is_fill(x, y) || is_strange(x, y);
        wrong += (mask[at] == std::byte{1}) == bad;
        wrong += !bad && number != number_of(day, x, y);
      }
  }
  CAF_CHECK_EQUAL(wrong, 0);
  CAF_CHECK(pool.processes().size() <= 2u);
}

CAF_TEST(the process that opened a file reads its first days) {
  const scratch_directory files;
  days_file made;
  made.days = 30;
  if (!write_days(files / "tmmx_2011.nc", made)) {
    CAF_MESSAGE("skipped: GDAL has no NetCDF driver");
    return;
  }
  reader_settings settings;
  settings.processes = 3;
  reader_pool pool(settings);
  const auto read = [&](const scene& day) {
    auto reader = day.open_reader();
    CAF_REQUIRE(reader.has_value());
    std::vector<std::byte> pixels(size_t(made.width) * size_t(made.height) * 2);
    CAF_CHECK((*reader)->read(0, {0, 0, made.width, made.height}, 0, 1, pixels).has_value());
  };
  // Wherever it was in what it read before: another one would have to decode the same chunks.
  for (int round = 0; round < 2; ++round) {
    const auto days = pool.open("gridmet", files / "tmmx_2011.nc", {});
    CAF_REQUIRE(days.has_value());
    CAF_REQUIRE_EQUAL(days->size(), 30u);
    for (const auto& day : *days) read(*day);
    CAF_CHECK_EQUAL(pool.processes().size(), 1u);
    // Far from what is decoded a second one is worth it.
    if (round == 1) read(*days->front());
  }
  CAF_CHECK_EQUAL(pool.processes().size(), 2u);
}

CAF_TEST(values that cannot be are no data though the file does not name them) {
  scratch_directory directory;
  const auto path = directory / "METDATA_20110101.nc";
  days_file file;
  file.days = 1;
  if (!write_days(path, file)) return;
  reader_pool pool;
  const auto s = only_scene(pool, path);
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK(s->description().subdatasets[0].valid == validity::band_masks);
  CAF_CHECK_EQUAL(property(*s, "licence"), "CC0");
}

CAF_TEST(options count more than the file) {
  scratch_directory directory;
  const auto path = directory / "tmmx_2011.nc";
  days_file file;
  file.days = 2;
  if (!write_days(path, file)) return;
  reader_pool pool;
  scene_options said;
  said.platform = "METDATA";
  said.tile = "hot";
  said.subdataset = "t";
  const auto scenes = open_scenes("gridmet", path, said, pool);
  if (!scenes) CAF_FAIL(to_string(scenes.error()));
  CAF_REQUIRE_EQUAL(scenes->size(), 2u);
  const auto& d = (*scenes)[1]->description();
  CAF_CHECK_EQUAL(d.platform, "METDATA");
  CAF_CHECK_EQUAL(d.tile, "hot");
  CAF_CHECK_EQUAL(d.subdatasets[0].id, "t");
  CAF_CHECK_EQUAL(to_iso8601(d.timestamp), "2011-01-02T00:00:00Z");
}
