#define CAF_SUITE raster.plan_cache
#include "libstip/raster/plan_cache.hpp"

#include <caf/test/unit_test.hpp>

#include "cut_twin.hpp"
#include "tests/libstip/geo/grids.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct planned {
  scene_description description;
  std::vector<source_tiling> tilings{{64, 64, true}};
  cut_options options;

  planned() {
    description.subdatasets.push_back({});
    auto& d = description.subdatasets.back();
    d.id = "0";
    d.grid = square("EPSG:32632", 399960, 5700000, 100, 300, 200);
    d.type = pixel_type::uint16;
    d.bands.resize(2);
    d.valid = validity::all;
  }
};

const cut_plan* plan_of(plan_cache& cache, const planned& p) {
  const auto made = cache.plan(p.description, p.tilings, p.options);
  CAF_REQUIRE(made.has_value());
  return made->get();
}

}  // namespace

CAF_TEST(scenes that differ in nothing but their time share a plan) {
  plan_cache cache;
  planned p;
  const auto* first = plan_of(cache, p);
  p.description.timestamp = 5;
  p.description.tile = "another";
  p.description.subdatasets[0].bands[1].name = "NIR";
  CAF_CHECK(plan_of(cache, p) == first);
}

CAF_TEST(whatever a plan depends on makes it another) {
  const std::vector<std::function<void(planned&)>> changes{
      [](planned& p) { p.description.subdatasets[0].grid.width -= 1; },
      [](planned& p) {
        p.description.subdatasets[0].grid = square("EPSG:32633", 399960, 5700000, 100, 300, 200);
      },
      [](planned& p) { p.description.subdatasets[0].type = pixel_type::float32; },
      [](planned& p) { p.description.subdatasets[0].bands.resize(3); },
      [](planned& p) { p.description.subdatasets[0].valid = validity::mask; },
      [](planned& p) { p.tilings[0].block_height = 1; },
      [](planned& p) { p.tilings[0].bands_together = false; },
      [](planned& p) { p.options.precision = 4; },
      [](planned& p) { p.options.algorithm = geocode_algorithm::quadtile; },
      [](planned& p) { p.options.memory_bytes *= 2; },
      [](planned& p) { p.options.cell_table_bytes = 0; },
  };
  for (const auto& change : changes) {
    plan_cache cache;
    planned p;
    const auto kept = cache.plan(p.description, p.tilings, p.options);
    CAF_REQUIRE(kept.has_value());
    change(p);
    CAF_CHECK(plan_of(cache, p) != kept->get());
  }
}

CAF_TEST(the latest plans are kept and refusals are not ) {
  plan_cache cache;
  planned p;
  const auto kept = cache.plan(p.description, p.tilings, p.options);
  CAF_REQUIRE(kept.has_value());
  auto other = p;
  for (size_t i = 0; i < defaults::max_cached_plans; ++i) {
    // Asked for again, it stays among the latest.
    CAF_CHECK(plan_of(cache, p) == kept->get());
    other.description.subdatasets[0].grid.width += 1;
    plan_of(cache, other);
  }
  for (size_t i = 0; i < defaults::max_cached_plans; ++i) {
    other.description.subdatasets[0].grid.width += 1;
    plan_of(cache, other);
  }
  CAF_CHECK(plan_of(cache, p) != kept->get());
  auto broken = p;
  broken.tilings.clear();
  CAF_CHECK(!cache.plan(broken.description, broken.tilings, broken.options));
  broken = p;
  broken.options.precision = 99;
  CAF_CHECK(!cache.plan(broken.description, broken.tilings, broken.options));
  CAF_CHECK(!cache.plan(broken.description, broken.tilings, broken.options));
}
