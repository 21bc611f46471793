#define CAF_SUITE raster.writers
#include "libstip/raster/writers.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "libstip/raster/nodata.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr pixel_type all_types[] = {pixel_type::uint8,  pixel_type::int8,   pixel_type::uint16,
                                    pixel_type::int16,  pixel_type::uint32, pixel_type::int32,
                                    pixel_type::uint64, pixel_type::int64,  pixel_type::float32,
                                    pixel_type::float64};

/// A scene of 1000 x 1000 pixels with a rotated grid.
subdataset_description described(pixel_type type, size_t bands, validity valid) {
  subdataset_description out;
  out.id = "10m";
  out.grid = {"EPSG:32631", {500000, 9, 3, 4600000, 2, -11}, 1000, 1000};
  out.type = type;
  out.valid = valid;
  for (size_t i = 0; i < bands; ++i) {
    band_description band;
    band.name = "B0" + std::to_string(i + 1);
    out.bands.push_back(band);
  }
  return out;
}

chip_image assembled(const subdataset_description& d, const chip_window& window) {
  auto made = chip_assembler::make(d, window);
  if (!made) CAF_FAIL(to_string(made.error()));
  return std::move(*made).finish();
}

/// A chip full of sample pixels, about a tenth of them invalid as the description tells it.
chip_image sample_chip(const subdataset_description& d, uint32_t width, uint32_t height,
                       uint64_t seed) {
  auto image = assembled(d, {-5, 7, width, height, 64});
  std::mt19937_64 random{seed};
  const size_t size = size_of(d.type);
  for (size_t band = 0; band < image.bands(); ++band) {
    auto pixels = sample_pixels(d.type, 0, 0, width, height, band);
    for (size_t i = 0; i < image.area(); ++i) {
      if (d.bands[band].nodata && random() % 10 == 0)
        std::memcpy(pixels.data() + i * size, &*d.bands[band].nodata, size);
    }
    std::copy(pixels.begin(), pixels.end(),
              image.pixels.begin() + static_cast<ptrdiff_t>(band * pixels.size()));
  }
  for (auto& m : image.masks) m = random() % 10 != 0;
  return image;
}

struct read_back {
  std::unique_ptr<GDALDataset> dataset;

  explicit read_back(const std::string& path)
      : dataset(GDALDataset::Open(path.c_str(), GDAL_OF_RASTER)) {
    if (!dataset) CAF_FAIL("cannot open " << path);
  }
  std::vector<std::byte> band(size_t i, pixel_type type) const {
    const int w = dataset->GetRasterXSize();
    const int h = dataset->GetRasterYSize();
    std::vector<std::byte> out(size_t(w) * size_t(h) * size_of(type));
    if (dataset->GetRasterBand(int(i + 1))
            ->RasterIO(GF_Read, 0, 0, w, h, out.data(), w, h, gdal_type(type), 0, 0) != CE_None)
      CAF_FAIL("cannot read");
    return out;
  }
  std::vector<uint8_t> mask() const {
    const int w = dataset->GetRasterXSize();
    const int h = dataset->GetRasterYSize();
    std::vector<uint8_t> out(size_t(w) * size_t(h));
    if (dataset->GetRasterBand(1)->GetMaskBand()->RasterIO(GF_Read, 0, 0, w, h, out.data(), w, h,
                                                           GDT_Byte, 0, 0) != CE_None)
      CAF_FAIL("cannot read");
    for (auto& m : out) m = m != 0;
    return out;
  }
  std::string item(const char* name, const char* domain) const {
    const auto* value = dataset->GetMetadataItem(name, domain);
    return value == nullptr ? "" : value;
  }
};

size_t files_in(const std::string& path) {
  const std::filesystem::directory_iterator entries(path);
  return size_t(std::distance(begin(entries), end(entries)));
}

}  // namespace

