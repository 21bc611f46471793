#define CAF_SUITE format.naip
#include <caf/test/unit_test.hpp>

#include "libstip/geo/georeference.hpp"
#include "tests/support/libstip/product_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

raster_file quarter_quad() {
  raster_file file;
  file.bands = 4;
  file.creation = {"PHOTOMETRIC=RGB", "ALPHA=YES", "INTERLEAVE=PIXEL"};
  file.epsg = 26911;
  return file;
}

}  // namespace

CAF_TEST(real quarter quads have red and green and blue and infrared) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA is not there");
    return;
  }
  const std::tuple<const char*, const char*, validity> files[] = {
      {"m_3211605_ne_11_060_20200415", "20200415T000000Z", validity::all},
      {"m_3008501_ne_16_1_20110815", "20110815T000000Z", validity::all},
      {"m_3610332_se_13_060_20200903-downsampled", "20200903T000000Z", validity::nodata},
      {"m_3607717_sw_18_1_20160620_subset", "20160620T000000Z", validity::all},
      {"m_3607824_se_17_1_20160620_subset", "20160620T000000Z", validity::all},
  };
  for (const auto& [name, time, valid] : files) {
    CAF_MESSAGE(name);
    const auto path = *data + "/naip/" + name + ".tif";
    const auto s = opened(path);
    CAF_REQUIRE(s != nullptr);
    const auto& d = s->description();
    CAF_CHECK_EQUAL(d.format, "naip");
    CAF_CHECK_EQUAL(d.platform, "NAIP");
    CAF_CHECK_EQUAL(d.tile, name);
    CAF_CHECK_EQUAL(to_compact(d.timestamp), time);
    CAF_CHECK_EQUAL(bands_of(*s), "0: red green blue NIR");
    CAF_CHECK(d.subdatasets[0].valid == valid);
    // Infrared that a file labels as alpha is not taken for it.
    CAF_CHECK_EQUAL(d.subdatasets[0].bands[3].colour, "Undefined");
    CAF_CHECK_EQUAL(d.input_bytes, std::filesystem::file_size(path));
    CAF_CHECK(d.input_checksum == hash128_of(read_file(path)));
    for (size_t i = 0; i < 4; ++i) CAF_CHECK_EQUAL(difference(*s, "0", i, path, int(i) + 1), "");
  }
}

CAF_TEST(a zip is the raster in it) {
  scratch_directory directory;
  const auto path = directory / "m_3211605_ne_11_060_20180801_20190208.tif";
  CAF_REQUIRE(write_raster(path, quarter_quad()));
  CAF_REQUIRE(write_zip(directory / "a.zip",
                        {{"m_3211605_ne_11_060_20180801_20190208.tif", read_file(path)},
                         {"m_3211605_ne_11_060_20180801.txt", "metadata"}}));
  const auto zip = opened(directory / "a.zip");
  const auto file = opened(path);
  CAF_REQUIRE(zip && file);
  // The first date is when it was taken, the second when it was delivered.
  CAF_CHECK_EQUAL(to_compact(zip->description().timestamp), "20180801T000000Z");
  CAF_CHECK_EQUAL(zip->description().tile, "m_3211605_ne_11_060_20180801_20190208");
  CAF_CHECK_EQUAL(property(*zip, "quadrangle"), "3211605");
  CAF_CHECK_EQUAL(property(*zip, "quarter"), "ne");
  CAF_CHECK(zip->description().subdatasets == file->description().subdatasets);
  CAF_CHECK(zip->description().subdatasets[0].valid == validity::all);
  CAF_CHECK(zip->description().input_checksum == hash128_of(read_file(directory / "a.zip")));
  for (size_t i = 0; i < 4; ++i) CAF_CHECK_EQUAL(difference(*zip, "0", i, path, int(i) + 1), "");
}

CAF_TEST(the description in the file counts where the name says nothing) {
  scratch_directory directory;
  auto file = quarter_quad();
  file.edit = [](GDALDataset& d) {
    d.SetMetadataItem("TIFFTAG_IMAGEDESCRIPTION",
                      "USDA-FSA-APFO National Agriculture Imagery Program");
  };
  CAF_REQUIRE(write_raster(directory / "some.tif", file));
  CAF_CHECK(has(refusal(directory / "some.tif"), "give --timestamp"));
  scene_options options;
  options.timestamp = 1'500'000'000;
  const auto s = opened(directory / "some.tif", options);
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK_EQUAL(s->description().format, "naip");
}

CAF_TEST(files of another layout are not taken and say so when they are forced) {
  scratch_directory directory;
  raster_file file;
  file.bands = 4;
  file.type = pixel_type::uint16;
  const auto path = directory / "m_3211605_ne_11_060_20200415.tif";
  CAF_REQUIRE(write_raster(path, file));
  CAF_CHECK(has(refusal(path), "give --platform"));
  CAF_CHECK(has(refusal(path, {}, "naip"), "three or four bands of bytes"));
  write_file(path, read_file(path).substr(0, 30));
  CAF_CHECK(!refusal(path, {}, "naip").empty());
  write_file(directory / "b.zip", "PK\x03\x04 no zip");
  CAF_CHECK(!refusal(directory / "b.zip", {}, "naip").empty());
  CAF_REQUIRE(write_zip(directory / "c.zip", {{"readme.txt", "nothing"}}));
  CAF_CHECK(has(refusal(directory / "c.zip", {}, "naip"), "no NAIP quarter quad"));
}
