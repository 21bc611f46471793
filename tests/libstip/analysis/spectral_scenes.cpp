#define CAF_SUITE analysis.spectral_scenes
#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <iomanip>
#include <sstream>
#include <vector>

#include "libstip/analysis/calibrate.hpp"
#include "libstip/analysis/cloud_shadow.hpp"
#include "libstip/analysis/spectral.hpp"
#include "libstip/raster/nodata.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scene_planes.hpp"

// The spectral test on real scenes against what their providers' masks say.

using namespace stip;
using namespace stip::test;

namespace {

/// The middle of the mosaic of New York, and of the scene of Peru.
constexpr double new_york[] = {-73.3, 40.3};
constexpr double peru[] = {-67.67, -14.46};

struct confusion {
  uint64_t both = 0, missed = 0, false_alarm = 0, neither = 0;

  confusion& operator+=(const confusion& other) {
    both += other.both;
    missed += other.missed;
    false_alarm += other.false_alarm;
    neither += other.neither;
    return *this;
  }
  double balanced() const {
    const auto share = [](uint64_t part, uint64_t rest) {
      return double(part) / double(part + rest);
    };
    return (share(both, missed) + share(neither, false_alarm)) / 2;
  }
};

std::string text(const confusion& c) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(4) << "cloud and found " << c.both << ", missed "
      << c.missed << ", false alarms " << c.false_alarm << ", neither " << c.neither
      << ", balanced accuracy " << c.balanced();
  return out.str();
}

/// The bands of a scene in memory, and the image over them.
struct loaded {
  std::array<std::vector<std::byte>, band_roles> bytes;
  spectral_image image;
};

loaded load(const scene& from, const double (&place)[2]) {
  const auto& d = from.description();
  const auto source = find_spectral(d);
  CAF_REQUIRE(source.has_value());
  const auto calibrated = calibrate(d, *source, sun_of(d, place[0], place[1]));
  if (!calibrated) CAF_FAIL(to_string(calibrated.error()));
  loaded out;
  for (size_t role = 0; role < band_roles; ++role) {
    if (!source->bands[role] || !(*calibrated)[role]) continue;
    const auto& part = d.subdatasets[source->bands[role]->subdataset];
    const auto& band = part.bands[source->bands[role]->band];
    out.bytes[role] = read_plane(from, *source->bands[role]);
    spectral_band made{part.type, out.bytes[role], *(*calibrated)[role], std::nullopt};
    if (band.nodata) made.nodata = nodata_value(part.type, *band.nodata);
    out.image.bands[role] = made;
    out.image.size = {size_t(part.grid.width), size_t(part.grid.height)};
  }
  return out;
}

/// Our mask against a bit of the quality band, where both have data.
confusion compare(const scene& from, const std::vector<uint8_t>& mask, unsigned bit) {
  const auto quality = find_quality(from.description());
  CAF_REQUIRE(quality.has_value());
  const auto plane = read_plane(from, quality->bands[0]);
  CAF_REQUIRE_EQUAL(plane.size(), 2 * mask.size());
  confusion out;
  for (size_t i = 0; i < mask.size(); ++i) {
    uint16_t value = 0;
    std::memcpy(&value, plane.data() + 2 * i, 2);
    if ((value & 1) != 0 || mask[i] == uint8_t(mask_class::nodata)) continue;
    const bool cloud = ((value >> bit) & 1) != 0, found = is_cloud(mask_class(mask[i]));
    ++(cloud ? found ? out.both : out.missed : found ? out.false_alarm : out.neither);
  }
  return out;
}

std::vector<std::string> new_york_scenes(const std::string& data) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(data + "/landsat/L8NY18"))
    if (entry.is_directory()) out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

