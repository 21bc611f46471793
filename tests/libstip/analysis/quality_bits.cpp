#define CAF_SUITE analysis.quality_bits
#include "libstip/analysis/quality_bits.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <map>
#include <vector>

#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scene_planes.hpp"

using namespace stip;
using namespace stip::test;

namespace {

using enum quality_layout;

mask_class qa(uint64_t value) {
  return class_of(qa_pixel, value);
}

/// The value with these bits set.
uint64_t bits(std::initializer_list<unsigned> set) {
  uint64_t out = 0;
  for (const auto bit : set) out |= uint64_t{1} << bit;
  return out;
}

/// The mask that a scene's own quality band gives; empty when it has none.
std::vector<uint8_t> mask_of(const scene& from, quality_layout expected) {
  const auto found = find_quality(from.description());
  CAF_REQUIRE(found.has_value());
  CAF_CHECK(found->layout == expected);
  const auto& part = from.description().subdatasets[found->bands[0].subdataset];
  std::vector<uint8_t> mask(size_t(part.grid.width) * size_t(part.grid.height));
  const auto plane = read_plane(from, found->bands[0]);
  CAF_REQUIRE(classify_quality(found->layout, part.type, plane, mask).has_value());
  return mask;
}

}  // namespace

CAF_TEST(every class of the Sentinel - 2 scene classification has its meaning) {
  using enum mask_class;
  const std::vector<mask_class> expected = {nodata, nodata, clear, shadow, clear,  clear,
                                            water,  clear,  cloud, cloud,  cirrus, snow};
  for (size_t value = 0; value < expected.size(); ++value)
    CAF_CHECK(class_of(scl, value) == expected[value]);
  for (uint64_t value : {uint64_t{12}, uint64_t{255}, uint64_t{65536}, ~uint64_t{0}})
    CAF_CHECK(class_of(scl, value) == nodata);
}

CAF_TEST(of several bits of QA_PIXEL the gravest counts) {
  CAF_CHECK(qa(bits({0, 3})) == mask_class::nodata);
  CAF_CHECK(qa(bits({3, 2, 4, 1})) == mask_class::cloud);
  CAF_CHECK(qa(bits({2, 4, 1})) == mask_class::cirrus);
  CAF_CHECK(qa(bits({4, 1, 5})) == mask_class::shadow);
  CAF_CHECK(qa(bits({1, 5, 7})) == mask_class::dilated);
  CAF_CHECK(qa(bits({5, 7, 6})) == mask_class::snow);
  CAF_CHECK(qa(bits({7, 6})) == mask_class::water);
  CAF_CHECK(qa(bits({6})) == mask_class::clear);
  // Values of real products: clear land, clear water, high cloud, cloud shadow, fill.
  CAF_CHECK(qa(21824) == mask_class::clear);
  CAF_CHECK(qa(21952) == mask_class::water);
  CAF_CHECK(qa(22280) == mask_class::cloud);
  CAF_CHECK(qa(23888) == mask_class::shadow);
  CAF_CHECK(qa(54596) == mask_class::cirrus);
  CAF_CHECK(qa(1) == mask_class::nodata);
}

CAF_TEST(satellites without a cirrus band have no cirrus) {
  CAF_CHECK(class_of(qa_pixel_no_cirrus, bits({2})) == mask_class::clear);
  CAF_CHECK(class_of(bqa_no_cirrus, bits({11, 12})) == mask_class::clear);
  CAF_CHECK(class_of(pixel_qa_no_cirrus, bits({8, 9})) == mask_class::clear);
  CAF_CHECK(class_of(bqa, bits({11, 12})) == mask_class::cirrus);
  CAF_CHECK(class_of(pixel_qa, bits({8, 9})) == mask_class::cirrus);
}

CAF_TEST(confidences of BQA count when they are high) {
  for (const auto& [bit, expected] :
       {std::pair(7u, mask_class::shadow), {9u, mask_class::snow}, {11u, mask_class::cirrus}}) {
    CAF_CHECK(class_of(bqa, bits({bit})) == mask_class::clear);
    CAF_CHECK(class_of(bqa, bits({bit + 1})) == mask_class::clear);
    CAF_CHECK(class_of(bqa, bits({bit, bit + 1})) == expected);
  }
  CAF_CHECK(class_of(bqa, bits({4})) == mask_class::cloud);
  CAF_CHECK(class_of(bqa, 2720) == mask_class::clear);
  CAF_CHECK(class_of(bqa, 2800) == mask_class::cloud);
  CAF_CHECK(class_of(bqa, 1) == mask_class::nodata);
}

CAF_TEST(the state of MODIS tells mixed and internal cloud) {
  const uint64_t land = 1 << 3;
  CAF_CHECK(class_of(modis_state, land) == mask_class::clear);
  CAF_CHECK(class_of(modis_state, land | 1) == mask_class::cloud);
  CAF_CHECK(class_of(modis_state, land | 2) == mask_class::cloud);
  CAF_CHECK(class_of(modis_state, land | 3) == mask_class::clear);
  CAF_CHECK(class_of(modis_state, land | bits({10})) == mask_class::cloud);
  CAF_CHECK(class_of(modis_state, land | bits({8, 9})) == mask_class::cirrus);
  CAF_CHECK(class_of(modis_state, land | bits({9})) == mask_class::clear);
  CAF_CHECK(class_of(modis_state, land | bits({2})) == mask_class::shadow);
  CAF_CHECK(class_of(modis_state, land | bits({13})) == mask_class::dilated);
  CAF_CHECK(class_of(modis_state, land | bits({12})) == mask_class::snow);
  CAF_CHECK(class_of(modis_state, 0) == mask_class::water);
  CAF_CHECK(class_of(modis_state, 65535) == mask_class::nodata);
}