CAF_TEST(a chip is put together from blocks in any order and absent ones hold no data) {
  std::mt19937_64 random{11};
  CAF_MESSAGE("seed 11");
  for (const auto type : all_types)
    for (const auto valid :
         {validity::nodata, validity::alpha, validity::mask, validity::band_masks, validity::all}) {
      auto d = described(type, 3, valid);
      const auto nodata = nodata_pattern(type, 77.0);
      if (valid == validity::nodata)
        for (auto& band : d.bands) band.nodata = nodata;
      const auto whole = sample_chip(d, 100, 70, 3);
      constexpr uint16_t edge = 32;
      auto made = chip_assembler::make(d, {-5, 7, 100, 70, edge});
      CAF_REQUIRE(made);
      const uint64_t columns = 4;
      const uint64_t rows = 3;
      const uint64_t planes = 3 + mask_planes(valid, 3);
      std::vector<uint64_t> order(columns * rows * planes);
      for (size_t i = 0; i < order.size(); ++i) order[i] = i;
      std::shuffle(order.begin(), order.end(), random);
      const uint64_t absent = order.back();
      order.pop_back();
      block_encoder encoder;
      const auto plane_of = [&](uint64_t plane) {
        const auto masks = std::as_bytes(std::span(whole.masks));
        return plane < 3 ? whole.band(plane)
                         : masks.subspan((plane - 3) * whole.area(), whole.area());
      };
      for (const auto block : order) {
        const uint64_t plane = block / (columns * rows);
        const uint64_t x = block % columns * edge;
        const uint64_t y = block % (columns * rows) / columns * edge;
        const auto w = std::min<uint64_t>(edge, 100 - x);
        const auto h = std::min<uint64_t>(edge, 70 - y);
        const auto block_type = plane < 3 ? type : pixel_type::bit;
        const size_t size = size_of(block_type);
        std::vector<std::byte> pixels;
        for (uint64_t r = 0; r < h; ++r) {
          const auto row = plane_of(plane).subspan(((y + r) * 100 + x) * size, w * size);
          pixels.insert(pixels.end(), row.begin(), row.end());
        }
        std::vector<std::byte> record;
        CAF_REQUIRE(encoder.append_block(block_type, uint16_t(h), uint16_t(w), pixels, record));
        CAF_REQUIRE(made->place(block, record));
        // Elsewhere it does not fit, or does not exist.
        CAF_REQUIRE(!made->place(columns * rows * planes, record));
        record.pop_back();
        CAF_REQUIRE(!made->place(block, record));
      }
      const auto image = std::move(*made).finish();
      const uint64_t lost_plane = absent / (columns * rows);
      uint64_t wrong = 0;
      uint64_t fill = valid == validity::nodata ? *nodata : 0;
      for (uint64_t plane = 0; plane < planes; ++plane)
        for (uint64_t i = 0; i < whole.area(); ++i) {
          const bool lost = plane == lost_plane && absent % columns == i % 100 / edge &&
                            absent % (columns * rows) / columns == i / 100 / edge;
          const bool mask = plane >= 3;
          const size_t size = mask ? 1 : size_of(type);
          const auto expected = plane_of(plane).subspan(i * size, size);
          const uint64_t nothing = mask ? 0 : fill;
          const auto filled = std::as_bytes(std::span(&nothing, 1)).first(size);
          const auto masks = std::as_bytes(std::span(image.masks));
          const auto found = mask ? masks.subspan((plane - 3) * image.area() + i, 1)
                                  : image.band(plane).subspan(i * size, size);
          wrong += !std::ranges::equal(found, lost ? filled : expected);
        }
      CAF_CHECK_EQUAL(wrong, 0u);
      CAF_CHECK_EQUAL(image.description.grid.transform[0], 500000 - 5 * 9 + 7 * 3.0);
      CAF_CHECK_EQUAL(image.description.grid.transform[3], 4600000 - 5 * 2 - 7 * 11.0);
    }
}

CAF_TEST(a chip of too many pixels is refused before memory is taken) {
  const auto d = described(pixel_type::float64, 4, validity::band_masks);
  const auto huge = chip_assembler::make(d, {0, 0, 1u << 28, 1u << 28, 512});
  CAF_REQUIRE(!huge);
  CAF_CHECK(huge.error().code == ec::limit_exceeded);
  CAF_CHECK(chip_assembler::make(d, {0, 0, 10, 10, 512}, 800).has_value());
  CAF_CHECK(!chip_assembler::make(d, {0, 0, 10, 10, 512}, 799));
  CAF_CHECK(!chip_assembler::make(d, {0, 0, 0, 10, 512}));
}

