#define CAF_SUITE analysis.find_clouds
#include "libstip/analysis/find_clouds.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scene_planes.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// The planes of a whole scene.
image_planes planes_of(const scene& from) {
  image_planes out;
  out.size = [&from](size_t s) {
    const auto& grid = from.description().subdatasets[s].grid;
    return plane_size{size_t(grid.width), size_t(grid.height)};
  };
  out.read = [&from](const band_place& place) -> result<std::vector<std::byte>> {
    return read_plane(from, place);
  };
  return out;
}

/// A made-up image of Sentinel-2: 12 x 12 pixels of 10 m, 6 x 6 of 20 m; the left half is white.
struct made_image {
  scene_description scene;
  image_planes planes;
  size_t reads = 0;

  explicit made_image(const std::string& platform = "Sentinel-2-L2A") {
    scene.platform = platform;
    scene.tile = "T";
    scene.timestamp = 1'600'000'000;
    scene.properties["sun_elevation"] = "50";
    scene.properties["sun_azimuth"] = "150";
    add("10m", 12, {"B02", "B03", "B04", "B08"});
    add("20m", 6, {"B8A", "B11", "B12"});
    planes.size = [this](size_t s) {
      return plane_size{size_t(scene.subdatasets[s].grid.width),
                        size_t(scene.subdatasets[s].grid.height)};
    };
    planes.read = [this](const band_place& place) { return read(place); };
  }

  void add(const std::string& id, int64_t edge, const std::vector<std::string>& names) {
    subdataset_description part;
    part.id = id;
    part.type = pixel_type::uint16;
    part.grid.width = part.grid.height = edge;
    part.grid.transform = {500000, 120.0 / double(edge), 0, 4600000, 0, -120.0 / double(edge)};
    for (const auto& name : names) {
      auto& band = part.bands.emplace_back();
      band.name = name;
      band.unit = "reflectance";
      band.scale = 1e-4;
      band.offset = -0.1;
      band.nodata = 0;
    }
    scene.subdatasets.push_back(part);
  }

  result<std::vector<std::byte>> read(const band_place& place) {
    ++reads;
    const auto& part = scene.subdatasets[place.subdataset];
    const std::map<std::string, double> ground = {{"B02", 0.05}, {"B03", 0.08}, {"B04", 0.06},
                                                  {"B08", 0.35}, {"B8A", 0.35}, {"B11", 0.2},
                                                  {"B12", 0.1}};
    const auto edge = size_t(part.grid.width);
    std::vector<uint16_t> out(edge * edge);
    for (size_t i = 0; i < out.size(); ++i) {
      const double value = i % edge < edge / 2 ? 0.5 : ground.at(part.bands[place.band].name);
      out[i] = uint16_t(std::lround((value + 0.1) * 1e4));
    }
    // The last row of the ground has no data.
    std::fill(out.end() - long(edge * edge / 6), out.end(), uint16_t{0});
    std::vector<std::byte> bytes(out.size() * 2);
    std::memcpy(bytes.data(), out.data(), bytes.size());
    return bytes;
  }
};

cloud_mask found_in(made_image& image, const cloud_request& request) {
  auto found = find_clouds(image.scene, request, image.planes);
  if (!found) CAF_FAIL(to_string(found.error()));
  return std::move(*found);
}

}  // namespace

CAF_TEST(bands of several resolutions come to the grid of the short wave infrared) {
  made_image image;
  const auto found = found_in(image, {});
  CAF_CHECK(found.method == cloud_method::spectral);
  CAF_CHECK_EQUAL(found.subdataset, 1u);
  CAF_CHECK_EQUAL(found.classes.size(), 36u);
  const auto counts = count_classes(found.classes);
  CAF_CHECK_EQUAL(counts.of(mask_class::nodata), 6u);
  CAF_CHECK_EQUAL(counts.of(mask_class::cloud), 15u);
  // Everything else is within three pixels of the cloud.
  CAF_CHECK_EQUAL(counts.of(mask_class::dilated), 15u);
}

CAF_TEST(holes that the image itself tells are nodata) {
  made_image image;
  image.planes.valid = [&](size_t s) -> result<std::vector<uint8_t>> {
    std::vector<uint8_t> out(image.planes.size(s).pixels(), 1);
    std::fill_n(out.begin(), image.planes.size(s).width, uint8_t{0});
    if (s == 0) std::fill_n(out.begin(), 2 * image.planes.size(s).width, uint8_t{0});
    return out;
  };
  CAF_CHECK_EQUAL(count_classes(found_in(image, {}).classes).of(mask_class::nodata), 12u);
}