CAF_TEST(a plane is classified value by value in both widths and at odd addresses) {
  for (const auto layout : {scl, qa_pixel, qa_pixel_no_cirrus, bqa, bqa_no_cirrus, pixel_qa,
                            pixel_qa_no_cirrus, modis_state, fmask}) {
    std::vector<std::byte> bytes(2 * 65536 + 1);
    for (size_t v = 0; v < 65536; ++v) {
      const auto value = uint16_t(v);
      std::memcpy(bytes.data() + 1 + 2 * v, &value, 2);
    }
    std::vector<uint8_t> mask(65536);
    CAF_REQUIRE(classify_quality(layout, pixel_type::uint16, std::span(bytes).subspan(1), mask)
                    .has_value());
    size_t wrong = 0;
    for (size_t v = 0; v < 65536; ++v) wrong += mask[v] != uint8_t(class_of(layout, v));
    CAF_CHECK_EQUAL(wrong, 0u);
    std::vector<std::byte> small(256);
    for (size_t v = 0; v < 256; ++v) small[v] = std::byte(v);
    mask.resize(256);
    CAF_REQUIRE(classify_quality(layout, pixel_type::uint8, small, mask).has_value());
    for (size_t v = 0; v < 256; ++v) wrong += mask[v] != uint8_t(class_of(layout, v));
    CAF_CHECK_EQUAL(wrong, 0u);
  }
}

CAF_TEST(planes of other types and sizes are refused) {
  const std::vector<std::byte> plane(8);
  std::vector<uint8_t> mask(4);
  CAF_CHECK(classify_quality(scl, pixel_type::uint16, plane, mask).has_value());
  CAF_CHECK(code_of(classify_quality(scl, pixel_type::uint8, plane, mask)) == ec::invalid_argument);
  CAF_CHECK(code_of(classify_quality(scl, pixel_type::float32, plane, mask)) == ec::unsupported);
  CAF_CHECK(code_of(classify_quality(classi, pixel_type::uint16, plane, mask)) == ec::unsupported);
  CAF_CHECK(code_of(classify_quality(scl, pixel_type::uint16, std::span(plane).first(7),
                                     std::span(mask).first(3))) == ec::invalid_argument);
}

CAF_TEST(the planes of MSK_CLASSI become one mask) {
  const std::vector<uint8_t> opaque = {0, 1, 0, 0, 1}, cirrus = {0, 1, 1, 0, 0},
                             snow = {0, 1, 1, 1, 0};
  std::vector<uint8_t> mask(5);
  CAF_REQUIRE(classify_classi(opaque, cirrus, snow, mask).has_value());
  CAF_CHECK(mask == (std::vector<uint8_t>{1, 2, 6, 4, 2}));
  mask.resize(4);
  CAF_CHECK(code_of(classify_classi(opaque, cirrus, snow, mask)) == ec::invalid_argument);
}

CAF_TEST(cloud coverage of the cloudy scene of Peru is that of its provider) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA names no directory");
    return;
  }
  const auto opened = open_one(*data + "/landsat/LC08_L2SP_001070_20190114-C2");
  CAF_REQUIRE(opened != nullptr);
  const auto counts = count_classes(mask_of(*opened, qa_pixel));
  const auto shares = fractions_of(counts);
  CAF_REQUIRE(shares.has_value());
  CAF_MESSAGE("cloud coverage " << 100 * shares->cloud << " %, cirrus " << 100 * shares->cirrus);
  CAF_CHECK_EQUAL(std::round(shares->cloud * 10000), 7570.0);
  // Bit 3 alone; its MTL says 75.65.
  CAF_CHECK_EQUAL(std::round((shares->cloud - shares->cirrus) * 10000), 7567.0);
}

CAF_TEST(real quality bands of every family hold the classes that they should) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA names no directory");
    return;
  }
  struct sample {
    std::string path;
    quality_layout layout;
    bool fmask = false;
  };
  const std::vector<sample> samples = {
      {"/landsat/L8NY18/LC08_L1TP_013032_20180131_20180207_01_T1", bqa},
      {"/sentinel2/T22HBD-L2A-tiny/"
       "esa_S2B_MSIL2A_20210122T133229_N0214_R081_T22HBD_20210122T155500.SAFE",
       scl},
      {"/cloudmasks/LC80910862014310LGN01.fmask.img", fmask, true},
      {"/cloudmasks/S2B_OPER_MSI_L1C_TL_VGS4_20210426T010904_A021606_T56JMQ_N03.00.fmask."
       "original.img",
       fmask, true},
  };
  for (const auto& one : samples) {
    scene_options options;
    if (one.fmask) options.platform = "Masks", options.timestamp = 1'400'000'000;
    const auto opened = open_one(*data + one.path, options);
    CAF_REQUIRE(opened != nullptr);
    const auto mask = mask_of(*opened, one.layout);
    const auto shares = fractions_of(count_classes(mask));
    CAF_REQUIRE(shares.has_value());
    CAF_MESSAGE(one.path << ": cloud " << shares->cloud << " shadow " << shares->shadow << " snow "
                         << shares->snow);
    CAF_CHECK(shares->cloud >= 0 && shares->cloud <= 1);
    // The mask tells the pixels apart exactly as the band does, value by value.
    const auto found = find_quality(opened->description());
    const auto plane = read_plane(*opened, found->bands[0]);
    const auto width = plane.size() / mask.size();
    size_t wrong = 0;
    for (size_t i = 0; i < mask.size(); ++i) {
      uint64_t value = 0;
      std::memcpy(&value, plane.data() + i * width, width);
      wrong += mask[i] != uint8_t(class_of(one.layout, value));
    }
    CAF_CHECK_EQUAL(wrong, 0u);
  }
}