CAF_TEST(a cog gives every pixel and fact back) {
  scratch_directory directory;
  for (const auto type : all_types)
    for (const auto valid : {validity::nodata, validity::alpha, validity::mask, validity::all}) {
      auto d = described(type, valid == validity::alpha ? 4 : 2, valid);
      if (valid == validity::alpha) d.bands.back().colour = "Alpha";
      if (valid == validity::nodata)
        for (auto& band : d.bands)
          band.nodata = is_float(type)               ? nodata_pattern(type, std::nan(""))
                        : type == pixel_type::int64  ? nodata_pattern(type, INT64_MIN)
                        : type == pixel_type::uint64 ? nodata_pattern(type, UINT64_MAX)
                                                     : nodata_pattern(type, 100.0);
      d.bands[0].scale = 0.25;
      d.bands[0].offset = -7;
      d.bands[0].unit = "K";
      d.bands[0].properties["wavelength"] = "490";
      auto image = sample_chip(d, 530, 120, 5);
      image.items = {{"GEOCODE", "u09"}, {"PLATFORM", "Sentinel-2-L1C"}, {"TILE", "a b"}};
      image.properties = {{"spacecraft", "S2A"}};
      const auto path = directory / "chip.tif";
      const auto written = write_image(path, image_format::cog, image);
      CAF_MESSAGE(to_string(type) << " " << int(valid)
                                  << (written ? "" : " " + to_string(written.error())));
      CAF_REQUIRE(written);
      CAF_REQUIRE_EQUAL(files_in(directory.path()), 1u);
      const read_back back(path);
      CAF_CHECK_EQUAL(back.item("LAYOUT", "IMAGE_STRUCTURE"), "COG");
      CAF_CHECK_EQUAL(back.item("GEOCODE", "STIP"), "u09");
      CAF_CHECK_EQUAL(back.item("PLATFORM", "STIP"), "Sentinel-2-L1C");
      CAF_CHECK_EQUAL(back.item("TILE", "STIP"), "a b");
      CAF_CHECK_EQUAL(back.item("spacecraft", nullptr), "S2A");
      std::array<double, 6> transform{};
      back.dataset->GetGeoTransform(transform.data());
      CAF_CHECK(transform == image.description.grid.transform);
      CAF_CHECK_EQUAL(std::string(back.dataset->GetSpatialRef()->GetAuthorityCode(nullptr)),
                      "32631");
      for (size_t i = 0; i < image.bands(); ++i)
        CAF_CHECK(std::ranges::equal(back.band(i, type), image.band(i)));
      auto* band = back.dataset->GetRasterBand(1);
      CAF_CHECK_EQUAL(std::string(band->GetDescription()), "B01");
      CAF_CHECK_EQUAL(band->GetScale(), 0.25);
      CAF_CHECK_EQUAL(band->GetOffset(), -7.0);
      CAF_CHECK_EQUAL(std::string(band->GetUnitType()), "K");
      CAF_CHECK_EQUAL(std::string(band->GetMetadataItem("wavelength")), "490");
      if (type == pixel_type::int8)
        CAF_CHECK_EQUAL(std::string(band->GetMetadataItem("PIXELTYPE", "IMAGE_STRUCTURE")),
                        "SIGNEDBYTE");
      if (valid == validity::mask || valid == validity::all) CAF_CHECK(back.mask() == image.masks);
      int has = 0;
      band->GetNoDataValue(&has);
      if (type == pixel_type::int64)
        CAF_CHECK(valid != validity::nodata || band->GetNoDataValueAsInt64(&has) == INT64_MIN);
      if (type == pixel_type::uint64)
        CAF_CHECK(valid != validity::nodata || band->GetNoDataValueAsUInt64(&has) == UINT64_MAX);
      CAF_CHECK_EQUAL(has != 0, valid == validity::nodata);
      if (valid == validity::alpha)
        CAF_CHECK(back.dataset->GetRasterBand(4)->GetColorInterpretation() == GCI_AlphaBand);
    }
}

CAF_TEST(a cog keeps what one nodata tag cannot say in its mask) {
  scratch_directory directory;
  auto d = described(pixel_type::int16, 2, validity::nodata);
  d.bands[0].nodata = nodata_pattern(d.type, -1.0);
  d.bands[1].nodata = nodata_pattern(d.type, -2.0);
  const auto image = sample_chip(d, 90, 80, 9);
  const auto path = directory / "chip.tif";
  CAF_REQUIRE(write_image(path, image_format::cog, image));
  const read_back back(path);
  CAF_CHECK(back.mask() == image.valid());
  const auto* nodata = back.dataset->GetRasterBand(2)->GetMetadataItem("NODATA", "STIP");
  CAF_REQUIRE(nodata != nullptr);
  CAF_CHECK_EQUAL(std::string(nodata), "-2");
}

