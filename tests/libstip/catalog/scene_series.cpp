#define CAF_SUITE catalog.scene_series
#include "libstip/catalog/scene_series.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;

namespace {

scene_description scene_of(const std::string& series, const std::string& rank) {
  scene_description scene;
  scene.platform = "Landsat8C2L2";
  scene.timestamp = 1'547'477'704;
  if (!series.empty()) scene.properties["series"] = series;
  if (!rank.empty()) scene.properties["rank"] = rank;
  return scene;
}

/// 10 x 10 pixels of a degree with that north-west corner.
scene_description placed(double west, double north) {
  auto scene = scene_of("a", "1");
  subdataset_description d;
  d.grid.crs_wkt = "EPSG:4326";
  d.grid.width = d.grid.height = 10;
  d.grid.transform = {west, 1, 0, north, 0, -1};
  scene.subdatasets.push_back(d);
  return scene;
}

}  // namespace

CAF_TEST(of products of one observation the one of higher rank is newer) {
  const auto old = scene_of("LC08 001070 20190114", "0 20190114");
  const auto now = scene_of("LC08 001070 20190114", "1 20200830");
  CAF_CHECK(standing_of(old, now) == standing::older);
  CAF_CHECK(standing_of(now, old) == standing::newer);
  CAF_CHECK(standing_of(now, now) == standing::equal);
}

CAF_TEST(products are unrelated unless both say that they are of one observation) {
  const auto one = scene_of("a", "1");
  for (const auto& other :
       {scene_of("b", "2"), scene_of("", "2"), scene_of("a", ""), scene_of("", "")}) {
    CAF_CHECK(standing_of(one, other) == standing::unrelated);
    CAF_CHECK(standing_of(other, one) == standing::unrelated);
  }
  auto elsewhere = scene_of("a", "2");
  elsewhere.platform = "Landsat9C2L2";
  CAF_CHECK(standing_of(one, elsewhere) == standing::unrelated);
  CAF_CHECK(has_series(one) && !has_series(scene_of("a", "")));
}

CAF_TEST(others are looked for around the time and the place) {
  const auto f = series_filter(placed(10, 50));
  CAF_REQUIRE(f.has_value());
  CAF_CHECK(f->platform == "Landsat8C2L2" && f->source == "raw");
  CAF_CHECK(f->start < 1'547'477'704 && f->end > 1'547'477'704);
  CAF_REQUIRE(f->bbox.has_value());
  CAF_CHECK(f->bbox->west <= 10.001 && f->bbox->west > 9);
  CAF_CHECK(f->bbox->east >= 19.999 && f->bbox->east < 21);
  CAF_CHECK(f->bbox->south <= 40.001 && f->bbox->north >= 49.999);
  CAF_CHECK(check(*f).has_value());
  // Over the antimeridian no longitude is left out.
  const auto both = series_filter(placed(175, 5));
  CAF_REQUIRE(both.has_value() && both->bbox);
  CAF_CHECK(both->bbox->west == -180 && both->bbox->east == 180);
}