CAF_TEST(a model gets its bands by name on the grid of most of them) {
  made_image image;
  const auto model = tree_model::parse(
      "tree\nversion=v4\nnum_class=1\nmax_feature_idx=2\nobjective=binary sigmoid:1\n"
      "feature_names=B11 B12 B02\n\nTree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=2\n"
      "threshold=0.3\ndecision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=-3 3\n\n"
      "end of trees\n",
      "test");
  CAF_REQUIRE(model.has_value());
  cloud_request request;
  request.method = cloud_method::model;
  CAF_CHECK(code_of(find_clouds(image.scene, request, image.planes)) == ec::invalid_argument);
  request.model = &*model;
  request.probability = {0, 0.4, 0};
  const auto found = found_in(image, request);
  CAF_CHECK_EQUAL(found.subdataset, 1u);
  const auto counts = count_classes(found.classes);
  CAF_CHECK_EQUAL(counts.of(mask_class::nodata), 6u);
  CAF_CHECK_EQUAL(counts.of(mask_class::cloud), 15u);
  CAF_CHECK_EQUAL(counts.of(mask_class::clear), 15u);
  image.scene.subdatasets[1].bands[2].name = "B13";
  const auto lacking = find_clouds(image.scene, request, image.planes);
  CAF_REQUIRE(!lacking.has_value());
  CAF_CHECK(lacking.error().why.find("B12") != std::string::npos);
}

CAF_TEST(planes of another size than their subdataset are refused) {
  made_image image;
  image.planes.read = [&](const band_place& place) -> result<std::vector<std::byte>> {
    auto out = image.read(place);
    if (out) out->pop_back();
    return out;
  };
  CAF_CHECK(code_of(find_clouds(image.scene, {}, image.planes)) == ec::invalid_argument);
  image.planes.read = [](const band_place&) -> result<std::vector<std::byte>> {
    return fail(ec::corrupt, "read a block", "its checksum is wrong");
  };
  CAF_CHECK(code_of(find_clouds(image.scene, {}, image.planes)) == ec::corrupt);
}

CAF_TEST(whole products of several kinds get the mask that they can have) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA names no directory");
    return;
  }
  const auto landsat = open_one(*data + "/landsat/LC08_L2SP_001070_20190114-C2");
  CAF_REQUIRE(landsat != nullptr);
  cloud_request request;
  request.longitude = -67.67;
  request.latitude = -14.46;
  const auto by_bits = find_clouds(landsat->description(), request, planes_of(*landsat));
  CAF_REQUIRE(by_bits.has_value());
  CAF_CHECK(by_bits->method == cloud_method::quality);
  const auto share = fractions_of(count_classes(by_bits->classes));
  CAF_CHECK_EQUAL(std::round(share->cloud * 10000), 7570.0);
  request.method = cloud_method::spectral;
  const auto by_light = find_clouds(landsat->description(), request, planes_of(*landsat));
  CAF_REQUIRE(by_light.has_value());
  const auto about = fractions_of(count_classes(by_light->classes));
  CAF_CHECK(about->cloud > 0.5 && about->cloud < 0.8);

  const auto l2a =
      open_one(*data +
               "/sentinel2/T22HBD-L2A-tiny/"
               "esa_S2B_MSIL2A_20210122T133229_N0214_R081_T22HBD_20210122T155500.SAFE");
  CAF_REQUIRE(l2a != nullptr);
  const auto sentinel = find_clouds(l2a->description(), request, planes_of(*l2a));
  CAF_REQUIRE(sentinel.has_value());
  CAF_CHECK(count_classes(sentinel->classes).valid() > 9000);

  // Without its product's metadata the offset is unknown.
  const auto bare = open_one(*data + "/sentinel2/T31TDH-L1C-13bands-jp2");
  CAF_REQUIRE(bare != nullptr);
  const auto refused = find_clouds(bare->description(), request, planes_of(*bare));
  CAF_REQUIRE(!refused.has_value());
  CAF_MESSAGE(to_string(refused.error()));
  CAF_CHECK(to_string(refused.error()).find("baseline") != std::string::npos);
}