CAF_TEST(a cog keeps palettes and classes) {
  scratch_directory directory;
  auto d = described(pixel_type::uint8, 1, validity::all);
  d.bands[0].colour = "Palette";
  d.bands[0].colour_table = {"0,0,0,0", "1,2,3,255", "250,251,252,255"};
  d.bands[0].categories = {"", "water", "wood"};
  auto image = sample_chip(d, 40, 30, 9);
  for (size_t i = 0; i < image.area(); ++i) image.pixels[i] = std::byte(i % 4);
  const auto path = directory / "chip.tif";
  CAF_REQUIRE(write_image(path, image_format::cog, image));
  const read_back back(path);
  auto* band = back.dataset->GetRasterBand(1);
  CAF_REQUIRE(band->GetColorTable() != nullptr);
  CAF_CHECK_EQUAL(band->GetColorTable()->GetColorEntry(2)->c2, 251);
  const auto* wood = band->GetMetadataItem("CATEGORY_2", "STIP");
  CAF_REQUIRE(wood != nullptr);
  CAF_CHECK_EQUAL(std::string(wood), "wood");
  const auto picture = directory / "chip.png";
  CAF_REQUIRE(write_image(picture, image_format::png, image));
  const read_back png(picture);
  CAF_REQUIRE_EQUAL(png.dataset->GetRasterCount(), 4);
  const auto green = png.band(1, pixel_type::uint8);
  const auto alpha = png.band(3, pixel_type::uint8);
  for (size_t i = 0; i < image.area(); ++i) {
    const bool shown = image.masks[i] != 0 && (i % 4 == 1 || i % 4 == 2);
    CAF_REQUIRE(int(alpha[i]) == (shown ? 255 : 0));
    if (shown) CAF_REQUIRE(int(green[i]) == (i % 4 == 1 ? 2 : 251));
  }
}

CAF_TEST(a picture shows red green and blue and is transparent where there is no data) {
  auto d = described(pixel_type::uint16, 4, validity::nodata);
  CAF_CHECK((red_green_blue(d) == std::array<size_t, 3>{3, 2, 1}));
  d.bands[0].colour = "Blue";
  d.bands[1].colour = "Green";
  d.bands[2].colour = "Red";
  CAF_CHECK((red_green_blue(d) == std::array<size_t, 3>{2, 1, 0}));
  auto etm = described(pixel_type::uint8, 6, validity::all);
  for (size_t i = 0; i < 6; ++i) etm.bands[i].name = std::to_string(i + 1);
  CAF_CHECK((red_green_blue(etm) == std::array<size_t, 3>{2, 1, 0}));
  etm.bands.resize(4);
  CAF_CHECK((red_green_blue(etm) == std::array<size_t, 3>{0, 1, 2}));
  etm.valid = validity::alpha;
  etm.bands.resize(2);
  CAF_CHECK((red_green_blue(etm) == std::array<size_t, 3>{0, 0, 0}));

  scratch_directory directory;
  for (auto& band : d.bands) band.nodata = 0;
  auto image = assembled(d, {0, 0, 101, 100, 64});
  std::vector<uint16_t> values(4 * image.area());
  for (size_t i = 0; i < image.area(); ++i)
    for (size_t b = 0; b < 4; ++b)
      values[b * image.area() + i] = uint16_t(i % 101 == 0 ? 0 : 1000 * (b + 1) + i % 101);
  std::memcpy(image.pixels.data(), values.data(), image.pixels.size());
  const auto path = directory / "chip.png";
  CAF_REQUIRE(write_image(path, image_format::png, image));
  CAF_CHECK_EQUAL(files_in(directory.path()), 1u);
  const read_back png(path);
  CAF_REQUIRE_EQUAL(png.dataset->GetRasterCount(), 4);
  for (size_t k = 0; k < 3; ++k) {
    const auto shade = png.band(k, pixel_type::uint8);
    const auto alpha = png.band(3, pixel_type::uint8);
    for (size_t i = 0; i < image.area(); ++i) {
      const size_t column = i % 101;
      CAF_REQUIRE(int(alpha[i]) == (column == 0 ? 0 : 255));
      if (column <= 2) CAF_REQUIRE(int(shade[i]) == 0);
      if (column >= 99) CAF_REQUIRE(int(shade[i]) == 255);
      if (column > 3) CAF_REQUIRE(int(shade[i]) >= int(shade[i - 1]));
    }
  }
}

