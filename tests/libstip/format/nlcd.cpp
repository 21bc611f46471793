#define CAF_SUITE format.nlcd
#include <gdal_rat.h>

#include <caf/test/unit_test.hpp>

#include "tests/support/libstip/product_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// Copies a GeoTIFF to an Erdas Imagine file, with a table of the classes.
bool write_img(const std::string& path, const raster_file& file) {
  const auto tiff = path + ".tif";
  if (!write_raster(tiff, file)) return false;
  std::unique_ptr<GDALDataset> source(GDALDataset::Open(tiff.c_str()));
  auto* driver = GetGDALDriverManager()->GetDriverByName("HFA");
  std::unique_ptr<GDALDataset> made(
      driver->CreateCopy(path.c_str(), source.get(), FALSE, nullptr, nullptr, nullptr));
  if (!made) return false;
  GDALDefaultRasterAttributeTable table;
  table.CreateColumn("Histogram", GFT_Real, GFU_PixelCount);
  table.CreateColumn("NLCD Land Cover Class", GFT_String, GFU_Generic);
  table.SetRowCount(100);
  table.SetValue(11, 1, "Open Water");
  table.SetValue(95, 1, "Emergent Herbaceous Wetlands");
  made->GetRasterBand(1)->SetDefaultRAT(&table);
  made.reset();
  source.reset();
  std::filesystem::remove(tiff);
  return true;
}

}  // namespace

CAF_TEST(land cover is known by its colours and has its legend) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA is not there");
    return;
  }
  const auto path = *data + "/landcover/lc.tif";
  CAF_CHECK(has(refusal(path), "give --timestamp"));
  scene_options options;
  options.timestamp = 978'307'200;
  const auto s = opened(path, options);
  CAF_REQUIRE(s != nullptr);
  const auto& d = s->description();
  CAF_CHECK_EQUAL(d.format, "nlcd");
  CAF_CHECK_EQUAL(d.platform, "NLCD");
  CAF_CHECK_EQUAL(bands_of(*s), "0: classification");
  const auto& one = d.subdatasets[0];
  CAF_CHECK(one.valid == validity::nodata && one.bands[0].nodata == std::optional<uint64_t>(0));
  CAF_CHECK_EQUAL(one.bands[0].colour_table.size(), 256u);
  CAF_CHECK_EQUAL(one.bands[0].colour_table[11], "71,107,161,255");
  CAF_CHECK_EQUAL(one.bands[0].categories[41], "Deciduous Forest");
  CAF_CHECK_EQUAL(difference(*s, "0", 0, path), "");
  // Another classification with a palette of its own is not one.
  options.platform = "WorldCover";
  const auto other =
      opened(*data + "/landcover/ESA_WorldCover_10m_2020_v100_N03E003_Map.tif", options);
  CAF_CHECK_EQUAL(other->description().format, "generic");
}

CAF_TEST(names say the year and the variable) {
  scratch_directory directory;
  const std::tuple<const char*, const char*, int> names[] = {
      {"nlcd_2016_land_cover_l48_20210604.tif", "classification", 2016},
      {"NLCD_2019_Land_Cover_L48_20210604.tif", "classification", 2019},
      {"nlcd_land_cover_2001_20210604.tif", "classification", 2001},
      {"Annual_NLCD_LndCov_2023_CU_C1V0.tif", "classification", 2023},
      {"Annual_NLCD_FctImp_1985_CU_C1V0.tif", "impervious_fraction", 1985},
      {"Annual_NLCD_SpcChg_1999_CU_C1V1.tif", "spectral_change_day", 1999},
      {"nlcd_2011_impervious_2011_edition.tif", "impervious_fraction", 2011},
  };
  for (const auto& [name, band, year] : names) {
    CAF_MESSAGE(name);
    raster_file file;
    const auto path = directory / name;
    CAF_REQUIRE(write_raster(path, file));
    const auto s = opened(path);
    CAF_REQUIRE(s != nullptr);
    const auto& d = s->description();
    CAF_CHECK_EQUAL(d.format, "nlcd");
    CAF_CHECK_EQUAL(d.subdatasets[0].bands[0].name, band);
    CAF_CHECK(d.timestamp == *from_civil(year, 1, 1));
    CAF_CHECK(d.start == std::optional(*from_civil(year, 1, 1)));
    CAF_CHECK(d.end == std::optional(*from_civil(year + 1, 1, 1)));
    const bool classes = d.subdatasets[0].bands[0].name == "classification";
    CAF_CHECK(d.subdatasets[0].valid == (classes ? validity::nodata : validity::all));
    CAF_CHECK_EQUAL(difference(*s, "0", 0, path), "");
  }
}

CAF_TEST(an imagine file brings the names of its table and a tag its own fill) {
  scratch_directory directory;
  raster_file file;
  const auto path = directory / "nlcd_2011_land_cover.img";
  CAF_REQUIRE(write_img(path, file));
  const auto s = opened(path);
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK_EQUAL(s->description().format, "nlcd");
  const auto& categories = s->description().subdatasets[0].bands[0].categories;
  CAF_REQUIRE_EQUAL(categories.size(), 96u);
  CAF_CHECK_EQUAL(categories[11], "Open Water");
  CAF_CHECK_EQUAL(categories[95], "Emergent Herbaceous Wetlands");
  CAF_CHECK_EQUAL(difference(*s, "0", 0, path), "");
  // Zipped it is the same.
  CAF_REQUIRE(write_zip(directory / "n.zip",
                        {{"nlcd_2011_land_cover.img", read_file(path)}, {"a.xml", "x"}}));
  const auto zip = opened(directory / "n.zip");
  CAF_REQUIRE(zip != nullptr);
  CAF_CHECK(zip->description().subdatasets == s->description().subdatasets);
  CAF_CHECK_EQUAL(zip->description().tile, "nlcd_2011_land_cover");
  file.edit = [](GDALDataset& d) { d.GetRasterBand(1)->SetNoDataValue(250); };
  const auto annual = directory / "Annual_NLCD_LndCov_2023_CU_C1V0.tif";
  CAF_REQUIRE(write_raster(annual, file));
  CAF_CHECK(opened(annual)->description().subdatasets[0].bands[0].nodata ==
            std::optional<uint64_t>(250));
}

CAF_TEST(files of another layout say so when they are forced) {
  scratch_directory directory;
  raster_file file;
  file.bands = 3;
  const auto path = directory / "nlcd_2011_land_cover.tif";
  CAF_REQUIRE(write_raster(path, file));
  CAF_CHECK(has(refusal(path), "give --platform"));
  CAF_CHECK(has(refusal(path, {}, "nlcd"), "one band of whole numbers"));
  CAF_CHECK(!refusal(directory / "nothing.img", {}, "nlcd").empty());
}