confusion over_new_york(const std::string& data, std::initializer_list<band_role> without) {
  confusion pooled;
  for (const auto& path : new_york_scenes(data)) {
    const auto opened = open_one(path);
    CAF_REQUIRE(opened != nullptr);
    auto l = load(*opened, new_york);
    for (const auto role : without) l.image.bands[size_t(role)].reset();
    std::vector<uint8_t> mask(l.image.size.pixels());
    CAF_REQUIRE(spectral_mask(l.image, mask).has_value());
    const auto one = compare(*opened, mask, 4);
    if (without.size() == 0) CAF_MESSAGE(opened->description().tile << ": " << text(one));
    pooled += one;
  }
  return pooled;
}

}  // namespace

CAF_TEST(nineteen dates of New York agree with BQA) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA names no directory");
    return;
  }
  CAF_REQUIRE_EQUAL(new_york_scenes(*data).size(), 19u);
  const auto all = over_new_york(*data, {});
  CAF_MESSAGE("all bands: " << text(all));
  CAF_CHECK(all.balanced() >= 0.85);
  const auto cold = over_new_york(*data, {band_role::cirrus});
  CAF_MESSAGE("without cirrus: " << text(cold));
  CAF_CHECK(cold.balanced() >= 0.85);
  const auto high = over_new_york(*data, {band_role::thermal});
  CAF_MESSAGE("without thermal: " << text(high));
  CAF_CHECK(high.balanced() >= 0.85);
  const auto neither = over_new_york(*data, {band_role::thermal, band_role::cirrus});
  CAF_MESSAGE("without either: " << text(neither));
  CAF_CHECK(neither.balanced() >= 0.85);
}

CAF_TEST(the surface reflectance of Peru agrees with QA_PIXEL) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA names no directory");
    return;
  }
  const auto opened = open_one(*data + "/landsat/LC08_L2SP_001070_20190114-C2");
  CAF_REQUIRE(opened != nullptr);
  auto l = load(*opened, peru);
  std::vector<uint8_t> mask(l.image.size.pixels());
  CAF_REQUIRE(spectral_mask(l.image, mask).has_value());
  const auto warm = compare(*opened, mask, 3);
  CAF_MESSAGE("with temperature: " << text(warm));
  CAF_CHECK(warm.balanced() >= 0.85);
  l.image.bands[size_t(band_role::thermal)].reset();
  CAF_REQUIRE(spectral_mask(l.image, mask).has_value());
  const auto bare = compare(*opened, mask, 3);
  CAF_MESSAGE("without temperature: " << text(bare));
  CAF_CHECK(bare.balanced() >= 0.85);
}

CAF_TEST(shadows of Peru lie where QA_PIXEL has them more often than elsewhere) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA names no directory");
    return;
  }
  const auto opened = open_one(*data + "/landsat/LC08_L2SP_001070_20190114-C2");
  CAF_REQUIRE(opened != nullptr);
  const auto l = load(*opened, peru);
  std::vector<uint8_t> mask(l.image.size.pixels());
  CAF_REQUIRE(spectral_mask(l.image, mask).has_value());
  const auto& d = opened->description();
  const auto& transform = d.subdatasets[0].grid.transform;
  const shadow_geometry geometry{sun_of(d, peru[0], peru[1]), std::abs(transform[1]),
                                 std::abs(transform[5])};
  CAF_REQUIRE(add_shadows(l.image, geometry, mask).has_value());
  const auto quality = find_quality(d);
  const auto plane = read_plane(*opened, quality->bands[0]);
  confusion found;
  for (size_t i = 0; i < mask.size(); ++i) {
    uint16_t value = 0;
    std::memcpy(&value, plane.data() + 2 * i, 2);
    // Only where both see the ground.
    if ((value & 0b1111) != 0 || is_cloud(mask_class(mask[i])) || mask[i] == 0) continue;
    const bool theirs = (value & 16) != 0, ours = mask[i] == uint8_t(mask_class::shadow);
    ++(theirs ? ours ? found.both : found.missed : ours ? found.false_alarm : found.neither);
  }
  CAF_MESSAGE("shadows: " << text(found));
  const auto share = [](uint64_t part, uint64_t rest) {
    return double(part) / double(part + rest);
  };
  CAF_CHECK(share(found.both, found.false_alarm) > 2 * share(found.missed, found.neither));
}