CAF_TEST(a picture of flat or not finite or invalid pixels is still a picture) {
  scratch_directory directory;
  auto d = described(pixel_type::float32, 1, validity::all);
  auto image = assembled(d, {0, 0, 8, 8, 64});
  std::vector<float> values(64, 5.f);
  values[1] = std::numeric_limits<float>::infinity();
  values[2] = std::nanf("");
  values[3] = -std::numeric_limits<float>::infinity();
  std::memcpy(image.pixels.data(), values.data(), image.pixels.size());
  const auto path = directory / "chip.png";
  CAF_REQUIRE(write_image(path, image_format::png, image));
  std::fill(image.masks.begin(), image.masks.end(), uint8_t{1});
  CAF_REQUIRE(write_image(path, image_format::png, image));
  const read_back png(path);
  CAF_CHECK_EQUAL(png.dataset->GetRasterCount(), 2);
  const auto alpha = png.band(1, pixel_type::uint8);
  CAF_CHECK_EQUAL(int(alpha[0]), 255);
  CAF_CHECK_EQUAL(int(alpha[2]), 0);
}

CAF_TEST(an npy file has the header and the bytes that numpy reads) {
  scratch_directory directory;
  const std::pair<pixel_type, std::string> names[] = {
      {pixel_type::uint8, "|u1"},  {pixel_type::int8, "|i1"},   {pixel_type::uint16, "<u2"},
      {pixel_type::int16, "<i2"},  {pixel_type::uint32, "<u4"}, {pixel_type::int32, "<i4"},
      {pixel_type::uint64, "<u8"}, {pixel_type::int64, "<i8"},  {pixel_type::float32, "<f4"},
      {pixel_type::float64, "<f8"}};
  for (const auto& [type, name] : names) {
    const auto image = sample_chip(described(type, 3, validity::all), 31, 17, 1);
    const auto path = directory / "chip.npy";
    CAF_REQUIRE(write_image(path, image_format::npy, image));
    const auto bytes = read_file(path);
    CAF_REQUIRE(bytes.size() > 10);
    CAF_CHECK(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
    const size_t length = uint8_t(bytes[8]) + 256u * uint8_t(bytes[9]);
    CAF_CHECK_EQUAL((10 + length) % 64, 0u);
    const auto header = bytes.substr(10, length);
    const auto expected =
        "{'descr': '" + name + "', 'fortran_order': False, 'shape': (3, 17, 31), }";
    CAF_CHECK_EQUAL(header.substr(0, expected.size()), expected);
    CAF_CHECK_EQUAL(header.back(), '\n');
    CAF_CHECK(bytes.substr(10 + length) ==
              std::string(reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size()));
  }
}

CAF_TEST(a failed export names the file and leaves what was there) {
  scratch_directory directory;
  const auto image = sample_chip(described(pixel_type::uint8, 1, validity::all), 20, 20, 1);
  for (const auto format : {image_format::cog, image_format::png, image_format::npy}) {
    const auto nowhere = directory / "no/where" + std::string(extension(format));
    const auto lost = write_image(nowhere, format, image);
    CAF_REQUIRE(!lost);
    CAF_CHECK(lost.error().code == ec::not_found);
    CAF_CHECK(lost.error().what.find(nowhere) != std::string::npos);
    // A directory stands where the file should be: the bytes are written, the rename fails.
    const auto taken = directory / "taken";
    std::filesystem::create_directories(taken + "/inside");
    CAF_CHECK(!write_image(taken, format, image));
    CAF_CHECK(std::filesystem::exists(taken + "/inside"));
    CAF_CHECK_EQUAL(files_in(directory.path()), 1u);
    auto broken = image;
    broken.pixels.pop_back();
    CAF_CHECK(!write_image(directory / "x", format, broken));
  }
  CAF_CHECK(parse_image_format("png").has_value());
  CAF_CHECK(!parse_image_format("gif"));
}
